/**
 * Many organizations, in two ways. First: one token for all of them, and `withOrganization` selects one for the calls in
 * an effect. Second: one token and one client for each customer, over a shared connection pool. Tokens can rotate without
 * a restart.
 */
import { AgentalkClient, Contacts, Sandbox } from "@agentalk/core"
import { SandboxServer, UndiciHttpClient } from "@agentalk/node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Context, Effect, Layer, LayerMap, Redacted, Ref } from "effect"

const customers = {
  acme: "11111111-0000-4000-8000-000000000001",
  globex: "22222222-0000-4000-8000-000000000002"
} as const
type Customer = keyof typeof customers

const save = Effect.fn("save")(function* (firstName: string) {
  const contacts = yield* Contacts
  const { isNew } = yield* contacts.upsert({ phone: "+12025550143", firstName })
  return `${firstName} was ${isNew ? "created" : "updated"}`
})

// --- one token for all organizations ------------------------------------------------------------------------------

const oneToken = Effect.gen(function* () {
  // Both contacts have the same phone number, so only the organization distinguishes them.
  yield* save("Jane").pipe(AgentalkClient.withOrganization(customers.acme))
  yield* save("Joe").pipe(AgentalkClient.withOrganization(customers.globex))

  const state = yield* Sandbox.State
  for (const [name, organization] of Object.entries(customers)) {
    const [contact] = yield* state.contacts(organization)
    yield* Console.log(`one token: ${name} has ${contact?.firstName}`)
  }
}).pipe(Effect.provide(Sandbox.layer))

// --- one token for each customer ----------------------------------------------------------------------------------

const expired = Redacted.make(`${customers.globex}.expired`)
const present = { acme: Redacted.make(`${customers.acme}.one`), globex: Redacted.make(`${customers.globex}.two`) }

/** Stores the tokens: in memory here, in a secret manager in production. */
class Vault extends Context.Service<Vault, Ref.Ref<Readonly<Record<Customer, Redacted.Redacted>>>>()("example/Vault") {
  static readonly layer = Layer.effect(Vault, Ref.make({ ...present, globex: expired }))
}

/** One client for each customer, created on first use. */
class Clients extends LayerMap.Service<Clients>()("example/Clients", {
  lookup: (customer: Customer) =>
    Layer.unwrap(
      Effect.gen(function* () {
        const vault = yield* Vault
        const { url } = yield* SandboxServer.Address // in production, omit `baseUrl`
        const token = Effect.map(Ref.get(vault), (tokens) => tokens[customer]) // runs before every attempt
        return AgentalkClient.layer({ token, baseUrl: url })
      })
    ),
  dependencies: [UndiciHttpClient.layer], // one connection pool for all clients
  idleTimeToLive: "10 minutes"
}) {}

const saveFor = (customer: Customer, name: string) =>
  save(name).pipe(
    Effect.catchTag("Unauthorized", () => Effect.succeed("the token was refused")),
    Effect.flatMap((result) => Console.log(`${customer}: ${result}`)),
    Effect.provide(Clients.get(customer))
  )

const tokenPerCustomer = Effect.gen(function* () {
  yield* saveFor("acme", "Jane")
  yield* saveFor("globex", "Joe")

  yield* Ref.set(yield* Vault, present)
  yield* Console.log("globex: the token was rotated")
  yield* saveFor("globex", "Joe")
}).pipe(
  Effect.provide(Clients.layer),
  Effect.provide([Vault.layer, SandboxServer.layerOptions({ tokens: Object.values(present) })])
)

NodeRuntime.runMain(Effect.andThen(oneToken, tokenPerCustomer))
