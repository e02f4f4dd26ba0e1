/**
 * Testing with layers. The code under test requires `Contacts`, and each test provides an implementation.
 * `Sandbox.layer` is an in-memory API, for tests of behaviour. `Layer.mock` returns fixed results, for rare errors. With
 * `@effect/vitest`, each test below would be an `it.effect`.
 */
import { Contacts, RateLimited, Sandbox } from "@agentalk/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Duration, Effect, Layer, Option } from "effect"
import assert from "node:assert/strict"

// --- the code under test ------------------------------------------------------------------------------------------

/** Removes the newsletter tag from every contact with this phone number. Returns the number of contacts changed. */
const unsubscribe = Effect.fn("unsubscribe")(function* (phone: string) {
  const contacts = yield* Contacts
  const { contacts: found } = yield* contacts.search({ phone })
  const removed = yield* Effect.forEach(found, ({ id }) =>
    contacts.removeTag(id, "newsletter").pipe(
      Effect.as(1),
      Effect.catchTag("NotFound", () => Effect.succeed(0)) // the contact did not have the tag
    )
  )
  return removed.reduce((sum, n) => sum + n, 0)
})

// --- the tests ----------------------------------------------------------------------------------------------------

const removesTheNewsletterTag = Effect.gen(function* () {
  const state = yield* Sandbox.State
  yield* state.seed([
    { phone: "+12025550143", firstName: "Jane", tags: ["vip", "newsletter"] },
    { phone: "+12025550199", firstName: "Joe", tags: ["newsletter"] }
  ])

  assert.equal(yield* unsubscribe("+12025550143"), 1)

  const tags = (yield* state.contacts()).map(({ tags = [] }) => tags.map((tag) => tag.name))
  assert.deepEqual(tags, [["vip"], ["newsletter"]])
}).pipe(Effect.provide(Sandbox.layer))

const isSafeToRepeat = Effect.gen(function* () {
  const state = yield* Sandbox.State
  yield* state.seed([{ phone: "+12025550143", tags: ["newsletter"] }])

  assert.equal(yield* unsubscribe("+12025550143"), 1)
  assert.equal(yield* unsubscribe("+12025550143"), 0)
}).pipe(Effect.provide(Sandbox.layer))

const failsIfRateLimited = Effect.gen(function* () {
  const error = yield* Effect.flip(unsubscribe("+12025550143"))

  assert.equal(error._tag, "RateLimited")
}).pipe(
  Effect.provide(
    // Calling a method that the mock omits is a defect, so this also proves that `removeTag` is not called.
    Layer.mock(Contacts, {
      search: () =>
        Effect.fail(
          new RateLimited({
            operation: "search",
            outcome: "not-applied",
            message: "too many requests",
            retryAfter: Duration.seconds(30)
          })
        )
    })
  )
)

const returnsZeroIfNoContactMatches = Effect.gen(function* () {
  assert.equal(yield* unsubscribe("+12025550143"), 0)
}).pipe(Effect.provide(Layer.mock(Contacts, { search: () => Effect.succeed({ contacts: [], total: Option.none() }) })))

const tests = { removesTheNewsletterTag, isSafeToRepeat, failsIfRateLimited, returnsZeroIfNoContactMatches }

NodeRuntime.runMain(
  Effect.gen(function* () {
    for (const [name, test] of Object.entries(tests)) {
      yield* test
      yield* Console.log(`✓ ${name}`)
    }
  })
)
