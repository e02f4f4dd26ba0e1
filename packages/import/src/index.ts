/**
 * Reads, writes and imports contact files for the Agentalk Contacts API.
 *
 * @since 0.1.0
 */
export * as ContactFile from "./ContactFile.ts"
export * as Import from "./Import.ts"
