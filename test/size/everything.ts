/** The packages that a program imports, whole, with all that they need. */
export * as core from "@agentalk/core"
export * as files from "@agentalk/import"
export * as node from "@agentalk/node"
