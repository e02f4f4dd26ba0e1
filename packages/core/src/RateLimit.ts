/**
 * Rate limits: how many requests each organization may make.
 *
 * By default, a client respects the limits that the server reports. After a 429 or 503 with `Retry-After`, or a
 * response that reports 0 remaining requests, it delays all calls of that organization until the reset. The vendor
 * publishes no quota, so there is no other limit by default.
 *
 * The layers of this module add a quota: one token bucket for each organization, in memory or shared through Redis.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import type { Redis } from "effect/persistence/Redis"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Semaphore from "effect/Semaphore"
import { monotonicMillis } from "./internal/clock.ts"
import * as Internal from "./internal/call/limiter.ts"
import { storeTimeout } from "./internal/call/sharedStore.ts"

/**
 * A quota. An invalid value is a defect: a `RangeError` that names the option.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Quota {
  /** The maximum number of requests in any window: an integer of at least 1. */
  readonly limit: number
  /** The length of a window: a finite duration above zero. */
  readonly window: Duration.Input
  /**
   * The maximum number of requests that start at once after a pause, from 1 to `limit`. The remaining requests are
   * spread evenly over the window, so no period of that length exceeds the limit. If `burst` equals `limit`, only one
   * request per window can start after the burst. Default: a tenth of `limit`, at least 1.
   */
  readonly burst?: number | undefined
}

const units: Readonly<Record<string, Duration.Input>> = { s: "1 second", min: "1 minute", h: "1 hour" }

/** Finds the unit whose length is the window. */
const unitOf = (window: Duration.Duration): string | undefined =>
  Object.keys(units).find((unit) => Duration.equals(Duration.fromInputUnsafe(units[unit] ?? 0), window))

const quotaPattern = /^\s*([1-9]\d{0,8})\s*\/\s*(s|min|h)\s*$/

/**
 * A quota in text form, per second, minute or hour: `10/s`, `600/min`, `5000/h`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const QuotaFromString = Schema.String.check(
  Schema.isPattern(quotaPattern, { message: "Expected a rate limit, such as 10/s, 600/min or 5000/h" })
).pipe(
  Schema.decodeTo(
    Schema.Struct({ limit: Schema.Int, window: Schema.Duration }),
    SchemaTransformation.transform({
      decode: (text) => {
        const [, limit = "", unit = ""] = quotaPattern.exec(text) ?? []
        return { limit: Number(limit), window: Duration.fromInputUnsafe(units[unit] ?? 0) }
      },
      // If no unit matches the window, the text does not match the pattern, so encoding fails.
      encode: ({ limit, window }) => `${limit}/${unitOf(window)}`
    })
  )
)

/**
 * The state of a limiter for one organization.
 *
 * @category models
 * @since 0.1.0
 */
export interface State extends Internal.LimiterState {}

/**
 * A rate limiter. A client calls it before each attempt and after each response.
 *
 * @category models
 * @since 0.1.0
 */
export interface Limiter extends Internal.Limiter {}

/**
 * The limiter that is set for the current fiber; `undefined` if there is none.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentLimiter: Context.Reference<Limiter | undefined> = Internal.CurrentLimiter

/**
 * Converts a quota to the size and the refill interval of a token bucket. The size and the tokens that are refilled
 * within one window add up to the limit.
 */
const toBucket = ({ burst, limit, window }: Quota) => {
  const millis = Duration.toMillis(Duration.fromInputUnsafe(window))
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError("limit must be an integer of at least 1")
  if (!(millis > 0) || millis === Infinity) throw new RangeError("window must be a finite duration above zero")
  const size = burst ?? Math.max(1, Math.floor(limit / 10))
  if (!Number.isInteger(size) || size < 1 || size > limit) {
    throw new RangeError("burst must be an integer from 1 to limit")
  }
  // If `burst` equals `limit`, one token is refilled per window.
  return { size, refillMillis: millis / Math.max(1, limit - size) }
}

