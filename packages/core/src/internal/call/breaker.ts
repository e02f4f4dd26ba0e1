/** The circuit breaker as a call uses it. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Policy from "./policy.ts"

/** The result of an attempt, as far as a breaker needs it. */
export interface Health {
  readonly isHealthy: boolean
}

/** The circuit is open, so the attempt was refused. */
export class CircuitRefusal {
  readonly _tag = "CircuitRefusal"
  readonly retryAfter: Duration.Duration
  constructor(retryAfter: Duration.Duration) {
    this.retryAfter = retryAfter
  }
}

export interface Breaker {
  /**
   * Makes an attempt at a server, unless its circuit is open.
   *
   * @param toHealth reads the health of the server from the exit; `undefined` if the exit says nothing about it
   */
  readonly execute: <A, E>(
    attempt: Effect.Effect<A, E>,
    server: string,
    toHealth: (exit: Exit.Exit<A, E>) => Health | undefined
  ) => Effect.Effect<A, E | CircuitRefusal>
}

export const CurrentBreaker = Policy.reference<Breaker>("@agentalk/core/CircuitBreaker/CurrentBreaker")
