/**
 * How many requests an organization may make.
 *
 * Without this module, every client obeys its server: after a 429 or 503 with `Retry-After`, or a remaining count of 0,
 * it holds back all calls of that organization until the time is over. The vendor publishes no quota, so none is
 * assumed. The layers here add one: a token bucket for each organization, in memory or shared through Redis.
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

/**
 * A quota.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Quota {
  /** How many requests may be made in any window, at least 1. */
  readonly limit: number
  /** How long the window is. */
  readonly window: Duration.Input
  /**
   * How many of them may be made at once, after a pause. Default: a tenth of the limit, at least 1. The rest is spread
   * over the window, so that no window of that length, wherever it begins, sees more than the limit.
   */
  readonly burst?: number | undefined
}

const units: Readonly<Record<string, Duration.Input>> = { s: "1 second", min: "1 minute", h: "1 hour" }

/** The unit of a window, if there is one. */
const unitOf = (window: Duration.Duration): string | undefined =>
  Object.keys(units).find((unit) => Duration.equals(Duration.fromInputUnsafe(units[unit] ?? 0), window))

const quotaPattern = /^\s*([1-9]\d{0,8})\s*\/\s*(s|min|h)\s*$/

/**
 * A quota as people write it: `10/s`, `600/min`, `5000/h`.
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
      // What has no such text gives one that the pattern refuses.
      encode: ({ limit, window }) => `${limit}/${unitOf(window)}`
    })
  )
)

/**
 * How a limiter stands for one organization.
 *
 * @category models
 * @since 0.1.0
 */
export interface State extends Internal.LimiterState {}

/**
 * A limiter, as clients use it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Limiter extends Internal.Limiter {}

/**
 * The limiter in force, where somebody set one.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentLimiter: Context.Reference<Limiter | undefined> = Internal.CurrentLimiter

/** The bucket that keeps a quota in every window: its size and its refill add up to the limit. */
const toBucket = ({ burst, limit, window }: Quota) => {
  const millis = Duration.toMillis(Duration.fromInputUnsafe(window))
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError("limit must be an integer, at least 1")
  if (!(millis > 0) || millis === Infinity) throw new RangeError("window must be a finite duration above zero")
  const size = burst ?? Math.max(1, Math.floor(limit / 10))
  if (!Number.isInteger(size) || size < 1 || size > limit) throw new RangeError("burst must be from 1 to limit")
  // With a bucket as large as the limit nothing is left for the refill: it then takes a whole window for each token.
  return { size, refillMillis: millis / Math.max(1, limit - size) }
}

/** Those who wait for the tokens of one organization, in this process. */
interface Line {
  /** Held by whoever stands in front. */
  readonly turn: Semaphore.Semaphore
  length: number
  /** When the one in front expects a token. */
  nextAt: number
}

const tooLate = (millis: number) => Effect.fail(new Internal.WaitTooLong(Duration.millis(millis), false))

