/**
 * What keeps a client from repeating everything while the API is down: every retry takes tokens, and only success
 * gives them back.
 */

const retryCost = 5
// A timeout has held a connection for long, and its repeat will, too.
const timeoutCost = 10

export interface Budget {
  /** Takes the tokens for a retry and gives their number; `undefined` where too few are left. */
  readonly take: (reason: "timeout" | "transient" | "throttled") => number | undefined
  /** Gives back what a call took, or one token where it took none. */
  readonly giveBack: (taken: number) => void
  readonly level: () => number
}

export const defaultBudget = 500

export const makeBudget = (size: number): Budget => {
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
