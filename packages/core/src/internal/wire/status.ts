/** The statuses that are retried. */

/** The kind of failure after which an attempt is retried. */
export type RetryReason = "timeout" | "transient" | "throttled"

/** Returns why an attempt that received this status may be retried; `undefined` if it is not retried. */
export const retryReasonOf = (status: number): RetryReason | undefined => {
  if (status === 408) return "timeout"
  if (status === 429) return "throttled"
  return status === 500 || (status >= 502 && status <= 504) ? "transient" : undefined
}
