/**
 * The Agentalk Contacts API as Effect services.
 *
 * @since 0.1.0
 */
export * as AgentalkClient from "./AgentalkClient.ts"
export * from "./AgentalkApi.ts"
export * from "./AgentalkError.ts"
export * as CircuitBreaker from "./CircuitBreaker.ts"
export * as Conformance from "./Conformance.ts"
export * from "./Contact.ts"
export * from "./ContactFromWire.ts"
export * from "./Contacts.ts"
export * as ContactsStream from "./ContactsStream.ts"
export * as CustomFields from "./CustomFields.ts"
export * as Faults from "./Faults.ts"
export * from "./Issue.ts"
export { Operation, type OperationDefinition, operations } from "./Operations.ts"
export * as RateLimit from "./RateLimit.ts"
export * as Retry from "./Retry.ts"
export * as Sandbox from "./Sandbox.ts"
export * from "./Settings.ts"
export * as Telemetry from "./Telemetry.ts"
export * as TimeLimit from "./TimeLimit.ts"
export * from "./Token.ts"
