/**
 * A list into Agentalk: every row has one result, a bad one ends nothing, and the last row with a number wins. Then all
 * that was imported is read back, page after page.
 */
import { ContactsStream, Sandbox, type UpsertInput } from "@agentalk/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Stream } from "effect"

// #region import
const importAll = Effect.fn("importAll")(function* (list: Stream.Stream<UpsertInput>) {
  const progress = yield* ContactsStream.makeProgress
  yield* ContactsStream.upsertAll(list, { concurrency: 16, progress }).pipe(
    // One result for each row, in the order of the list; what is no contact goes to somebody who can mend it.
    Stream.runForEach((result) =>
      result._tag === "Created" || result._tag === "Updated"
        ? Effect.void
        : Console.log(`row ${result.row}: ${result._tag}. ${result.error.message}`)
    ),
    // The run stopped early: the token was refused, or a call reached its deadline. `remaining` lists the rows to run again.
    Effect.catchTag("Stopped", ({ message }) => Console.log(message))
  )
  return yield* progress.snapshot
})
// #endregion

const names = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jo"]

const list = Stream.range(0, 249).pipe(
  Stream.map((n): UpsertInput => ({
    // Fictitious numbers, and one that is none.
    phone: n === 41 ? "n/a" : `+1 202 555 ${String(n).padStart(4, "0")}`,
    firstName: names[n % names.length],
    lastName: "Example",
    tags: ["list-2026"]
  })),
  // A number that was there before, spelt otherwise: it comes after the first, whatever the concurrency.
  Stream.concat(Stream.succeed({ phone: "+12025550007", firstName: "Zoe" }))
)

const program = Effect.gen(function* () {
  const { byOutcome, done } = yield* importAll(list)
  yield* Console.log(
    `${done} rows: ${byOutcome.Created} created, ${byOutcome.Updated} updated, ${byOutcome.Invalid} invalid, ${byOutcome.Failed} failed`
  )

  const found = yield* ContactsStream.search({ name: "Example" }, { pageSize: 100 }).pipe(Stream.runCount)
  yield* Console.log(`${found} contacts are found again`)

  const [zoe] = yield* ContactsStream.search({ name: "Zoe" }).pipe(Stream.runCollect)
  yield* Console.log(`${zoe?.phone} is ${zoe?.firstName} ${zoe?.lastName} now`)

  const tagged = yield* ContactsStream.search({ name: "Zoe" }).pipe(
    Stream.map(({ id }) => ({ id, tags: ["renamed"] })),
    ContactsStream.addTagsAll,
    Stream.runCount
  )
  yield* Console.log(`${tagged} tagged`)
}).pipe(Effect.provide(Sandbox.layer))

NodeRuntime.runMain(program)
