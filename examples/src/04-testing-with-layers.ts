/**
 * Testing: the code under test asks for `Contacts` and never learns what stands behind. `Sandbox.layer` is a whole API
 * in memory, for behaviour; `Layer.mock` answers what a test dictates, for what an API seldom does. With
 * `@effect/vitest`, each check below is an `it.effect`.
 */
import { Contacts, RateLimited, Sandbox } from "@agentalk/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Duration, Effect, Layer, Option } from "effect"
import assert from "node:assert/strict"

// --- the code under test ------------------------------------------------------------------------------------------

/** Takes everybody with this phone number off the newsletter, and gives how many that were. */
const unsubscribe = Effect.fn("unsubscribe")(function* (phone: string) {
  const contacts = yield* Contacts
  const { contacts: found } = yield* contacts.search({ phone })
  const removed = yield* Effect.forEach(found, ({ id }) =>
    contacts.removeTag(id, "newsletter").pipe(
      Effect.as(1),
      Effect.catchTag("NotFound", () => Effect.succeed(0)) // was not on it
    )
  )
  return removed.reduce((sum, n) => sum + n, 0)
})

// --- the tests ----------------------------------------------------------------------------------------------------

const takesOffTheNewsletter = Effect.gen(function* () {
  const state = yield* Sandbox.State
  yield* state.seed([
    { phone: "+12025550143", firstName: "Jane", tags: ["vip", "newsletter"] },
    { phone: "+12025550199", firstName: "Joe", tags: ["newsletter"] }
  ])

  assert.equal(yield* unsubscribe("+12025550143"), 1)

  const tags = (yield* state.contacts()).map(({ tags = [] }) => tags.map((tag) => tag.name))
  assert.deepEqual(tags, [["vip"], ["newsletter"]])
}).pipe(Effect.provide(Sandbox.layer))

const mayBeRepeated = Effect.gen(function* () {
  const state = yield* Sandbox.State
  yield* state.seed([{ phone: "+12025550143", tags: ["newsletter"] }])

  assert.equal(yield* unsubscribe("+12025550143"), 1)
  assert.equal(yield* unsubscribe("+12025550143"), 0)
}).pipe(Effect.provide(Sandbox.layer))

const passesOnThatItIsTooEarly = Effect.gen(function* () {
  const error = yield* Effect.flip(unsubscribe("+12025550143"))

  assert.equal(error._tag, "RateLimited")
}).pipe(
  Effect.provide(
    // What a mock leaves out is a defect when it is called: here, that nothing is removed is part of the test.
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

const findsNobody = Effect.gen(function* () {
  assert.equal(yield* unsubscribe("+12025550143"), 0)
}).pipe(Effect.provide(Layer.mock(Contacts, { search: () => Effect.succeed({ contacts: [], total: Option.none() }) })))

const tests = { takesOffTheNewsletter, mayBeRepeated, passesOnThatItIsTooEarly, findsNobody }

NodeRuntime.runMain(
  Effect.gen(function* () {
    for (const [name, test] of Object.entries(tests)) {
      yield* test
      yield* Console.log(`✓ ${name}`)
    }
  })
)