/** The attempts of one organization that wait for a token in this process. */
interface Queue {
  /** Held by the first attempt, which waits for the next token. The other attempts wait for the lock. */
  readonly firstLock: Semaphore.Semaphore
  /** The number of attempts in the queue. */
  length: number
  /** The time at which the first attempt expects a token, in milliseconds of the monotonic clock. */
  nextTokenAt: number
}

const waitTooLong = (millis: number) => Effect.fail(new Internal.WaitTooLong(Duration.millis(millis), false))

/**
 * Makes a limiter for a quota from Effect's `RateLimiter`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (quota: Quota): Effect.Effect<Limiter, never, RateLimiter.RateLimiter> =>
  Effect.map(RateLimiter.RateLimiter, (limiter): Limiter => {
    const { refillMillis, size } = toBucket(quota)
    const serverLimiter = Internal.makeServerLimiter()
    const queues = new Map<string, Queue>()

    const consume = (key: string, tokens: number) =>
      limiter.consume({
        key: `agentalk:${key}`,
        algorithm: "token-bucket",
        limit: size,
        window: Duration.millis(refillMillis * size),
        tokens,
        onExceeded: "fail"
      })

    /**
     * Takes a token and returns 0, or returns the milliseconds until the next token. No token is reserved, so an
     * interrupted attempt does not have to release one.
     */
    const takeToken = (key: string): Effect.Effect<number> =>
      Effect.matchEffect(consume(key, 1), {
        onSuccess: () => Effect.succeed(0),
        onFailure: ({ reason }) =>
          reason._tag === "RateLimitExceeded"
            ? Effect.succeed(Math.max(1, Math.ceil(Duration.toMillis(reason.retryAfter))))
            : // Calls must not fail because the store is unavailable.
              Effect.as(Effect.logWarning("The rate limit is not enforced, because its store is unavailable"), 0)
      })

    const waitForToken = (key: string, queue: Queue): Effect.Effect<void> =>
      Effect.withFiber((fiber) =>
        Effect.flatMap(takeToken(key), (millis) => {
          if (millis === 0) return Effect.void
          queue.nextTokenAt = monotonicMillis(fiber.getRef(Clock.Clock)) + millis
          return Effect.andThen(
            Effect.sleep(Duration.millis(millis)),
            Effect.suspend(() => waitForToken(key, queue))
          )
        })
      )

    /** Adds an attempt to the queue and returns its expected wait, or fails if that wait is too long. */
    const joinQueue = (key: string, maxWaitMillis: number) =>
      Effect.clockWith((clock) => {
        const queue = queues.get(key) ?? { firstLock: Semaphore.makeUnsafe(1), length: 0, nextTokenAt: 0 }
        const { length, nextTokenAt } = queue
        // The first attempt takes the next token, and each attempt behind it takes one more.
        const wait = length === 0 ? 0 : nextTokenAt - monotonicMillis(clock) + length * refillMillis
        if (wait > maxWaitMillis) return waitTooLong(wait)
        queues.set(key, queue)
        queue.length++
        return Effect.succeed({ queue, wait, isFirst: length === 0 })
      })

    const leaveQueue = (key: string, queue: Queue) =>
      Effect.sync(() => {
        if (--queue.length === 0) queues.delete(key)
      })

    const acquireToken = (key: string, maxWaitMillis: number): Effect.Effect<void, Internal.WaitTooLong> =>
      Effect.acquireUseRelease(
        joinQueue(key, maxWaitMillis),
        ({ isFirst, queue, wait }) =>
          isFirst ? acquireAsFirst(key, queue, maxWaitMillis) : waitInQueue(key, queue, maxWaitMillis, wait),
        ({ queue }) => leaveQueue(key, queue)
      )

    /** Tries once without the lock, because an attempt in an empty queue rarely has to wait. */
    const acquireAsFirst = (key: string, queue: Queue, maxWaitMillis: number) =>
      Effect.flatMap(takeToken(key), (millis) => {
        if (millis === 0) return Effect.void
        return millis > maxWaitMillis ? waitTooLong(millis) : waitInQueue(key, queue, maxWaitMillis, millis)
      })

    /**
     * Waits for a token, at most `maxWaitMillis`. The wait can be longer than expected, because other processes may
     * take the expected tokens.
     */
    const waitInQueue = (key: string, queue: Queue, maxWaitMillis: number, expectedWait: number) =>
      Effect.timeoutOrElse(queue.firstLock.withPermit(waitForToken(key, queue)), {
        duration: Duration.millis(maxWaitMillis),
        orElse: () => waitTooLong(Math.max(expectedWait, refillMillis))
      })

    return {
      acquire: (key, maxWaitMillis, deadline) =>
        Effect.clockWith((clock) => {
          const until = Math.min(monotonicMillis(clock) + maxWaitMillis, deadline)
          return Effect.andThen(
            serverLimiter.acquire(key, maxWaitMillis, deadline),
            Effect.suspend(() => acquireToken(key, until - monotonicMillis(clock)))
          )
        }),
      observe: serverLimiter.observe,
      state: (key) =>
        Effect.zipWith(serverLimiter.state(key), Effect.option(consume(key, 0)), (server, quota) => ({
          tokensLeft: Option.map(quota, ({ remaining }) => Math.max(0, Math.floor(remaining))),
          waiting: server.waiting + (queues.get(key)?.length ?? 0),
          resetAfter: Option.match(quota, {
            onNone: () => server.resetAfter,
            onSome: ({ resetAfter }) => Duration.max(resetAfter, server.resetAfter)
          })
        }))
    }
  })

