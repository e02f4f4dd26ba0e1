/**
 * Time limits of calls and attempts. Both limits include reading the response body.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import * as Policy from "./internal/call/policy.ts"

/**
 * The time limits of a call. Each limit is resolved on its own, in this order: per call, client option, layer, default.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Limits {
  /** The timeout of one attempt: connecting, headers and body. Default: 30 seconds. */
  readonly attempt?: Duration.Input | undefined
  /** The deadline of a call, including all its attempts and waits. Default: 2 minutes. */
  readonly deadline?: Duration.Input | undefined
}

/**
 * The limits that are set for the current fiber; `undefined` if there are none.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentLimits: Context.Reference<Limits | undefined> = Policy.reference<Limits>(
  "@agentalk/core/TimeLimit/CurrentLimits"
)

/**
 * Sets the limits for the clients that are built with this layer, and for the calls of an effect that the layer is
 * provided to. An omitted limit keeps its value from the surrounding context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (limits: Limits): Layer.Layer<never> => Policy.makeLayer(CurrentLimits, limits)

/**
 * Sets the limits for the calls of an effect. An omitted limit keeps its value from the surrounding context.
 *
 * @category configuration
 * @since 0.1.0
 */
export const withLimits: Policy.With<Limits> = Policy.makeWith(CurrentLimits, Policy.mergeParts)

/**
 * The default limits: 30 seconds for an attempt and 2 minutes for a call.
 *
 * @category configuration
 * @since 0.1.0
 */
export const defaultLimits = { attempt: Duration.seconds(30), deadline: Duration.minutes(2) }
