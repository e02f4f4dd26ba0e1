/** Ending work in good order. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Ends an effect in good order when it is interrupted: `stop` asks it to, and after `drain` it has to. */
export const drained = <A, E, R>(
  work: Effect.Effect<A, E, R>,
  stop: Effect.Effect<unknown>,
  drain: Duration.Input
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkDetach(Effect.interruptible(work))
      return yield* restore(Fiber.join(fiber)).pipe(
        Effect.onInterrupt(() =>
          Effect.gen(function* () {
            yield* stop
            // A fiber of its own: this one is interrupted, and could not wait with a limit.
            const waiting = yield* Effect.forkDetach(
              Effect.interruptible(Effect.timeoutOption(Fiber.await(fiber), drain))
            )
            yield* Fiber.await(waiting)
            yield* Fiber.interrupt(fiber)
          })
        )
      )
    })
  )
