/**
 * Exports for the other Agentalk packages. They may change in any release.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"

export { attributeNames, attributes, type Attribute } from "./internal/attributes.ts"
export { monotonicMillis, usesDefaultClock } from "./internal/clock.ts"
export { enableJit } from "./internal/call/jit.ts"
export { isObject, parseJson } from "./internal/wire/json.ts"
export { digitsOf } from "./internal/wire/text.ts"
export {
  type Attempt,
  CurrentAttempt,
  isAttemptAware,
  isTransportFault,
  markAttemptAware,
  type RequestState,
  type ResponseHead,
  TransportFault
} from "./internal/wire/transport.ts"

/**
 * Loads the sandbox for a server. It is loaded on demand, because clients import this module and do not need the sandbox.
 *
 * @category configuration
 * @since 0.1.0
 */
export const loadSandboxServer = Effect.promise(() => import("./internal/sandbox/server.ts"))
