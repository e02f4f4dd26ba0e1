/**
 * Exports for the other Agentalk packages. They may change in any release.
 *
 * @since 0.1.0
 */
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

// For the sandbox on a server.
export { layerRoutes as layerSandboxRoutes, routerConfig as sandboxRouterConfig } from "./internal/sandbox/server.ts"
