/**
 * Policy lookup. A setting is resolved in this order: the calling fiber's own value, the client's option, the value
 * captured when the client was built, the default.
 *
 * A reference alone is not enough: `Layer.provide(clientLayer, policyLayer)` provides the policy only while the client
 * is built, and never to the fibers that call it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"

/** Makes a reference whose default is `undefined`. */
export const reference = <A>(key: string): Context.Reference<A | undefined> =>
  Context.Reference<A | undefined>(key, { defaultValue: () => undefined })

/** A function that sets a policy for the calls in an effect: `f(value)(effect)` and `f(effect, value)`. */
export interface With<A> {
  (value: A): <B, E, R>(effect: Effect.Effect<B, E, R>) => Effect.Effect<B, E, R>
  <B, E, R>(effect: Effect.Effect<B, E, R>, value: A): Effect.Effect<B, E, R>
}

/** Makes a function that sets a policy; `merge` combines the new value with the surrounding one. */
export const makeWith = <A>(
  ref: Context.Reference<A | undefined>,
  merge: (outer: A | undefined, value: A) => A
): With<A> =>
  dual(2, <B, E, R>(effect: Effect.Effect<B, E, R>, value: A) =>
    Effect.withFiber<B, E, R>((fiber) => Effect.provideService(effect, ref, merge(fiber.getRef(ref), value)))
  )

/** Overrides the parts of the surrounding policy that the new policy sets. */
export const mergeParts = <A extends object>(outer: A | undefined, value: A): A => {
  const set = Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined))
  // Not `Object.assign`, because assigning the key `__proto__` would set the prototype.
  return { ...outer, ...(set as A) }
}

/** Makes a layer that sets a policy. Parts that the policy omits keep their surrounding values. */
export const makeLayer = <A extends object>(ref: Context.Reference<A | undefined>, value: A): Layer.Layer<never> =>
  Layer.effect(
    ref,
    Effect.map(ref, (outer) => mergeParts(outer, value))
  )

/** A lookup: returns the value of a setting for the fiber of a call. */
export type Find<A> = (fiber: Fiber.Fiber<unknown, unknown>) => A

/** Makes lookups for a client that was built in a context; `option` is the client's option. */
export const makeFind =
  (built: Context.Context<never>) =>
  <A>(ref: Context.Reference<A | undefined>, option?: A): Find<A | undefined> => {
    const captured = option ?? Context.get(built, ref)
    return (fiber) => fiber.getRef(ref) ?? captured
  }

/** Makes lookups of policies whose parts are resolved one by one; `apply` overrides the parts that an input sets. */
export const makeFindParts =
  (built: Context.Context<never>) =>
  <Input, A>(
    ref: Context.Reference<Input | undefined>,
    option: Input | undefined,
    defaults: A,
    apply: (base: A, input: Input) => A
  ): Find<A> => {
    const override = (base: A, input: Input | undefined): A => (input === undefined ? base : apply(base, input))
    const captured = override(override(defaults, Context.get(built, ref)), option)
    return (fiber) => override(captured, fiber.getRef(ref))
  }
