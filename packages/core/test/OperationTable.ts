/** Properties of operations, derived from the operations table. Tests of all operations use them instead of names. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"
import type { Outcome } from "../src/AgentalkError.ts"
import type { Contact } from "../src/Contact.ts"
import { operationNames } from "../src/internal/operation.ts"
import type { Reader } from "../src/internal/wire/readers.ts"
import { type OperationDefinition, type Operation, operations } from "../src/Operations.ts"
import { acceptedBody, id } from "./ScriptedApi.ts"

const definitionOf = (operation: Operation): OperationDefinition => operations[operation]

// The next two rules repeat `factsOf` on purpose: a test that used `factsOf` could not detect a mistake in it.

/** Whether an operation only reads. */
export const isReadOnly = (operation: Operation): boolean => definitionOf(operation).method === "GET"

/** Whether the path of an operation names a contact. */
export const namesContact = (operation: Operation): boolean => definitionOf(operation).path.includes("{contact_id}")

/** The outcome of an error: `outcome` for a write, and `not-applied` for an operation that only reads. */
export const outcomeFor = (operation: Operation, outcome: Outcome): Outcome =>
  isReadOnly(operation) ? "not-applied" : outcome

/** Whether a 404 after an attempt of unknown outcome is a success. */
export const isDoneIfMissing = (operation: Operation): boolean => definitionOf(operation).isDoneIfMissing ?? false

/** The sample input of an operation, as plain data. */
export const sampleOf = (operation: Operation) => definitionOf(operation).sample as Readonly<Record<string, unknown>>

/** Whether an operation accepts an input. */
export const accepts = (operation: Operation, input: unknown): boolean =>
  Result.isSuccess(SchemaParser.decodeUnknownResult(definitionOf(operation).input)(input))

/** The keys of an operation's input. */
export const inputKeysOf = (operation: Operation): ReadonlyArray<string> =>
  Object.keys(definitionOf(operation).input.fields)

/** The input keys that may be missing or `undefined`. */
export const optionalKeysOf = (operation: Operation): ReadonlyArray<string> =>
  Object.entries(definitionOf(operation).input.fields).flatMap(([key, { ast }]) =>
    SchemaAST.isOptional(SchemaAST.toEncoded(ast)) ? [key] : []
  )

const keysThatAcceptOneOf = (operation: Operation, values: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  inputKeysOf(operation).filter((key) =>
    values.some((value) => accepts(operation, { ...sampleOf(operation), [key]: value }))
  )

/** The input keys whose values are text. */
export const textKeysOf = (operation: Operation): ReadonlyArray<string> =>
  keysThatAcceptOneOf(operation, ["vip", id, "+15551234567", "jane@example.com"])

/** The input keys whose values are lists of text. */
export const listKeysOf = (operation: Operation): ReadonlyArray<string> => keysThatAcceptOneOf(operation, [["vip"]])

/** The input keys whose values are objects. */
export const objectKeysOf = (operation: Operation): ReadonlyArray<string> =>
  keysThatAcceptOneOf(operation, [{ city: "Oslo" }])

/** The different readers of the table, each with an input that it accepts. */
export const readers: ReadonlyMap<Reader<unknown, unknown>, unknown> = new Map(
  operationNames.map((operation) => [definitionOf(operation).response, sampleOf(operation)])
)

/** Applies a function to every contact in a result: every object with an id. It repeats `mapContacts` of the readers. */
export const replaceContacts = (result: unknown, f: (contact: Contact) => unknown): unknown => {
  if (Option.isOption(result)) return Option.map(result, (value) => replaceContacts(value, f))
  if (Array.isArray(result)) return result.map((value) => replaceContacts(value, f))
  if (typeof result !== "object" || result === null) return result
  if ("id" in result) return f(result as Contact)
  return Object.fromEntries(Object.entries(result).map(([key, value]) => [key, replaceContacts(value, f)]))
}

/** Whether the result of an operation contains contacts. */
export const returnsContacts = (operation: Operation): boolean => {
  const result = definitionOf(operation).response.read(acceptedBody, 200, sampleOf(operation))
  let count = 0
  replaceContacts(Result.getOrThrow(result), () => count++)
  return count > 0
}
