/** The statuses that are retried. */

/** Why another attempt may succeed. */
export type RetryReason = "timeout" | "transient" | "throttled"

/** Returns why a response with this status may succeed when it is retried; `undefined` if it is not retried. */
export const retryReasonOf = (status: number): RetryReason | undefined => {
  if (status === 408) return "timeout"
  if (status === 429) return "throttled"
  return status === 500 || (status >= 502 && status <= 504) ? "transient" : undefined
}
