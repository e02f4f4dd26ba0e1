/** Graceful shutdown: work in flight can complete before it is interrupted. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Runs `work`. If it is interrupted, runs `stop`, waits up to `timeout` until `work` ends, and then interrupts it. */
export const withGracefulShutdown = <A, E, R>(
  work: Effect.Effect<A, E, R>,
  stop: Effect.Effect<unknown>,
  timeout: Duration.Input
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkDetach(Effect.interruptible(work))
      return yield* restore(Fiber.join(fiber)).pipe(
        Effect.onInterrupt(() =>
          Effect.gen(function* () {
            yield* stop
            // The timeout needs a fiber of its own, because the current fiber is already interrupted.
            const waiting = yield* Effect.forkDetach(
              Effect.interruptible(Effect.timeoutOption(Fiber.await(fiber), timeout))
            )
            yield* Fiber.await(waiting)
            yield* Fiber.interrupt(fiber)
          })
        )
      )
    })
  )
