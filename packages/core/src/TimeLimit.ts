/**
 * How long a call may take.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import * as Policy from "./internal/call/policy.ts"

/**
 * The time limits of a call.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Limits {
  /** How long one attempt may take: connecting, headers and body. Default: 30 seconds. */
  readonly attempt?: Duration.Input | undefined
  /** How long the whole call may take, with all attempts and the waits between them. Default: 2 minutes. */
  readonly deadline?: Duration.Input | undefined
}

/**
 * The limits in force, where somebody set them.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentLimits: Context.Reference<Limits | undefined> = Policy.reference<Limits>(
  "@agentalk/core/TimeLimit/CurrentLimits"
)

/**
 * Sets the limits of the clients that are built from this layer, or of the calls that it is provided to.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (limits: Limits): Layer.Layer<never> => Policy.makeLayer(CurrentLimits, limits)

/**
 * Sets the limits of the calls in an effect. Those that it does not name stay as they are around it.
 *
 * @category configuration
 * @since 0.1.0
 */
export const withLimits: Policy.With<Limits> = Policy.makeWith(CurrentLimits, Policy.mergeParts)

/**
 * The limits of a call that nobody set any for.
 *
 * @category configuration
 * @since 0.1.0
 */
export const defaultLimits = { attempt: Duration.seconds(30), deadline: Duration.minutes(2) }
