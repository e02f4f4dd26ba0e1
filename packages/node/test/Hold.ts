/** Requests that wait for a test, so that what it does meets them under way, however slow the machine is. */
import * as Faults from "@agentalk/core/Faults"
import * as Sandbox from "@agentalk/core/Sandbox"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

/** Lets every request hang from now on; the effect that it gives ends when one has come. */
export const holdRequests = Effect.gen(function* () {
  const state = yield* Sandbox.State
  const come = yield* Deferred.make<void>()
  yield* state.script(() => {
    Deferred.doneUnsafe(come, Effect.void)
    return Faults.hang({ strikes: "before" })
  })
  return Deferred.await(come)
})

/** Does what is asked from now on, and keeps the answers until they are released. */
export const holdAnswers = Effect.gen(function* () {
  const state = yield* Sandbox.State
  const released = yield* Deferred.make<void>()
  let count = 0
  const held: Faults.Fault = {
    name: "held",
    strikes: "after",
    answer: (real) => Effect.as(Deferred.await(released), real!)
  }
  yield* state.script(() => {
    count++
    return held
  })
  return {
    /** Waits until so many answers are kept. */
    until: Effect.fnUntraced(function* (answers: number) {
      while (count < answers) yield* Effect.sleep("5 millis")
    }),
    release: Deferred.succeed(released, undefined)
  }
})
