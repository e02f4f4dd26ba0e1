/** The counting of a bulk run, cheap enough to be done for every row: all else is computed when somebody looks. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { now } from "../../Transport.ts"

const tags = ["Created", "Updated", "Deleted", "Tagged", "Missing", "Invalid", "Failed"] as const

export type Tag = (typeof tags)[number]

export interface Snapshot {
  /** How many rows have their result. */
  readonly done: number
  /** How many rows were read and have no result yet; none when the run is over. */
  readonly pending: number
  /** How many results there are of each kind. */
  readonly byOutcome: Readonly<Record<Tag, number>>
  /** How many rows had their result in a second, over the last five seconds or so. */
  readonly rowsPerSecond: number
}

const TypeId = "~@agentalk/core/ContactsStream/Progress"

/** What a run tells: rows read, results had, its begin and its end. */
interface Counter {
  readonly read: () => void
  readonly settle: (tag: Tag) => void
  readonly begin: Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

export interface Progress {
  readonly [TypeId]: Counter
  /** How far it is now. */
  readonly snapshot: Effect.Effect<Snapshot>
  /** How far it is: at once, then ten times a second, and a last time when the run is over, which ends the stream. */
  readonly changes: Stream.Stream<Snapshot>
}

export const counterOf = (progress: Progress): Counter => progress[TypeId]

// How often `changes` looks, and how far back the rate reaches.
const interval = "100 millis"
const rateWindow = 5000
const sampleEvery = 500

/** How many rows a second were done of late, from samples that are taken when somebody looks. */
const makeRate = () => {
  let samples: Array<{ readonly at: number; readonly done: number }> = []
  return {
    begin: (at: number) => {
      if (samples.length === 0) samples = [{ at, done: 0 }]
    },
    at: (at: number, done: number): number => {
      // The newest sample that is a window old, or else the oldest there is.
      while (samples[1] !== undefined && at - samples[1].at >= rateWindow) samples.shift()
      const from = samples[0]
      if (from === undefined || at <= from.at) return 0
      const newest = samples[samples.length - 1]
      if (newest !== undefined && at - newest.at >= sampleEvery) samples.push({ at, done })
      return ((done - from.done) / (at - from.at)) * 1000
    }
  }
}

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
  const over = Latch.makeUnsafe(false)
  let read = 0
  let done = 0
  let active = 0
  // What is left when a run stops early is not pending any more.
  let dropped = 0
  // The rate of a run that is over stays what it was.
  let ended: number | undefined

  const look = (clock: Clock.Clock): Snapshot => ({
    done,
    pending: read - done - dropped,
    byOutcome: { ...counts },
    rowsPerSecond: rate.at(ended ?? now(clock), done)
  })
  const snapshot = Effect.clockWith((clock) => Effect.sync(() => look(clock)))

  return {
    [TypeId]: {
      read: () => void read++,
      settle: (tag) => {
        done++
        counts[tag]++
      },
      begin: Effect.clockWith((clock) =>
        Effect.suspend(() => {
          active++
          ended = undefined
          rate.begin(now(clock))
          return over.close
        })
      ),
      end: Effect.clockWith((clock) =>
        Effect.suspend(() => {
          if (--active > 0) return Effect.void
          dropped = read - done
          ended = now(clock)
          return over.open
        })
      )
    },
    snapshot,
    changes: Stream.suspend(() =>
      Stream.paginate(false, (isLater) =>
        Effect.gen(function* () {
          // The first look is at once; the last one when the run is over.
          const isOver = Option.isSome(yield* Effect.timeoutOption(over.await, isLater ? interval : 0))
          return [[yield* snapshot], isOver ? Option.none() : Option.some(true)]
        })
      )
    )
  }
})
