/**
 * The Agentalk Contacts API on Node: a client that is configured by the environment, its HTTP transport, and a sandbox
 * server.
 *
 * @since 0.1.0
 */
export * as AgentalkNode from "./AgentalkNode.ts"
export * as SandboxServer from "./SandboxServer.ts"
export * as UndiciHttpClient from "./UndiciHttpClient.ts"
