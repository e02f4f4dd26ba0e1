/** The rules of retries: which statuses are retried, how long to wait, and the budget that limits retries. */

/** Why another attempt may succeed. */
export type RetryReason = "timeout" | "transient" | "throttled"

/** A retry policy, its durations in milliseconds. */
export interface RetryPolicy {
  readonly attempts: number
  readonly baseDelay: number
  readonly maxDelay: number
  readonly maxRetryAfter: number
}

/** Why a response with this status may succeed when it is retried; `undefined` if it is not retried. */
export const retryReasonOf = (status: number): RetryReason | undefined => {
  if (status === 408) return "timeout"
  if (status === 429) return "throttled"
  return status === 500 || (status >= 502 && status <= 504) ? "transient" : undefined
}

// Spreads calls that were asked to wait until the same moment, in milliseconds.
const maxHintJitter = 250

/**
 * The delay before the next attempt, in milliseconds: exponential backoff with full jitter, and never less than the
 * server asked for.
 *
 * @param attempts the number of attempts so far
 * @param hint the delay that the server asked for; 0 if it did not
 * @param random a number from 0 to 1
 */
export const delayOf = (policy: RetryPolicy, attempts: number, hint: number, random: number): number => {
  const backoff = random * Math.min(policy.maxDelay, policy.baseDelay * 2 ** (attempts - 1))
  return hint === 0 ? backoff : Math.max(hint + random * maxHintJitter, backoff)
}

/**
 * The retry budget of a client. Every retry takes tokens, and only successes return them, so that a client does not
 * retry every call while the API is down.
 */
export interface RetryBudget {
  /** Takes the tokens for a retry and returns their number; `undefined` if too few are left. */
  readonly take: (reason: RetryReason) => number | undefined
  /** Returns the tokens that a successful call took, or one token if it took none. */
  readonly giveBack: (taken: number) => void
  readonly level: () => number
}

export const defaultRetryBudget = 500

const retryCost = 5
// A timeout occupied a connection for long, and its retry may do so again.
const timeoutCost = 10

export const makeRetryBudget = (size: number): RetryBudget => {
  let left = size
  return {
    take: (reason) => {
      const cost = reason === "timeout" ? timeoutCost : retryCost
      if (cost > left) return undefined
      left -= cost
      return cost
    },
    giveBack: (taken) => {
      left = Math.min(size, left + (taken === 0 ? 1 : taken))
    },
    level: () => left
  }
}
