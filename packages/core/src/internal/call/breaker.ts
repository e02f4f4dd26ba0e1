/** The interface between a call and its circuit breaker. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Policy from "./policy.ts"

/** The health of a server, as one attempt showed it. */
export interface Health {
  readonly isHealthy: boolean
}

/** The breaker refused an attempt, because the circuit is open or another call probes the server. */
export class CircuitRefusal {
  readonly _tag = "CircuitRefusal"
  readonly retryAfter: Duration.Duration
  constructor(retryAfter: Duration.Duration) {
    this.retryAfter = retryAfter
  }
}

export interface Breaker {
  /**
   * Makes an attempt, unless the circuit of its server is open.
   *
   * @param server the host of the base URL, with its port unless that is the default
   * @param toHealth reads the server's health from the result; `undefined` if the result says nothing about it
   */
  readonly execute: <A, E>(
    attempt: Effect.Effect<A, E>,
    server: string,
    toHealth: (exit: Exit.Exit<A, E>) => Health | undefined
  ) => Effect.Effect<A, E | CircuitRefusal>
}

export const CurrentBreaker = Policy.reference<Breaker>("@agentalk/core/CircuitBreaker/CurrentBreaker")
