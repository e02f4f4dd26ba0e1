/**
 * Typed custom fields. Describe the custom fields of an organization once, with schemas. Then reads and writes are typed.
 * The service requires only `Contacts`, so it works with the API, a sandbox or a stub.
 */
import { ContactsStream, CustomFields, Sandbox } from "@agentalk/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, DateTime, Effect, Layer, Schema, Stream } from "effect"

// #region fields
class Customers extends CustomFields.Service<Customers>()("app/Customers", {
  plan: Schema.Literals(["free", "pro"]),
  seats: Schema.FiniteFromString, // a number in your code, stored as text
  renewsAt: Schema.DateTimeUtcFromString
}) {}

const upgrade = Effect.fn("upgrade")(function* (phone: string, renewsAt: DateTime.Utc) {
  const customers = yield* Customers
  // A wrong key (`seat: 5`) or a wrong type (`seats: "5"`) does not compile.
  yield* customers.upsert({ phone, fields: { plan: "pro", seats: 5, renewsAt } })

  const { contacts } = yield* customers.search({ phone })
  return contacts.reduce((total, { fields }) => total + (fields.seats ?? 0), 0)
})
// #endregion

const program = Effect.gen(function* () {
  const { contacts, seed } = yield* Sandbox.State
  yield* seed([{ phone: "+12025550199", firstName: "Joe", fields: { plan: "free", seats: "many", hat: "M" } }])

  yield* Console.log(`${yield* upgrade("+1 202 555 0143", DateTime.makeUnsafe("2027-02-01"))} seats`)
  const stored = (yield* contacts()).at(-1)
  yield* Console.log(`stored: ${JSON.stringify(stored?.fields)}`)

  // If a stored value does not decode, the rest of the contact is unaffected.
  yield* ContactsStream.search({ name: "Joe" }).pipe(
    Stream.map(Customers.decode),
    Stream.runForEach(({ fields, invalidFields, otherFields }) =>
      Console.log(JSON.stringify({ fields, invalidFields, otherFields }))
    )
  )

  // The compiler cannot reject `NaN`. The schema does, before anything is sent.
  const customers = yield* Customers
  yield* customers
    .upsert({ phone: "+12025550143", fields: { seats: Number.NaN } })
    .pipe(Effect.catchTag("Validation", ({ message }) => Console.log(message)))
}).pipe(Effect.provide(Layer.provideMerge(Customers.layer, Sandbox.layer)))

NodeRuntime.runMain(program)
