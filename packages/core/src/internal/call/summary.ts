/** The failure of an attempt, and the summary of a whole call. Only the last failure of a call becomes an error. */
import * as Duration from "effect/Duration"
import type { Outcome, RetryStopped } from "../../AgentalkError.ts"
import type { Operation } from "../../Operations.ts"
import type { RetryReason } from "../wire/status.ts"

/** The summary of a failed call, over all its attempts. */
export interface CallSummary {
  readonly operation: Operation
  readonly outcome: Outcome
  readonly attempts: number
  readonly elapsed: Duration.Duration
  readonly retryStopped: RetryStopped
}

/** A failure that ends a call. It becomes an error when the summary of the call is known. */
export interface Failure<E> {
  readonly toError: (summary: CallSummary) => E
}

/** The failure of one attempt. */
export interface AttemptFailure<E> extends Failure<E> {
  /** The outcome of this attempt. */
  readonly outcome: Outcome
  /** Why the attempt may be retried; `undefined` if this failure is never retried. */
  readonly retry?: RetryReason | undefined
  /** The shortest delay before another attempt, if the API sent one. */
  readonly retryAfter?: Duration.Duration | undefined
}

/** A time limit: the timeout of the attempt, or the deadline of the call. */
export interface TimeLimit {
  readonly kind: "attempt" | "deadline"
  readonly duration: Duration.Duration
}

/** The summary of a call that made no attempt. */
export const unsentSummary = (operation: Operation): CallSummary => ({
  operation,
  outcome: "not-applied",
  attempts: 0,
  elapsed: Duration.zero,
  retryStopped: "not-retryable"
})
