/** The rate limiter as a call uses it, and the default limiter, which only delays calls if the server asks for it. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { monotonicMillis } from "../clock.ts"
import * as Policy from "./policy.ts"

/** The state of a limiter for one organization. */
export interface LimiterState {
  /** The number of attempts that could start now; `None` if there is no quota or its store is unavailable. */
  readonly tokensLeft: Option.Option<number>
  /** The number of attempts in this process that wait. */
  readonly waiting: number
  /** The time until the bucket is full and the delay that the server asked for is over. */
  readonly resetAfter: Duration.Duration
}

/** The limiter would delay an attempt for too long. */
export class WaitTooLong {
  readonly _tag = "WaitTooLong"
  readonly wait: Duration.Duration
  /** Whether the server asked for the wait; otherwise the quota requires it. */
  readonly isServerHint: boolean
  constructor(wait: Duration.Duration, isServerHint: boolean) {
    this.wait = wait
    this.isServerHint = isServerHint
  }
}

export interface Limiter {
  /**
   * Waits until an attempt may start. Fails as soon as the expected wait exceeds `maxWaitMillis` or ends after the
   * deadline. The deadline is a time of the monotonic clock, in milliseconds.
   */
  readonly acquire: (key: string, maxWaitMillis: number, deadline: number) => Effect.Effect<void, WaitTooLong>
  /** Records the limits that a response reports. */
  readonly observe: (
    key: string,
    headers: Headers.Headers,
    retryAfter: Duration.Duration | undefined,
    clock: Clock.Clock
  ) => void
  /** Returns the state for a key. The key is the id of an organization in lower case. */
  readonly state: (key: string) => Effect.Effect<LimiterState>
}

export const CurrentLimiter = Policy.reference<Limiter>("@agentalk/core/RateLimit/CurrentLimiter")

// If this many organizations have a delay, the expired delays are removed before another one is stored.
const maxKeys = 1000

/** Parses a number without a sign. */
const parseNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined

// `X-RateLimit-Reset` is a number of seconds to wait, or a Unix time in seconds or milliseconds. The size of the value
// shows which of them it is: each constant is the smallest value that counts as a Unix time in its unit.
const earliestEpochSeconds = 1_000_000_000
const earliestEpochMillis = 100_000_000_000

// A wrong reset must not block an organization for long.
const maxDelayMillis = 3_600_000

/**
 * Returns the milliseconds until an exhausted quota resets; `undefined` if the quota is not exhausted or its reset is
 * unknown. It reads `X-RateLimit-Remaining` and `X-RateLimit-Reset`, the same headers without `X-`, or the combined
 * `RateLimit` header of draft-ietf-httpapi-ratelimit-headers.
 */
const exhaustedMillis = (headers: Headers.Headers, clock: Clock.Clock): number | undefined => {
  const combined = headers["ratelimit"] ?? ""
  const inCombined = (name: RegExp) => name.exec(combined)?.[1]
  const remaining =
    parseNumber(headers["x-ratelimit-remaining"] ?? headers["ratelimit-remaining"]) ??
    parseNumber(inCombined(/(?:^|[;,\s])(?:r|remaining)=(\d+)/))
  if (remaining !== 0) return undefined
  const reset =
    parseNumber(headers["x-ratelimit-reset"] ?? headers["ratelimit-reset"]) ??
    parseNumber(inCombined(/(?:^|[;,\s])(?:t|reset)=(\d+)/))
  if (reset === undefined) return undefined
  const epochMillis = clock.currentTimeMillisUnsafe()
  if (reset >= earliestEpochMillis) return Math.max(0, reset - epochMillis)
  return Math.max(0, reset >= earliestEpochSeconds ? reset * 1000 - epochMillis : reset * 1000)
}

// The maximum jitter. Without jitter, all waiting calls of an organization would start at the same moment.
const maxJitterMillis = 250

/** Makes a limiter that delays the calls of an organization for as long as the server asks, but at most an hour. */
export const makeServerLimiter = (): Limiter => {
  // When the delay of each organization ends, in milliseconds of the monotonic clock.
  const ends = new Map<string, number>()
  const waitingCounts = new Map<string, number>()

  /** Returns the remaining milliseconds of a delay, and removes a delay that is over. */
  const delayLeft = (key: string, now: number): number => {
    const end = ends.get(key) ?? 0
    if (end > now) return end - now
    ends.delete(key)
    return 0
  }

  const wait = (key: string, maxWait: number, deadline: number): Effect.Effect<void, WaitTooLong> =>
    Effect.withFiber((fiber) => {
      const clock = fiber.getRef(Clock.Clock)
      const started = monotonicMillis(clock)
      const left = delayLeft(key, started)
      const maxWaitMillis = Math.min(maxWait, deadline - started)
      if (left === 0) return Effect.void
      if (left > maxWaitMillis) return Effect.fail(new WaitTooLong(Duration.millis(left), true))
      const jitter = fiber.getRef(Random.Random).nextDoubleUnsafe() * Math.min(maxJitterMillis, maxWaitMillis - left)
      return Effect.andThen(
        Effect.sleep(Duration.millis(left + jitter)),
        // Another response may have extended the delay meanwhile.
        Effect.suspend(() => wait(key, maxWaitMillis - (monotonicMillis(clock) - started), deadline))
      )
    })

  return {
    acquire: (key, maxWaitMillis, deadline) =>
      ends.has(key) ? counted(waitingCounts, key, wait(key, maxWaitMillis, deadline)) : Effect.void,
    observe: (key, headers, retryAfter, clock) => {
      const millis = Math.max(
        retryAfter === undefined ? 0 : Duration.toMillis(retryAfter),
        exhaustedMillis(headers, clock) ?? 0
      )
      if (millis === 0) return
      const now = monotonicMillis(clock)
      if (ends.size >= maxKeys) for (const known of ends.keys()) delayLeft(known, now)
      ends.set(key, Math.max(ends.get(key) ?? 0, now + Math.min(millis, maxDelayMillis)))
    },
    state: (key) =>
      Effect.map(Clock.Clock, (clock) => ({
        tokensLeft: Option.none(),
        waiting: waitingCounts.get(key) ?? 0,
        resetAfter: Duration.millis(delayLeft(key, monotonicMillis(clock)))
      }))
  }
}

/** Runs an effect and counts it under a key while it runs. */
const counted = <A, E, R>(
  counts: Map<string, number>,
  key: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => counts.set(key, (counts.get(key) ?? 0) + 1)),
    () => effect,
    () =>
      Effect.sync(() => {
        const left = (counts.get(key) ?? 1) - 1
        if (left === 0) counts.delete(key)
        else counts.set(key, left)
      })
  )