/**
 * Enforces a quota for each organization within one process. The state is kept in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (quota: Quota): Layer.Layer<never> =>
  Layer.effect(Internal.CurrentLimiter, make(quota)).pipe(
    Layer.provide(RateLimiter.layer),
    Layer.provide(RateLimiter.layerStoreMemory)
  )

const storeTimedOut = new RateLimiter.RateLimiterError({
  reason: new RateLimiter.RateLimitStoreError({ message: "The store did not respond in time." })
})

// Adds a timeout, because a Redis client that has lost its connection queues commands until it is connected again.
const layerStoreWithTimeout = Layer.effect(
  RateLimiter.RateLimiterStore,
  Effect.map(RateLimiter.RateLimiterStore, (store) => ({
    ...store,
    tokenBucket: (options: Parameters<typeof store.tokenBucket>[0]) =>
      Effect.timeoutOrElse(store.tokenBucket(options), {
        duration: storeTimeout,
        orElse: () => Effect.fail(storeTimedOut)
      })
  }))
)

/**
 * Enforces a quota for each organization across all processes that share a Redis database and `prefix`.
 *
 * **Details**
 *
 * If Redis does not respond within half a second, the attempt does not wait for the quota, and a warning is logged.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (
  quota: Quota & {
    /** The prefix of the keys in Redis. Default: `ratelimiter:`. */
    readonly prefix?: string | undefined
  }
): Layer.Layer<never, never, Redis> =>
  Layer.effect(Internal.CurrentLimiter, make(quota)).pipe(
    Layer.provide(RateLimiter.layer),
    Layer.provide(layerStoreWithTimeout),
    Layer.provide(RateLimiter.layerStoreRedis({ prefix: quota.prefix }))
  )

/**
 * Returns the state of the current limiter for an organization; `None` if no limiter is set in this context.
 *
 * @category accessors
 * @since 0.1.0
 */
export const state = (organization: string): Effect.Effect<Option.Option<State>> =>
  Effect.withFiber((fiber) => {
    const limiter = fiber.getRef(Internal.CurrentLimiter)
    return limiter === undefined ? Effect.succeedNone : Effect.asSome(limiter.state(organization.toLowerCase()))
  })
