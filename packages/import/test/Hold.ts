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

/** Does what is asked from now on, and keeps the answers until they are released; `come` ends when there are so many. */
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