/**
 * Makes a limiter for a quota from Effect's `RateLimiter`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (quota: Quota): Effect.Effect<Limiter, never, RateLimiter.RateLimiter> =>
  Effect.map(RateLimiter.RateLimiter, (limiter): Limiter => {
    const { refillMillis, size } = toBucket(quota)
    const holds = Internal.makeServerHolds()
    const lines = new Map<string, Line>()

    const take = (key: string, tokens: number) =>
      limiter.consume({
        key: `agentalk:${key}`,
        algorithm: "token-bucket",
        limit: size,
        window: Duration.millis(refillMillis * size),
        tokens,
        onExceeded: "fail"
      })

    /**
     * Takes a token (`undefined`), or gives how many milliseconds until there is one. Nothing is taken in advance, so
     * nobody has to give it back.
     */
    const tryTake = (key: string): Effect.Effect<number | undefined> =>
      Effect.matchEffect(take(key, 1), {
        onSuccess: () => Effect.undefined,
        onFailure: ({ reason }) =>
          reason._tag === "RateLimitExceeded"
            ? Effect.succeed(Math.max(1, Math.ceil(Duration.toMillis(reason.retryAfter))))
            : // A store that is down must not take the calls down with it.
              Effect.as(Effect.logWarning("The rate limit is not kept, for its store cannot be reached"), undefined)
      })

    const waitForToken = (key: string, line: Line): Effect.Effect<void> =>
      Effect.withFiber((fiber) =>
        Effect.flatMap(tryTake(key), (millis) => {
          if (millis === undefined) return Effect.void
          line.nextAt = monotonicMillis(fiber.getRef(Clock.Clock)) + millis
          return Effect.andThen(
            Effect.sleep(Duration.millis(millis)),
            Effect.suspend(() => waitForToken(key, line))
          )
        })
      )

    /** Steps into line, unless the line is too long. */
    const enter = (key: string, maxWaitMillis: number) =>
      Effect.clockWith((clock) => {
        const line = lines.get(key) ?? { turn: Semaphore.makeUnsafe(1), length: 0, nextAt: 0 }
        const { length, nextAt } = line
        // Whoever comes first waits for the next token, and everybody behind for one more.
        const wait = length === 0 ? 0 : nextAt - monotonicMillis(clock) + length * refillMillis
        if (wait > maxWaitMillis) return tooLate(wait)
        lines.set(key, line)
        line.length++
        return Effect.succeed({ line, wait, isFirst: length === 0 })
      })

    const leave = (key: string, line: Line) =>
      Effect.sync(() => {
        if (--line.length === 0) lines.delete(key)
      })

    const acquire = (key: string, maxWaitMillis: number): Effect.Effect<void, Internal.WaitTooLong> =>
      Effect.acquireUseRelease(
        enter(key, maxWaitMillis),
        ({ isFirst, line, wait }) =>
          isFirst ? first(key, line, maxWaitMillis) : stand(key, line, maxWaitMillis, wait),
        ({ line }) => leave(key, line)
      )

    const first = (key: string, line: Line, maxWaitMillis: number) =>
      Effect.flatMap(tryTake(key), (millis) => {
        if (millis === undefined) return Effect.void
        return millis > maxWaitMillis ? tooLate(millis) : stand(key, line, maxWaitMillis, millis)
      })

    /** Waits in line, at most for some time: other processes may take the tokens that were counted on. */
    const stand = (key: string, line: Line, maxWaitMillis: number, wait: number) =>
      Effect.timeoutOrElse(line.turn.withPermit(waitForToken(key, line)), {
        duration: Duration.millis(maxWaitMillis),
        orElse: () => tooLate(Math.max(wait, refillMillis))
      })

    return {
      acquire: (key, maxWaitMillis, deadline) =>
        Effect.clockWith((clock) => {
          const until = Math.min(monotonicMillis(clock) + maxWaitMillis, deadline)
          return Effect.andThen(
            holds.acquire(key, maxWaitMillis, deadline),
            Effect.suspend(() => acquire(key, until - monotonicMillis(clock)))
          )
        }),
      observe: holds.observe,
      state: (key) =>
        Effect.zipWith(holds.state(key), Effect.option(take(key, 0)), (held, taken) => ({
          tokensLeft: Option.map(taken, ({ remaining }) => Math.max(0, Math.floor(remaining))),
          waiting: held.waiting + (lines.get(key)?.length ?? 0),
          resetAfter: Option.match(taken, {
            onNone: () => held.resetAfter,
            onSome: ({ resetAfter }) => Duration.max(resetAfter, held.resetAfter)
          })
        }))
    }
  })

/**
 * Keeps a quota for each organization, in memory: for one process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (quota: Quota): Layer.Layer<never> =>
  Layer.effect(Internal.CurrentLimiter, make(quota)).pipe(
    Layer.provide(RateLimiter.layer),
    Layer.provide(RateLimiter.layerStoreMemory)
  )

const storeDown = new RateLimiter.RateLimiterError({
  reason: new RateLimiter.RateLimitStoreError({ message: "no answer in time" })
})

// A client of Redis that has lost its connection keeps commands until it is back, and so would keep the calls.
const layerStoreInTime = Layer.effect(
  RateLimiter.RateLimiterStore,
  Effect.map(RateLimiter.RateLimiterStore, (store) => ({
    ...store,
    tokenBucket: (options: Parameters<typeof store.tokenBucket>[0]) =>
      Effect.timeoutOrElse(store.tokenBucket(options), {
        duration: Internal.storeTimeout,
        orElse: () => Effect.fail(storeDown)
      })
  }))
)

/**
 * Keeps a quota for each organization through Redis: for all processes that share it and a `prefix`.
 *
 * **Details**
 *
 * While Redis does not answer within half a second, calls are made without the quota, with a warning in the log.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (
  quota: Quota & {
    /** What the keys in Redis begin with. Default: `ratelimiter:`. */
    readonly prefix?: string | undefined
  }
): Layer.Layer<never, never, Redis> =>
  Layer.effect(Internal.CurrentLimiter, make(quota)).pipe(
    Layer.provide(RateLimiter.layer),
    Layer.provide(layerStoreInTime),
    Layer.provide(RateLimiter.layerStoreRedis({ prefix: quota.prefix }))
  )

/**
 * How the limiter in force stands for an organization; none where no limiter was set in this context.
 *
 * @category accessors
 * @since 0.1.0
 */
export const state = (organization: string): Effect.Effect<Option.Option<State>> =>
  Effect.withFiber((fiber) => {
    const limiter = fiber.getRef(Internal.CurrentLimiter)
    return limiter === undefined ? Effect.succeedNone : Effect.asSome(limiter.state(organization.toLowerCase()))
  })
