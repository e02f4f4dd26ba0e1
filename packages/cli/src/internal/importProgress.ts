/** The output of a running import on standard error: its progress, and a note after the first Ctrl-C. */
import type { Snapshot } from "@agentalk/import/Import"
import * as Effect from "effect/Effect"
import { drawProgress } from "./progressBar.ts"

const signals = ["SIGINT", "SIGTERM"] as const

const onSignal = () =>
  void process.stderr.write("\nFinishing the rows in flight. Press Ctrl-C again to stop at once.\n")

const noteSignals = Effect.acquireRelease(
  Effect.sync(() => signals.forEach((signal) => process.once(signal, onSignal))),
  () => Effect.sync(() => signals.forEach((signal) => process.removeListener(signal, onSignal)))
)

/** Draws the progress of an effect as soon as there is a snapshot. */
export const withProgress =
  (readSnapshot: () => Snapshot | undefined) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    const draw = Effect.suspend(() => {
      const first = readSnapshot()
      return first === undefined ? Effect.void : drawProgress(() => readSnapshot() ?? first)
    }).pipe(Effect.delay("50 millis"), Effect.forever)
    return Effect.scoped(
      Effect.gen(function* () {
        yield* noteSignals
        yield* Effect.forkScoped(draw)
        return yield* effect
      })
    )
  }
