/**
 * Loads the modules of undici that a connection pool needs, when the pool is built.
 *
 * The index of undici loads all of undici, which takes longer than loading Effect. Two of its modules are enough.
 * undici does not guarantee their paths, so the index is the fallback.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Agent, buildConnector } from "undici"

interface PoolModules {
  readonly Agent: typeof Agent
  readonly buildConnector: typeof buildConnector
}

/** Loads only the two modules, by their paths in undici 8. */
export const loadModules: Effect.Effect<PoolModules, Cause.UnknownError> = Effect.map(
  Effect.tryPromise(() =>
    Promise.all([import("undici/lib/dispatcher/agent.js"), import("undici/lib/core/connect.js")])
  ),
  ([agent, connect]) => ({ Agent: agent.default, buildConnector: connect.default })
)

/** Loads the two modules, or the index of undici if their paths have changed. */
export const loadUndici = (modules = loadModules): Effect.Effect<PoolModules> =>
  Effect.catch(modules, () => Effect.promise(() => import("undici")))
