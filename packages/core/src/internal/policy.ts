/**
 * How a policy is found: the calling fiber's own value, else the client's option, else the value captured when the
 * client was built, else the default.
 *
 * A reference alone would not do: `Layer.provide(clientLayer, policyLayer)` gives the policy to the building of the
 * client only, never to the fibers that call it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"

/** A reference that is unset unless somebody set it. */
export const reference = <A>(key: string): Context.Reference<A | undefined> =>
  Context.Reference<A | undefined>(key, { defaultValue: () => undefined })

/** A function that sets a reference for the calls in an effect: `f(value)(effect)` and `f(effect, value)`. */
export interface With<A> {
  (value: A): <B, E, R>(effect: Effect.Effect<B, E, R>) => Effect.Effect<B, E, R>
  <B, E, R>(effect: Effect.Effect<B, E, R>, value: A): Effect.Effect<B, E, R>
}

/** Makes such a function; `merge` lays a value over the one that is in force around. */
export const makeWith = <A>(
  ref: Context.Reference<A | undefined>,
  merge: (outer: A | undefined, value: A) => A
): With<A> =>
  dual(2, <B, E, R>(effect: Effect.Effect<B, E, R>, value: A) =>
    Effect.withFiber<B, E, R>((fiber) => Effect.provideService(effect, ref, merge(fiber.getRef(ref), value)))
  )

/** Lays the parts of a policy that are set over those of another. */
export const mergeParts = <A extends object>(outer: A | undefined, value: A): A => {
  const set = Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined))
  // Spread, not assigned: `__proto__` is no part of a policy, and no prototype of one.
  return { ...outer, ...(set as A) }
}

/** A layer that sets a policy, over the one that is in force where it is built. */
export const makeLayer = <A extends object>(ref: Context.Reference<A | undefined>, value: A): Layer.Layer<never> =>
  Layer.effect(
    ref,
    Effect.map(ref, (outer) => mergeParts(outer, value))
  )

export type Find<A> = (fiber: Fiber.Fiber<unknown, unknown>) => A

/** A lookup bound to the context in which a client was built. */
export const makeFind =
  (built: Context.Context<never>) =>
  <A>(ref: Context.Reference<A | undefined>, option?: A): Find<A | undefined> => {
    const captured = option ?? Context.get(built, ref)
    return (fiber) => fiber.getRef(ref) ?? captured
  }

/** A lookup of a policy whose parts are found each for itself; `apply` lays an input over what is known. */
export const makeFindParts =
  (built: Context.Context<never>) =>
  <Input, A>(
    ref: Context.Reference<Input | undefined>,
    option: Input | undefined,
    defaults: A,
    apply: (base: A, input: Input) => A
  ): Find<A> => {
    const over = (base: A, input: Input | undefined): A => (input === undefined ? base : apply(base, input))
    const captured = over(over(defaults, Context.get(built, ref)), option)
    return (fiber) => over(captured, fiber.getRef(ref))
  }
