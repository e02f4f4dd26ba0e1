/**
 * What other Agentalk packages need from core. It may change in any release.
 *
 * @since 0.1.0
 */
export { attributeNames, attributes, type Attribute } from "./internal/attributes.ts"
export { monotonicMillis, usesDefaultClock } from "./internal/clock.ts"
export { enableJit } from "./internal/wire/jit.ts"
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

// The sandbox on a server
export { layerRoutes as layerSandboxRoutes, routerConfig as sandboxRouterConfig } from "./internal/sandbox/server.ts"
