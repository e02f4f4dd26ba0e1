/**
 * What other Agentalk packages need from core. It may change in any release.
 *
 * @since 0.1.0
 */

// The sandbox on a server
export { layerRoutes as layerSandboxRoutes, routerConfig as sandboxRouterConfig } from "./internal/sandbox/server.ts"
