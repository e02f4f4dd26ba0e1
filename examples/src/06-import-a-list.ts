/**
 * Imports a list of contacts. Every row has one result, and an invalid row does not stop the import. If several rows
 * have the same phone number, the last one wins. Then the program reads the contacts back with a paginated search.
 */
import { ContactsStream, Sandbox, type UpsertInput } from "@agentalk/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Stream } from "effect"

// #region import
const importAll = Effect.fn("importAll")(function* (list: Stream.Stream<UpsertInput>) {
  const progress = yield* ContactsStream.makeProgress
  yield* ContactsStream.upsertAll(list, { concurrency: 16, progress }).pipe(
    // Results arrive in the order of the list. Report the rows that failed.
    Stream.runForEach((result) =>
      result._tag === "Created" || result._tag === "Updated"
        ? Effect.void
        : Console.log(`row ${result.row}: ${result._tag}. ${result.error.message}`)
    ),
    // The import stopped early because the API refused the token or a call exceeded its deadline. The message lists the
    // rows to run again.
    Effect.catchTag("Stopped", ({ message }) => Console.log(message))
  )
  return yield* progress.snapshot
})
// #endregion

const names = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jo"]

const list = Stream.range(0, 249).pipe(
  Stream.map((n): UpsertInput => ({
    // Fictitious phone numbers, and one invalid value.
    phone: n === 41 ? "n/a" : `+1 202 555 ${String(n).padStart(4, "0")}`,
    firstName: names[n % names.length],
    lastName: "Example",
    tags: ["list-2026"]
  })),
  // The same number as an earlier row, formatted differently. It is applied after that row, at any concurrency.
  Stream.concat(Stream.succeed({ phone: "+12025550007", firstName: "Zoe" }))
)

const program = Effect.gen(function* () {
  const { byOutcome, done } = yield* importAll(list)
  yield* Console.log(
    `${done} rows: ${byOutcome.Created} created, ${byOutcome.Updated} updated, ${byOutcome.Invalid} invalid, ${byOutcome.Failed} failed`
  )

  const found = yield* ContactsStream.search({ name: "Example" }, { pageSize: 100 }).pipe(Stream.runCount)
  yield* Console.log(`${found} contacts found`)

  const [zoe] = yield* ContactsStream.search({ name: "Zoe" }).pipe(Stream.runCollect)
  yield* Console.log(`${zoe?.phone} is now ${zoe?.firstName} ${zoe?.lastName}`)

  const tagged = yield* ContactsStream.search({ name: "Zoe" }).pipe(
    Stream.map(({ id }) => ({ id, tags: ["renamed"] })),
    ContactsStream.addTagsAll,
    Stream.runCount
  )
  yield* Console.log(`${tagged} tagged`)
}).pipe(Effect.provide(Sandbox.layer))

NodeRuntime.runMain(program)
