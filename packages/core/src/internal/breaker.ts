/** What a circuit breaker does for an attempt. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Policy from "./policy.ts"

/** How an attempt went, in the eyes of a breaker. */
export interface Health {
  readonly isHealthy: boolean
}

/** A refusal by an open circuit. */
export class Refused {
  readonly _tag = "Refused"
  readonly retryAfter: Duration.Duration
  constructor(retryAfter: Duration.Duration) {
    this.retryAfter = retryAfter
  }
}

export interface Breaker {
  /**
   * Makes an attempt at a server, unless its circuit is open.
   *
   * @param toHealth what the attempt says about the server; `undefined` where it says nothing
   */
  readonly execute: <A, E>(
    attempt: Effect.Effect<A, E>,
    server: string,
    toHealth: (exit: Exit.Exit<A, E>) => Health | undefined
  ) => Effect.Effect<A, E | Refused>
}

export const CurrentBreaker = Policy.reference<Breaker>("@agentalk/core/CircuitBreaker/CurrentBreaker")
