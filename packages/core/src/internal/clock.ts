/** The time that a call measures: milliseconds of the fiber's monotonic clock. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"

/** Returns the monotonic time of a clock, in milliseconds. */
export const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000

const defaultClock = Context.get(Context.empty(), Clock.Clock)

/** Whether a fiber uses the default clock, so that `setTimeout` and the fiber's `Clock` measure the same time. */
export const usesDefaultClock = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(Clock.Clock) === defaultClock
