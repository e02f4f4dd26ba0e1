/** Holds requests of the sandbox, so that a test can act while they are in flight, even on a slow machine. */
import * as Faults from "@agentalk/core/Faults"
import * as Sandbox from "@agentalk/core/Sandbox"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

/** Makes every later request hang. The returned effect ends when the first one has arrived. */
export const holdRequests = Effect.gen(function* () {
  const state = yield* Sandbox.State
  const come = yield* Deferred.make<void>()
  yield* state.script(() => {
    Deferred.doneUnsafe(come, Effect.void)
    return Faults.hang({ strikes: "before" })
  })
  return Deferred.await(come)
})

/** Holds the responses of all later requests until `release`. `come` ends when `answers` requests have arrived. */
export const holdAnswers = Effect.fnUntraced(function* (answers: number) {
  const state = yield* Sandbox.State
  const come = yield* Deferred.make<void>()
  const released = yield* Deferred.make<void>()
  const held: Faults.Fault = {
    name: "held",
    strikes: "after",
    respond: (operation) => Effect.tap(operation, () => Deferred.await(released))
  }
  let count = 0
  yield* state.script(() => {
    if (++count === answers) Deferred.doneUnsafe(come, Effect.void)
    return held
  })
  return { come: Deferred.await(come), release: Deferred.succeed(released, undefined) }
})
