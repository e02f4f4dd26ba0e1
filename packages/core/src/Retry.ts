/**
 * When a failed attempt is made again.
 *
 * Retried are transport failures, attempt timeouts, and the statuses 408, 429, 500, 502, 503 and 504. All seven
 * operations may be repeated: they set a state rather than add to one. A late repeat can overwrite a newer edit by
 * somebody else; `none`, for one call, is the way out.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import * as Reference from "./internal/call/policy.ts"

/**
 * A retry policy. What is left out is as by default.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Policy {
  /** How many attempts a call may make in all; 1 means no retry. Default: 3. */
  readonly attempts?: number | undefined
  /** The longest wait before the second attempt; it doubles with each one after. Default: 500 milliseconds. */
  readonly baseDelay?: Duration.Input | undefined
  /** What that wait grows to at the most. Default: 8 seconds. */
  readonly maxDelay?: Duration.Input | undefined
  /**
   * The longest wait that the API may ask for with `Retry-After`. When it asks for more, the call fails at once and
   * says how long. Default: 60 seconds.
   */
  readonly maxRetryAfter?: Duration.Input | undefined
}

/**
 * The policy of a call that nobody set any for: 3 attempts, with a random wait of up to 500 milliseconds before the
 * second, doubling up to 8 seconds (full jitter).
 *
 * @category configuration
 * @since 0.1.0
 */
export const defaultPolicy = {
  attempts: 3,
  baseDelay: Duration.millis(500),
  maxDelay: Duration.seconds(8),
  maxRetryAfter: Duration.seconds(60)
}

/**
 * The policy that makes one attempt only.
 *
 * @category configuration
 * @since 0.1.0
 */
export const none: Policy = { attempts: 1 }

/**
 * The policy in force, where somebody set one.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentPolicy: Context.Reference<Policy | undefined> = Reference.reference<Policy>(
  "@agentalk/core/Retry/CurrentPolicy"
)

/**
 * Sets the policy of the clients that are built from this layer, or of the calls that it is provided to.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (policy: Policy): Layer.Layer<never> => Reference.makeLayer(CurrentPolicy, policy)

/**
 * Sets the policy of the calls in an effect. Parts that it does not name stay as they are around it.
 *
 * **Example** (A write that must not come late)
 *
 * ```ts
 * import { Contacts, Retry } from "@agentalk/core"
 * import { Effect } from "effect"
 *
 * const rename = (phone: string, firstName: string) =>
 *   Effect.flatMap(Contacts, (contacts) => contacts.upsert({ phone, firstName })).pipe(Retry.withPolicy(Retry.none))
 * ```
 *
 * @category configuration
 * @since 0.1.0
 */
export const withPolicy: Reference.With<Policy> = Reference.makeWith(CurrentPolicy, Reference.mergeParts)
