/**
 * A nightly job: every customer who changed becomes a contact. A bad number is reported and ends nothing, and an outage
 * is waited for. Its tests, in virtual time, stand beside it in `08-nightly-sync.test.ts`.
 */
import { Contacts, Sandbox } from "@agentalk/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Context, Effect, Layer, Schedule } from "effect"

export interface Customer {
  readonly id: string
  readonly phone: string
  readonly name: string
  readonly plan: "free" | "pro"
}

/** The database of the application. */
export class Customers extends Context.Service<
  Customers,
  { readonly changed: Effect.Effect<ReadonlyArray<Customer>> }
>()("example/Customers") {}

/** The customer is a customer now, whatever was known before, and no lead any more. */
const save = Effect.fn("save")(function* ({ name, phone, plan }: Customer) {
  const contacts = yield* Contacts
  const { contact } = yield* contacts.upsert({ phone, firstName: name, tags: ["customer"], fields: { plan } })
  yield* contacts.removeTag(contact.id, "lead").pipe(Effect.catchTag("NotFound", () => Effect.void))
})

/** A call makes three attempts within seconds; a job of the night has an hour for each customer. */
const patiently = Schedule.exponential("1 minute").pipe(Schedule.upTo({ duration: "1 hour" }))

/** Saves everybody, and gives the problems of those whose data the API refuses. Any other failure ends the job. */
export const sync = Effect.gen(function* () {
  const customers = yield* Effect.flatMap(Customers, ({ changed }) => changed)
  const results = yield* Effect.forEach(customers, (customer) =>
    save(customer).pipe(
      Effect.retry({ schedule: patiently, while: ({ isRetryable }) => isRetryable }),
      Effect.as([]),
      Effect.catchTag("Validation", ({ issues }) =>
        Effect.succeed([{ customer: customer.id, problems: issues.map(({ path }) => path.join(".")) }])
      )
    )
  )
  const refused = results.flat()
  return { saved: customers.length - refused.length, refused }
})

const changed: ReadonlyArray<Customer> = [
  { id: "customer 1", phone: "+1 202 555 0143", name: "Jane", plan: "pro" },
  { id: "customer 2", phone: "see e-mail", name: "Joe", plan: "free" }
]

const main = Effect.gen(function* () {
  const { refused, saved } = yield* sync
  yield* Console.log(`${saved} saved, ${refused.length} refused`)
  for (const { customer, problems } of refused)
    yield* Console.log(`please correct the ${problems.join()} of ${customer}`)
}).pipe(
  Effect.provide([
    Sandbox.layer, // `AgentalkNode.layer` in production
    Layer.succeed(Customers, { changed: Effect.succeed(changed) })
  ])
)

if (import.meta.main) NodeRuntime.runMain(main)
