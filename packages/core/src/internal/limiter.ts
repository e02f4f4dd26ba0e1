/** What a rate limiter does for a call, and the one that every client has: it obeys the server and costs nothing else. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { now } from "../Transport.ts"
import * as Policy from "./policy.ts"

/** How a limiter stands for one organization. */
export interface LimiterState {
  /** How many attempts could be made at once; none where no quota was set. */
  readonly tokensLeft: Option.Option<number>
  /** How many attempts wait for their turn, in this process. */
  readonly waiting: number
  /** How long until the bucket is full again, and until nothing that the server asked for holds calls back. */
  readonly resetAfter: Duration.Duration
}

/** A turn that would take longer than a call may wait. */
export class TooLate {
  readonly _tag = "TooLate"
  readonly wait: Duration.Duration
  /** Whether the server has asked to wait, rather than a quota. */
  readonly isAsked: boolean
  constructor(wait: Duration.Duration, isAsked: boolean) {
    this.wait = wait
    this.isAsked = isAsked
  }
}

export interface Limiter {
  /** Waits for a turn, or fails at once if that would take longer than `maxWaitMillis`, or beyond the deadline. */
  readonly acquire: (key: string, maxWaitMillis: number, deadline: number) => Effect.Effect<void, TooLate>
  /** Takes in what a response says about the limits of its organization. */
  readonly observe: (
    key: string,
    headers: Headers.Headers,
    retryAfter: Duration.Duration | undefined,
    clock: Clock.Clock
  ) => void
  readonly state: (key: string) => Effect.Effect<LimiterState>
}

export const CurrentLimiter = Policy.reference<Limiter>("@agentalk/core/RateLimit/CurrentLimiter")

/** How long a shared store may take to answer. */
export const storeTimeout = Duration.millis(500)

const maxKeys = 1000

/** The first of an integer or decimal number. */
const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined

// A reset may be a count of seconds, or a time since 1970 in seconds or milliseconds.
const earliestEpochSeconds = 1_000_000_000
const earliestEpochMillis = 100_000_000_000

// A server that is wrong about its reset must not lock an organization out: once in an hour a call asks it again.
const maxHoldMillis = 3_600_000

/**
 * How long an exhausted quota lasts, in milliseconds: `X-RateLimit-Remaining` and `-Reset`, the same without `X-`, or the
 * combined field of draft-ietf-httpapi-ratelimit-headers.
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

// Those who waited for the same moment must not all arrive in it.
const maxStaggerMillis = 250

/** Holds back the calls of an organization for as long as its server said. */
export const makeHolds = (): Limiter => {
  const untils = new Map<string, number>()
  const waiting = new Map<string, number>()

  const remaining = (key: string, at: number): number => {
    const until = untils.get(key) ?? 0
    if (until > at) return until - at
    untils.delete(key)
    return 0
  }

  const wait = (key: string, maxWait: number, deadline: number): Effect.Effect<void, TooLate> =>
    Effect.withFiber((fiber) => {
      const clock = fiber.getRef(Clock.Clock)
      const started = now(clock)
      const left = remaining(key, started)
      const maxWaitMillis = Math.min(maxWait, deadline - started)
      if (left === 0) return Effect.void
      if (left > maxWaitMillis) return Effect.fail(new TooLate(Duration.millis(left), true))
      const stagger = fiber.getRef(Random.Random).nextDoubleUnsafe() * Math.min(maxStaggerMillis, maxWaitMillis - left)
      return Effect.andThen(
        Effect.sleep(Duration.millis(left + stagger)),
        // The server may have spoken again in the meantime.
        Effect.suspend(() => wait(key, maxWaitMillis - (now(clock) - started), deadline))
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
      const at = now(clock)
      const held = Math.min(millis, maxHoldMillis)
      if (untils.size >= maxKeys) for (const known of untils.keys()) remaining(known, at)
      untils.set(key, Math.max(untils.get(key) ?? 0, at + held))
    },
    state: (key) =>
      Effect.map(Clock.Clock, (clock) => ({
        tokensLeft: Option.none(),
        waiting: waiting.get(key) ?? 0,
        resetAfter: Duration.millis(remaining(key, now(clock)))
      }))
  }
}

/** Counts who is in an effect, by key. */
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
