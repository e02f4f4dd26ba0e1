/**
 * Many organizations: one token that reaches several, scoped call by call; and one token a customer, each with a client
 * of its own over one connection pool. Tokens may rotate while the clients live on.
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

// --- one token for all of them ------------------------------------------------------------------------------------

const oneToken = Effect.gen(function* () {
  // The same phone number, so that only the organization tells the two contacts apart.
  yield* save("Jane").pipe(AgentalkClient.withOrganization(customers.acme))
  yield* save("Joe").pipe(AgentalkClient.withOrganization(customers.globex))

  const state = yield* Sandbox.State
  for (const [name, organization] of Object.entries(customers)) {
    const [contact] = yield* state.contacts(organization)
    yield* Console.log(`one token: ${name} has ${contact?.firstName}`)
  }
}).pipe(Effect.provide(Sandbox.layer))

// --- one token a customer -----------------------------------------------------------------------------------------

const expired = Redacted.make(`${customers.globex}.expired`)
const present = { acme: Redacted.make(`${customers.acme}.one`), globex: Redacted.make(`${customers.globex}.two`) }

/** Where the tokens are kept: here in memory, in production a manager of secrets. */
class Vault extends Context.Service<Vault, Ref.Ref<Readonly<Record<Customer, Redacted.Redacted>>>>()("example/Vault") {
  static readonly layer = Layer.effect(Vault, Ref.make({ ...present, globex: expired }))
}

/** A client for every customer, made when it is first asked for. */
class Clients extends LayerMap.Service<Clients>()("example/Clients", {
  lookup: (customer: Customer) =>
    Layer.unwrap(
      Effect.gen(function* () {
        const vault = yield* Vault
        const { url } = yield* SandboxServer.Address // in production, leave `baseUrl` out
        const token = Effect.map(Ref.get(vault), (tokens) => tokens[customer]) // runs before every attempt
        return AgentalkClient.layer({ token, baseUrl: url })
      })
    ),
  dependencies: [UndiciHttpClient.layer], // one pool, whoever calls
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
