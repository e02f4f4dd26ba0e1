/**
 * Contact files for the Agentalk Contacts API, and imports of them.
 *
 * @since 0.1.0
 */
export * as ContactFile from "./ContactFile.ts"
export * as Import from "./Import.ts"
