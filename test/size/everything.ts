/** Both packages, whole, with all that they need. */
export * as core from "@agentalk/core"
export * as node from "@agentalk/node"
