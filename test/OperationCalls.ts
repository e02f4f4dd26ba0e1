/**
 * Calls of any operation, derived from the operations table. The tests of all operations use this module, so that a new
 * operation joins them without an edit.
 */
import type { Contact, Operation } from "@agentalk/core"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { operationNames } from "../packages/core/src/internal/operation.ts"
import { type OperationDefinition, operations } from "../packages/core/src/Operations.ts"

export { callOperation } from "../packages/core/src/internal/callOperation.ts"

/** The input of an operation: a value for each key. */
export type Input = Readonly<Record<string, unknown>>

/** Returns the entry of an operation in the table. */
export const definitionOf = (operation: Operation): OperationDefinition => operations[operation]

/** Returns the valid input that the table declares for tests. */
export const sampleOf = (operation: Operation): Input => definitionOf(operation).sample as Input

/** Makes a value for every operation. */
export const byOperation = <A>(make: (operation: Operation) => A): Readonly<Record<Operation, A>> =>
  Object.fromEntries(operationNames.map((operation) => [operation, make(operation)])) as Record<Operation, A>

/** Returns the contacts in the result of an operation. */
export const contactsIn = (operation: Operation, result: unknown): ReadonlyArray<Contact> => {
  const contacts: Array<Contact> = []
  definitionOf(operation).response.mapContacts(result, (contact) => {
    contacts.push(contact)
    return contact
  })
  return contacts
}

/** A schema of one value of an input. */
export type ValueSchema = Schema.ConstraintDecoder<unknown>

/** Returns the schema of each value of an operation's input. */
export const fieldsOf = (operation: Operation): Readonly<Record<string, ValueSchema>> =>
  definitionOf(operation).input.fields as Readonly<Record<string, ValueSchema>>

/** Makes a value for each key of an operation's input. */
export const mapFields = <A>(
  operation: Operation,
  make: (key: string, schema: ValueSchema) => A
): Readonly<Record<string, A>> =>
  Object.fromEntries(Object.entries(fieldsOf(operation)).map(([key, schema]) => [key, make(key, schema)]))

/** Whether an input may omit a value. */
export const isOptional = (schema: ValueSchema): boolean => SchemaAST.isOptional(schema.ast)

/** Whether a schema accepts a value. */
export const accepts = (schema: ValueSchema, value: unknown): boolean =>
  Exit.isSuccess(Schema.decodeUnknownExit(schema)(value))

/** Whether a schema accepts ordinary text. */
export const acceptsText = (schema: ValueSchema): boolean => accepts(schema, "Jane")

/** Throws because a table of test values has no value for a key of an input. */
export const throwMissing = (key: string, table: string): never => {
  throw new Error(`An operation has an input with the key "${key}". Add a value for this key to ${table}.`)
}

/**
 * Returns the values of a table that belong to the input of an operation. Throws if a required value is missing; `table`
 * names the table for the message.
 */
export const pickInput = (operation: Operation, values: Input, table: string): Input => {
  const entries = Object.entries(fieldsOf(operation)).flatMap(([key, schema]) => {
    if (Object.hasOwn(values, key)) return [[key, values[key]] as const]
    return isOptional(schema) ? [] : throwMissing(key, table)
  })
  return Object.fromEntries(entries)
}
