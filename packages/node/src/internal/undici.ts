/**
 * What a pool is made of, loaded when it is built. undici's index loads all that undici can do, which takes longer than
 * Effect itself; two of its modules are enough. It does not promise to keep their paths, so the index stands in for them.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Agent, buildConnector } from "undici"

interface Parts {
  readonly Agent: typeof Agent
  readonly buildConnector: typeof buildConnector
}

/** The parts, where they are thought to be. */
export const loadParts: Effect.Effect<Parts, Cause.UnknownError> = Effect.map(
  Effect.tryPromise(() =>
    Promise.all([import("undici/lib/dispatcher/agent.js"), import("undici/lib/core/connect.js")])
  ),
  ([agent, connect]) => ({ Agent: agent.default, buildConnector: connect.default })
)

/** The parts, wherever they are. */
export const loadUndici = (parts = loadParts): Effect.Effect<Parts> =>
  Effect.catch(parts, () => Effect.promise(() => import("undici")))
