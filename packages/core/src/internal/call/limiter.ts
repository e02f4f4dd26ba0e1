/** The rate limiter as a call uses it, and the default one, which only holds calls back when the server asks for it. */
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
  /** The number of attempts that could start now; `None` if there is no quota. */
  readonly tokensLeft: Option.Option<number>
  /** The number of attempts that wait, in this process. */
  readonly waiting: number
  /** How long until the bucket is full and no hold by the server is left. */
  readonly resetAfter: Duration.Duration
}

/** The limiter would make a call wait too long. */
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
  /** Waits until an attempt may start. Fails at once if that takes longer than `maxWaitMillis` or passes the deadline. */
  readonly acquire: (key: string, maxWaitMillis: number, deadline: number) => Effect.Effect<void, WaitTooLong>
  /** Records the limits that a response reports for its organization. */
  readonly observe: (
    key: string,
    headers: Headers.Headers,
    retryAfter: Duration.Duration | undefined,
    clock: Clock.Clock
  ) => void
  readonly state: (key: string) => Effect.Effect<LimiterState>
}

export const CurrentLimiter = Policy.reference<Limiter>("@agentalk/core/RateLimit/CurrentLimiter")

/** The timeout for one request to a shared store. */
export const storeTimeout = Duration.millis(500)

const maxKeys = 1000

/** Parses an integer or decimal number. */
const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined

// A reset is a number of seconds, or a Unix time in seconds or milliseconds.
const earliestEpochSeconds = 1_000_000_000
const earliestEpochMillis = 100_000_000_000

// A wrong reset must not block an organization for long, so a call tries again after an hour.
const maxHoldMillis = 3_600_000

/**
 * The time until an exhausted quota resets, in milliseconds. It is read from `X-RateLimit-Remaining` and `-Reset`, the same
 * without `X-`, or the combined field of draft-ietf-httpapi-ratelimit-headers.
 */
const exhaustedMillis = (headers: Headers.Headers, clock: Clock.Clock): number | undefined => {
  const combined = headers["ratelimit"] ?? ""
  const inCombined = (name: RegExp) => name.exec(combined)?.[1]
  const remaining =
    numberOf(headers["x-ratelimit-remaining"] ?? headers["ratelimit-remaining"]) ??
    numberOf(inCombined(/(?:^|[;,\s])(?:r|remaining)=(\d+)/))
  if (remaining !== 0) return undefined
  const reset =
    numberOf(headers["x-ratelimit-reset"] ?? headers["ratelimit-reset"]) ??
    numberOf(inCombined(/(?:^|[;,\s])(?:t|reset)=(\d+)/))
  if (reset === undefined) return undefined
  const epochMillis = clock.currentTimeMillisUnsafe()
  if (reset >= earliestEpochMillis) return Math.max(0, reset - epochMillis)
  return Math.max(0, reset >= earliestEpochSeconds ? reset * 1000 - epochMillis : reset * 1000)
}

// Spreads calls that waited for the same moment.
const maxStaggerMillis = 250

/** Holds back the calls of an organization for as long as its server asks. */
export const makeServerHolds = (): Limiter => {
  const untils = new Map<string, number>()
  const waiting = new Map<string, number>()

  const remaining = (key: string, at: number): number => {
    const until = untils.get(key) ?? 0
    if (until > at) return until - at
    untils.delete(key)
    return 0
  }

  const wait = (key: string, maxWait: number, deadline: number): Effect.Effect<void, WaitTooLong> =>
    Effect.withFiber((fiber) => {
      const clock = fiber.getRef(Clock.Clock)
      const started = monotonicMillis(clock)
      const left = remaining(key, started)
      const maxWaitMillis = Math.min(maxWait, deadline - started)
      if (left === 0) return Effect.void
      if (left > maxWaitMillis) return Effect.fail(new WaitTooLong(Duration.millis(left), true))
      const stagger = fiber.getRef(Random.Random).nextDoubleUnsafe() * Math.min(maxStaggerMillis, maxWaitMillis - left)
      return Effect.andThen(
        Effect.sleep(Duration.millis(left + stagger)),
        // Another response may have extended the hold meanwhile.
        Effect.suspend(() => wait(key, maxWaitMillis - (monotonicMillis(clock) - started), deadline))
      )
    })

  return {
    acquire: (key, maxWaitMillis, deadline) =>
      untils.has(key) ? counted(waiting, key, wait(key, maxWaitMillis, deadline)) : Effect.void,
    observe: (key, headers, retryAfter, clock) => {
      const millis = Math.max(
        retryAfter === undefined ? 0 : Duration.toMillis(retryAfter),
        exhaustedMillis(headers, clock) ?? 0
      )
      if (millis === 0) return
      const at = monotonicMillis(clock)
      const held = Math.min(millis, maxHoldMillis)
      if (untils.size >= maxKeys) for (const known of untils.keys()) remaining(known, at)
      untils.set(key, Math.max(untils.get(key) ?? 0, at + held))
    },
    state: (key) =>
      Effect.map(Clock.Clock, (clock) => ({
        tokensLeft: Option.none(),
        waiting: waiting.get(key) ?? 0,
        resetAfter: Duration.millis(remaining(key, monotonicMillis(clock)))
      }))
  }
}

/** Counts the fibers that run an effect, by key. */
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
