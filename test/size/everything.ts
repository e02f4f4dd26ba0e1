/** All exports of both packages, with their dependencies. */
export * as core from "@agentalk/core"
export * as node from "@agentalk/node"
