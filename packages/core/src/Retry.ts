/**
 * Retry policies: how many attempts a call makes, and how long it waits between them.
 *
 * Transport failures, attempt timeouts and the statuses 408, 429, 500, 502, 503 and 504 are retried. The delay grows
 * exponentially with full jitter, and it is never shorter than `Retry-After`.
 *
 * A retry is safe because every operation is idempotent. However, a late retry can overwrite a newer edit by another
 * writer. To prevent that, use `Retry.none` for the call.
 *
 * Each client also has a retry budget, which limits the retries of all its calls: see the option `retryBudget` of
 * `AgentalkClient`.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import * as Reference from "./internal/call/policy.ts"

/**
 * A retry policy. Each part is resolved on its own, in this order: per call, client option, layer, default.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Policy {
  /**
   * The maximum number of attempts of a call; 1 means no retry. After a 401, an attempt with a new token is made even
   * if it exceeds the maximum: see `Token`. Default: 3.
   */
  readonly attempts?: number | undefined
  /**
   * The upper limit of the random delay before the second attempt. The limit doubles for each later attempt. Default:
   * 500 milliseconds.
   */
  readonly baseDelay?: Duration.Input | undefined
  /** The upper limit of the random delay before any attempt. `Retry-After` can exceed it. Default: 8 seconds. */
  readonly maxDelay?: Duration.Input | undefined
  /**
   * The longest `Retry-After` that a call accepts. If the API asks for a longer wait, the call fails immediately. The
   * `retryAfter` of a `RateLimited` or `ServerFault` error is the requested wait. The limit also applies to waits for a
   * rate limit. Default: 60 seconds.
   */
  readonly maxRetryAfter?: Duration.Input | undefined
}

/**
 * The default policy: 3 attempts. The delay before the second attempt is random, between 0 and 500 milliseconds. Its
 * upper limit doubles for each later attempt, up to 8 seconds.
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
 * The policy without retries: a call makes one attempt. Only an attempt that fails with 401 is repeated with a new
 * token, if there is one: see `Token`.
 *
 * @category configuration
 * @since 0.1.0
 */
export const none: Policy = { attempts: 1 }

/**
 * The policy that is set for the current fiber; `undefined` if there is none.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentPolicy: Context.Reference<Policy | undefined> = Reference.reference<Policy>(
  "@agentalk/core/Retry/CurrentPolicy"
)

/**
 * Sets the policy for the clients that are built with this layer, and for the calls of an effect that the layer is
 * provided to. Omitted parts keep their values from the surrounding context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (policy: Policy): Layer.Layer<never> => Reference.makeLayer(CurrentPolicy, policy)

/**
 * Sets the policy for the calls of an effect. Omitted parts keep their values from the surrounding context.
 *
 * **Example** (Send a write once)
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
