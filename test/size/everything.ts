/** All exports of the packages that a program imports, with their dependencies. */
export * as core from "@agentalk/core"
export * as files from "@agentalk/import"
export * as node from "@agentalk/node"
