/**
 * Circuit breakers: they stop calls to a server that keeps failing, so that the server can recover and calls fail fast.
 *
 * After several failures in a row (no response, a timeout, or a 5xx response) the circuit opens. While it is open,
 * calls fail immediately with `CircuitOpen`, and `retryAfter` of the error says when to try again. After that time, one
 * call at a time probes the server. If it succeeds, the circuit closes.
 *
 * A client has no circuit breaker by default. Provide one of these layers to add it.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Breakers from "effect/persistence/CircuitBreaker"
import type { Redis } from "effect/persistence/Redis"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Internal from "./internal/call/breaker.ts"
import { reportBreaker } from "./internal/call/metrics.ts"
import { storeTimeout } from "./internal/call/sharedStore.ts"

/**
 * The options of a circuit breaker.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options {
  /** The number of failed attempts in a row that opens the circuit. Default: 10. */
  readonly failures?: number | undefined
  /** How long the circuit stays open before a call probes the server. Default: 10 seconds. */
  readonly openDuration?: Duration.Input | undefined
}

/**
 * A circuit breaker. A client makes each attempt through it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Breaker extends Internal.Breaker {}

/**
 * The circuit breaker that is set for the current fiber; `undefined` if there is none.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentBreaker: Context.Reference<Breaker | undefined> = Internal.CurrentBreaker

// The `retryAfter` of a call that is refused while another call probes the server. How long the probe takes is unknown,
// but most calls end within a second.
const probeRetryAfter = Duration.seconds(1)

const keyPrefix = "agentalk:"

const toOutcome = (health: Internal.Health | undefined): Breakers.Outcome => {
  if (health === undefined) return Breakers.ignored
  return health.isHealthy ? Breakers.success : Breakers.failure()
}

/**
 * Makes a circuit breaker from Effect's `CircuitBreaker`. While its store is unavailable, calls are sent as if there
 * were no breaker.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = ({
  failures = 10,
  openDuration = Duration.seconds(10)
}: Options): Effect.Effect<Breaker, never, Breakers.CircuitBreakerStore | Scope.Scope> =>
  Breakers.make({ tripPolicy: Breakers.consecutive(failures), openDuration }).pipe(
    Effect.tap(({ transitions }) =>
      Effect.forkScoped(
        Stream.runForEach(transitions, ({ key, to }) => reportBreaker(to, key.slice(keyPrefix.length))),
        { startImmediately: true }
      )
    ),
    Effect.map((breaker): Breaker => ({
      execute: <A, E>(
        attempt: Effect.Effect<A, E>,
        server: string,
        toHealth: (exit: Exit.Exit<A, E>) => Internal.Health | undefined
      ) =>
        Effect.mapError(
          breaker.execute(attempt, { key: `${keyPrefix}${server}`, classify: (exit) => toOutcome(toHealth(exit)) }),
          (error) => {
            if (!(error instanceof Breakers.CircuitBreakerError)) return error
            return new Internal.CircuitRefusal(
              error.reason._tag === "CircuitOpen" ? error.reason.retryAfter : probeRetryAfter
            )
          }
        )
    }))
  )

/**
 * Adds a circuit breaker for each server within one process. The state is kept in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never> =>
  Layer.effect(Internal.CurrentBreaker, make(options)).pipe(Layer.provide(Breakers.layerStoreMemory()))

const storeTimedOut = new Breakers.CircuitBreakerError({
  reason: new Breakers.CircuitBreakerStoreError({ message: "The store did not respond in time." })
})

/**
 * Adds a timeout to a request to the store. A Redis client that has lost its connection queues its commands until it is
 * connected again. The request is made interruptible, because the breaker runs it in an uninterruptible region.
 */
const withTimeout = <A, R>(request: Effect.Effect<A, Breakers.CircuitBreakerError, R>) =>
  Effect.timeoutOrElse(Effect.interruptible(request), {
    duration: storeTimeout,
    orElse: () => Effect.fail(storeTimedOut)
  })

const layerStoreWithTimeout = Layer.effect(
  Breakers.CircuitBreakerStore,
  Effect.map(Breakers.CircuitBreakerStore, (store) => ({
    ...store,
    admit: (key: string) => withTimeout(store.admit(key)),
    record: (options: Parameters<typeof store.record>[0]) => withTimeout(store.record(options))
  }))
)

/**
 * Adds a circuit breaker for each server across all processes that share a Redis database and `prefix`.
 *
 * **Details**
 *
 * If Redis does not respond within half a second, the call is sent as if there were no breaker.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (
  options: Options & {
    /** The prefix of the keys in Redis. Default: `circuitbreaker:`. */
    readonly prefix?: string | undefined
  } = {}
): Layer.Layer<never, never, Redis> =>
  Layer.effect(Internal.CurrentBreaker, make(options)).pipe(
    Layer.provide(layerStoreWithTimeout),
    Layer.provide(Breakers.layerStoreRedis({ prefix: options.prefix }))
  )
