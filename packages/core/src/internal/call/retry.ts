/** The rules of retries: how long to wait, and the budget that limits retries. */
import type { RetryReason } from "../wire/status.ts"

/** A retry policy with all its parts; durations are in milliseconds. */
export interface RetryPolicy {
  readonly attempts: number
  readonly baseDelay: number
  readonly maxDelay: number
  readonly maxRetryAfter: number
}

// The maximum jitter that is added to `Retry-After`, in milliseconds, because the server may have asked many calls to
// wait until the same moment.
const maxHintJitter = 250

/**
 * Returns the delay before the next attempt, in milliseconds: exponential backoff with full jitter, but at least the
 * delay that the server asked for.
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
 * The retry budget of a client. Retries take tokens from it, and only successful calls put tokens back. While the API
 * is down, the tokens run out and retries stop.
 */
export interface RetryBudget {
  /** Takes the tokens for a retry and returns their number; `undefined` if too few are left. */
  readonly take: (reason: RetryReason) => number | undefined
  /** Puts the tokens that a successful call took back into the budget, or adds one token if it took none. */
  readonly refund: (taken: number) => void
  /** Returns the number of tokens that are left. */
  readonly level: () => number
}

/** The default size of a retry budget, in tokens. */
export const defaultRetryBudget = 500

const retryCost = 5
// A retry after a timeout costs more, because it may occupy a connection for as long again.
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
    refund: (taken) => {
      left = Math.min(size, left + (taken === 0 ? 1 : taken))
    },
    level: () => left
  }
}
