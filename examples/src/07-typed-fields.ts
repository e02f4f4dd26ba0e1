/**
 * Typed fields: the custom fields of an organization are described once, by a schema, and from then on what is written
 * and what is read is typed by it. It needs no more than `Contacts`, so it runs over the API, a sandbox or a stub.
 */
import { ContactsStream, CustomFields, Sandbox } from "@agentalk/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, DateTime, Effect, Layer, Schema, Stream } from "effect"

// #region fields
class Customers extends CustomFields.Service<Customers>()("app/Customers", {
  plan: Schema.Literals(["free", "pro"]),
  seats: Schema.FiniteFromString, // a number here, text in the contact
  renewsAt: Schema.DateTimeUtcFromString
}) {}

const upgrade = Effect.fn("upgrade")(function* (phone: string, renewsAt: DateTime.Utc) {
  const customers = yield* Customers
  // A misspelt key does not compile, and neither does another type of value: `seat: 5`, `seats: "5"`.
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

  // A stored value that breaks its schema costs neither its contact nor the other fields.
  yield* ContactsStream.search({ name: "Joe" }).pipe(
    Stream.map(Customers.decode),
    Stream.runForEach(({ fields, invalidFields, otherFields }) =>
      Console.log(JSON.stringify({ fields, invalidFields, otherFields }))
    )
  )

  // What the compiler cannot see is refused before anything is sent.
  const customers = yield* Customers
  yield* customers
    .upsert({ phone: "+12025550143", fields: { seats: Number.NaN } })
    .pipe(Effect.catchTag("Validation", ({ message }) => Console.log(message)))
}).pipe(Effect.provide(Layer.provideMerge(Customers.layer, Sandbox.layer)))

NodeRuntime.runMain(program)
