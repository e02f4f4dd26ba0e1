/**
 * The `agentalk` command for the Agentalk Contacts API.
 *
 * @since 0.1.0
 */
export * as Cli from "./Cli.ts"
