/**
 * Progress of bulk runs. Each row only increments counters; rates and snapshots are computed when they are requested.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { monotonicMillis } from "../clock.ts"

const tags = ["Created", "Updated", "Deleted", "Tagged", "Missing", "Invalid", "Failed"] as const

/** The outcome of a row: the `_tag` of its result. */
export type Tag = (typeof tags)[number]

/**
 * The progress of a bulk run at one moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  /** Number of rows that have a result. */
  readonly done: number
  /** Number of rows that were read from the input and have no result yet. It is 0 after the run has ended. */
  readonly pending: number
  /** Number of results by outcome. */
  readonly byOutcome: Readonly<Record<Tag, number>>
  /** Rows completed per second, over about the last five seconds. */
  readonly rowsPerSecond: number
}

const TypeId = "~@agentalk/core/ContactsStream/Progress"

/** The events that a run reports to its progress. */
interface Recorder {
  readonly rowRead: () => void
  readonly rowCompleted: (tag: Tag) => void
  readonly runStarted: Effect.Effect<void>
  readonly runEnded: Effect.Effect<void>
}

/**
 * Counts the rows of a bulk run. Pass it to the run as an option, and read it from another fiber.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  readonly [TypeId]: Recorder
  /** The current counts and rate. */
  readonly snapshot: Effect.Effect<Snapshot>
  /** Emits a snapshot immediately, then ten per second, and the last one when the run ends. Then the stream ends. */
  readonly changes: Stream.Stream<Snapshot>
}

/** Returns the recorder of a progress, which receives the events of a run. */
export const recorderOf = (progress: Progress): Recorder => progress[TypeId]

const changesInterval = "100 millis"

// The rate covers this many milliseconds and uses at most one sample per `sampleInterval` milliseconds.
const rateWindow = 5000
const sampleInterval = 500

/** Computes the recent rate in rows per second, from samples that are taken when the rate is requested. */
const makeRate = () => {
  let samples: Array<{ readonly at: number; readonly done: number }> = []
  return {
    start: (at: number) => {
      if (samples.length === 0) samples = [{ at, done: 0 }]
    },
    rowsPerSecond: (at: number, done: number): number => {
      // Drops old samples, except the newest one that is at least one window old. The rate starts at that sample.
      while (samples[1] !== undefined && at - samples[1].at >= rateWindow) samples.shift()
      const first = samples[0]
      if (first === undefined || at <= first.at) return 0
      const newest = samples[samples.length - 1]
      if (newest !== undefined && at - newest.at >= sampleInterval) samples.push({ at, done })
      return ((done - first.done) / (at - first.at)) * 1000
    }
  }
}

/**
 * Makes the counter of a bulk run. If several runs share it, it counts their rows together.
 *
 * **Example** (Print the progress ten times per second)
 *
 * ```ts
 * import { ContactsStream, type UpsertInput } from "@agentalk/core"
 * import { Console, Effect, Stream } from "effect"
 *
 * const importAll = Effect.fnUntraced(function* (rows: Stream.Stream<UpsertInput>) {
 *   const progress = yield* ContactsStream.makeProgress
 *   const run = ContactsStream.upsertAll(rows, { progress }).pipe(Stream.runDrain)
 *   const draw = progress.changes.pipe(
 *     Stream.runForEach(({ byOutcome, done, rowsPerSecond }) =>
 *       Console.error(`${done} done, ${byOutcome.Failed} failed, ${Math.round(rowsPerSecond)} rows/s`)
 *     )
 *   )
 *   yield* Effect.all([run, draw], { concurrency: 2 })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeProgress: Effect.Effect<Progress> = Effect.sync(() => {
  const counts: Record<Tag, number> = {
    Created: 0,
    Updated: 0,
    Deleted: 0,
    Tagged: 0,
    Missing: 0,
    Invalid: 0,
    Failed: 0
  }
  const rate = makeRate()
  const allEnded = Latch.makeUnsafe(false)
  let read = 0
  let done = 0
  let activeRuns = 0
  // Rows that were read and never completed, because their run stopped early. They are not pending.
  let abandoned = 0
  // The time at which the last run ended. The rate does not change after it.
  let endedAt: number | undefined

  const takeSnapshot = (clock: Clock.Clock): Snapshot => ({
    done,
    pending: read - done - abandoned,
    byOutcome: { ...counts },
    rowsPerSecond: rate.rowsPerSecond(endedAt ?? monotonicMillis(clock), done)
  })
  const snapshot = Effect.clockWith((clock) => Effect.sync(() => takeSnapshot(clock)))

  return {
    [TypeId]: {
      rowRead: () => void read++,
      rowCompleted: (tag) => {
        done++
        counts[tag]++
      },
      runStarted: Effect.clockWith((clock) =>
        Effect.suspend(() => {
          activeRuns++
          endedAt = undefined
          rate.start(monotonicMillis(clock))
          return allEnded.close
        })
      ),
      runEnded: Effect.clockWith((clock) =>
        Effect.suspend(() => {
          if (--activeRuns > 0) return Effect.void
          abandoned = read - done
          endedAt = monotonicMillis(clock)
          return allEnded.open
        })
      )
    },
    snapshot,
    changes: Stream.suspend(() =>
      Stream.paginate(false, (isLater) =>
        Effect.gen(function* () {
          // The first snapshot is emitted at once, and the last one as soon as all runs have ended.
          const hasEnded = Option.isSome(yield* Effect.timeoutOption(allEnded.await, isLater ? changesInterval : 0))
          return [[yield* snapshot], hasEnded ? Option.none() : Option.some(true)]
        })
      )
    )
  }
})
