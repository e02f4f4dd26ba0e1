/**
 * A nightly job that saves every changed customer as a contact. It reports customers with invalid data and continues. If
 * the API is unavailable, it retries for up to an hour for each customer. `08-nightly-sync.test.ts` tests it in virtual
 * time.
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

/** The application's database. */
export class Customers extends Context.Service<
  Customers,
  { readonly changed: Effect.Effect<ReadonlyArray<Customer>> }
>()("example/Customers") {}

/** Upserts the contact with the `customer` tag and removes the `lead` tag. */
const save = Effect.fn("save")(function* ({ name, phone, plan }: Customer) {
  const contacts = yield* Contacts
  const { contact } = yield* contacts.upsert({ phone, firstName: name, tags: ["customer"], fields: { plan } })
  yield* contacts.removeTag(contact.id, "lead").pipe(Effect.catchTag("NotFound", () => Effect.void))
})

/** A call makes three attempts within seconds. A nightly job can retry for an hour for each customer. */
const retryForAnHour = Schedule.exponential("1 minute").pipe(Schedule.upTo({ duration: "1 hour" }))

/** Saves all changed customers. Returns the validation problems of each refused customer. Fails with any other error. */
export const sync = Effect.gen(function* () {
  const customers = yield* Effect.flatMap(Customers, ({ changed }) => changed)
  const results = yield* Effect.forEach(customers, (customer) =>
    save(customer).pipe(
      Effect.retry({ schedule: retryForAnHour, while: ({ isRetryable }) => isRetryable }),
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
