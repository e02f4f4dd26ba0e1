/**
 * Stops calling a server that keeps failing, so that it can recover and callers do not wait in vain.
 *
 * After some failures in a row (no connection, a time limit, 5xx) the circuit opens: calls fail at once with
 * `CircuitOpen`, which says when to try again. Then one call at a time probes the server, and its success closes the
 * circuit. A client has no breaker unless one of these layers gives it one.
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
import { storeTimeout } from "./internal/call/limiter.ts"
import { reportBreaker } from "./internal/call/metrics.ts"

/**
 * The options of a breaker.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options {
  /** How many attempts must fail in a row for the circuit to open. Default: 10. */
  readonly failures?: number | undefined
  /** How long it stays open before a call probes the server. Default: 10 seconds. */
  readonly openDuration?: Duration.Input | undefined
}

/**
 * A breaker, as clients use it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Breaker extends Internal.Breaker {}

/**
 * The breaker in force, where somebody set one.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentBreaker: Context.Reference<Breaker | undefined> = Internal.CurrentBreaker

// While another call probes the server, nobody knows how long: it ends within its own time limit, usually soon.
const probing = Duration.seconds(1)

const keyPrefix = "agentalk:"

const toOutcome = (health: Internal.Health | undefined): Breakers.Outcome => {
  if (health === undefined) return Breakers.ignored
  return health.isHealthy ? Breakers.success : Breakers.failure()
}

/**
 * Makes a breaker from Effect's `CircuitBreaker`. While its store cannot be reached, it lets calls through.
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
            return new Internal.CircuitRefusal(error.reason._tag === "CircuitOpen" ? error.reason.retryAfter : probing)
          }
        )
    }))
  )

/**
 * A breaker for each server, in memory: for one process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never> =>
  Layer.effect(Internal.CurrentBreaker, make(options)).pipe(Layer.provide(Breakers.layerStoreMemory()))

const storeDown = new Breakers.CircuitBreakerError({
  reason: new Breakers.CircuitBreakerStoreError({ message: "no answer in time" })
})

/** A store is asked where nothing can be interrupted, and a Redis that has gone away would never answer. */
const inTime = <A, R>(asked: Effect.Effect<A, Breakers.CircuitBreakerError, R>) =>
  Effect.timeoutOrElse(Effect.interruptible(asked), { duration: storeTimeout, orElse: () => Effect.fail(storeDown) })

const layerStoreInTime = Layer.effect(
  Breakers.CircuitBreakerStore,
  Effect.map(Breakers.CircuitBreakerStore, (store) => ({
    ...store,
    admit: (key: string) => inTime(store.admit(key)),
    record: (options: Parameters<typeof store.record>[0]) => inTime(store.record(options))
  }))
)

/**
 * A breaker for each server through Redis: for all processes that share it and a `prefix`.
 *
 * **Details**
 *
 * While Redis does not answer within half a second, calls are let through.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (
  options: Options & {
    /** What the keys in Redis begin with. Default: `circuitbreaker:`. */
    readonly prefix?: string | undefined
  } = {}
): Layer.Layer<never, never, Redis> =>
  Layer.effect(Internal.CurrentBreaker, make(options)).pipe(
    Layer.provide(layerStoreInTime),
    Layer.provide(Breakers.layerStoreRedis({ prefix: options.prefix }))
  )
