/**
 * How a policy is found: the calling fiber's own value, else the client's option, else the value captured when the
 * client was built, else the default.
 *
 * A reference alone would not do: `Layer.provide(clientLayer, policyLayer)` gives the policy to the building of the
 * client only, never to the fibers that call it.
 */
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"

/** A reference that is unset unless somebody set it. */
export const reference = <A>(key: string): Context.Reference<A | undefined> =>
  Context.Reference<A | undefined>(key, { defaultValue: () => undefined })

/** A lookup bound to the context in which a client was built. */
export const makeFind =
  (built: Context.Context<never>) =>
  <A>(
    ref: Context.Reference<A | undefined>,
    option: A | undefined
  ): ((fiber: Fiber.Fiber<unknown, unknown>) => A | undefined) => {
    const captured = option ?? Context.get(built, ref)
    return (fiber) => fiber.getRef(ref) ?? captured
  }
