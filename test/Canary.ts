/**
 * Unique values for the input of calls, and a search for these values in every encoding that a leak may have. A value
 * that is found in telemetry or in an error can only come from the input.
 */
import type { Contacts, Operation, UpsertInput } from "@agentalk/core"
import { isAgentalkError } from "@agentalk/core"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { operationNames } from "../packages/core/src/internal/operation.ts"
import {
  acceptsText,
  callOperation,
  fieldsOf,
  type Input,
  mapFields,
  throwMissing,
  type ValueSchema
} from "./OperationCalls.ts"

/** The confidential values of a call: credentials, personal data and the key of a custom field. */
export const canary = {
  tokenOrganization: "c0ffee01-7a3b-4d5e-9f10-2b4c6d8e0f11",
  secret: "Zq7-S3cr3t~xW9.v4",
  organization: "0ddba110-1f2e-4a3b-8c4d-5e6f7a8b9c0d",
  id: "d1d1d1d1-aaaa-4bbb-8ccc-e5e5e5e5e5e5",
  phone: "+1 (646) 737-8899",
  firstName: "Quintessa",
  lastName: "Brzęczyszczykiewicz",
  email: "quin.brz@canary.example",
  tag: "chess-nut/vip",
  fieldKey: "favourite_opera",
  fieldValue: 'Ouagadougou & "sons"',
  fieldNumber: 987654321
}

export const token = Redacted.make(`${canary.tokenOrganization}.${canary.secret}`)

// --- the input of calls ---------------------------------------------------------------------------------------------

/** The values by the keys of the operations' inputs. A key without a value here has a unique text, made from the key. */
const values: Readonly<Record<string, unknown>> = {
  id: canary.id,
  phone: canary.phone,
  firstName: canary.firstName,
  lastName: canary.lastName,
  email: canary.email,
  tags: [canary.tag],
  fields: { [canary.fieldKey]: canary.fieldValue, account: canary.fieldNumber },
  key: canary.fieldKey,
  tagIdOrName: canary.tag,
  name: `${canary.firstName} ${canary.lastName}`,
  limit: 50,
  offset: 0
}

const uniqueText = (key: string): string => `q${createHash("sha256").update(key).digest("hex").slice(0, 15)}`

const valueFor = (key: string, schema: ValueSchema): unknown => {
  if (Object.hasOwn(values, key)) return values[key]
  return acceptsText(schema) ? uniqueText(key) : throwMissing(key, "`values` in test/Canary.ts")
}

/** Returns an input of an operation that contains every value. */
export const inputOf = (operation: Operation): Input => mapFields(operation, valueFor)

/** An `upsert` input that contains every personal value. */
export const input = inputOf("upsert") as typeof UpsertInput.Encoded

/** Calls an operation on a contact, with an input that contains every value. */
export const call = (
  contacts: Contacts["Service"],
  operation: Operation,
  id: string
): Effect.Effect<unknown, unknown> => {
  const input = inputOf(operation)
  return callOperation(contacts, operation, "id" in input ? { ...input, id } : input)
}

// --- the search ----------------------------------------------------------------------------------------------------

/** Which values a text must not contain. Errors may contain field keys, because these show where the problem is. */
export type Rule = "telemetry" | "error" | "token"

type Kind = "token" | "personal" | "key"

const kinds: Readonly<Record<Rule, ReadonlySet<Kind>>> = {
  telemetry: new Set(["token", "personal", "key"]),
  error: new Set(["token", "personal"]),
  token: new Set(["token"])
}

interface Needle {
  readonly kind: Kind
  /** The name of the value, for the message. */
  readonly name: string
  readonly text: string
}

/** The part of a value's base64 text that does not depend on the bytes before and after the value. */
const base64Of = (value: string, offset: number): string => {
  const bytes = Buffer.from(" ".repeat(offset) + value)
  return bytes.toString("base64").slice(Math.ceil((offset * 4) / 3), Math.floor((bytes.length * 4) / 3))
}

const encodingsOf = (value: string): Readonly<Record<string, string>> => ({
  unencoded: value,
  "URL-encoded": encodeURIComponent(value),
  "form-encoded": new URLSearchParams({ v: value }).toString().slice(2),
  "JSON-escaped": JSON.stringify(value)
    .slice(1, -1)
    .replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  hexadecimal: Buffer.from(value).toString("hex"),
  ...Object.fromEntries([0, 1, 2].map((offset) => [`base64 (${offset})`, base64Of(value, offset)]))
})

// Messages of validators may quote only the beginning of a long value, so the search looks for a prefix.
const prefixLength = 8

const needlesOf = (kind: Kind, name: string, value: string): ReadonlyArray<Needle> =>
  Object.entries(encodingsOf(value)).map(([encoding, text]) => ({
    kind,
    name: `${name}, ${encoding}`,
    text: (text.length > prefixLength + 2 ? text.slice(0, prefixLength) : text).toLowerCase()
  }))

/** The prefix of the ids that a sandbox creates. They identify a contact as well. */
const sandboxIds = "5a4db0c5-0000-4000-8000-"

const allNeedles: ReadonlyArray<Needle> = [
  ...needlesOf("token", "the secret", canary.secret),
  ...needlesOf("token", "the token's organization", canary.tokenOrganization),
  ...needlesOf("personal", "the organization", canary.organization),
  ...[canary.id, sandboxIds].flatMap((id) => needlesOf("personal", "the contact's id", id)),
  ...[canary.phone, "+16467378899", "6467378899"].flatMap((phone) => needlesOf("personal", "the phone", phone)),
  ...needlesOf("personal", "the first name", canary.firstName),
  ...needlesOf("personal", "the last name", canary.lastName),
  ...needlesOf("personal", "the e-mail address", canary.email),
  ...needlesOf("personal", "the tag", canary.tag),
  ...needlesOf("personal", "the value of a field", canary.fieldValue),
  ...needlesOf("personal", "the number in a field", String(canary.fieldNumber)),
  ...needlesOf("key", "the key of a field", canary.fieldKey),
  ...operationNames
    .flatMap((operation) => Object.keys(fieldsOf(operation)))
    .filter((key) => !Object.hasOwn(values, key))
    .flatMap((key) => needlesOf("personal", `the value of ${key}`, uniqueText(key)))
]

// Most values are the same in most encodings, so duplicates are dropped.
const needles: ReadonlyArray<Needle> = [...new Map(allNeedles.map((needle) => [needle.text, needle])).values()]

/** A text that the SDK produced, and the rule for it. */
export interface Piece {
  readonly where: string
  readonly rule: Rule
  readonly text: string
}

const joinDigits = (text: string): string => text.replace(/(?<=\d)[\s().-]{1,3}(?=\d)/g, "")

/** Returns the leaked values in a text, each with the text around it. */
export const leaksIn = ({ rule, text, where }: Piece): ReadonlyArray<string> => {
  const plain = text.toLowerCase()
  const joined = joinDigits(plain)
  const both = plain === joined ? plain : `${plain}\n${joined}`
  return needles.flatMap(({ kind, name, text }) => {
    const at = kinds[rule].has(kind) ? both.indexOf(text) : -1
    return at === -1 ? [] : [`${where}: ${name}: …${both.slice(Math.max(0, at - 80), at + 80)}…`]
  })
}

/** Returns the first 20 leaks in many texts. Most texts are equal, so each distinct text is searched once. */
export const leaksInAll = (pieces: ReadonlyArray<Piece>): ReadonlyArray<string> => {
  const distinct = new Map(pieces.map((piece) => [`${piece.rule} ${piece.text}`, piece]))
  return [...distinct.values()].flatMap(leaksIn).slice(0, 20)
}

// --- every text form of an error --------------------------------------------------------------------------------------

/** The output of `inspect` for a value, including hidden properties. */
export const inspected = (value: unknown): ReadonlyArray<string> => [
  inspect(value, { depth: Infinity, showHidden: true, getters: true }),
  inspect(value, { depth: Infinity, showHidden: true, customInspect: false })
]

const json = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? ""
  } catch (error) {
    return String(error)
  }
}

/** The texts of an error after its schema encodes it, as for another process. */
const encodedTexts = (error: unknown): ReadonlyArray<string> => {
  const schema = (error as { readonly constructor: unknown }).constructor
  if (!Schema.isSchema(schema)) return []
  const codecOfError = schema as Schema.Codec<unknown, unknown>
  return [codecOfError, Schema.toCodecJson(codecOfError)].flatMap((codec) => {
    const exit = Schema.encodeUnknownExit(codec)(error)
    return inspected(exit).concat(json(exit))
  })
}

const valueTexts = (value: unknown): ReadonlyArray<string> => [String(value), json(value), ...inspected(value)]

/** Returns every text form of an error. */
export const errorTexts = (error: unknown): ReadonlyArray<string> => [
  ...valueTexts(error),
  ...(error instanceof Error ? [error.message, error.stack ?? ""] : []),
  ...(isAgentalkError(error) ? encodedTexts(error) : [])
]

const cachedTexts = new WeakMap<Cause.Cause<unknown>, ReadonlyArray<string>>()

/** Returns every text form of a cause. */
export const causeTexts = (cause: Cause.Cause<unknown>): ReadonlyArray<string> => {
  const known = cachedTexts.get(cause)
  if (known !== undefined) return known
  const texts = [
    Cause.pretty(cause),
    ...Cause.prettyErrors(cause).map((error) => inspect(error, { depth: Infinity, showHidden: true })),
    ...valueTexts(cause),
    ...valueTexts(Exit.failCause(cause))
  ]
  cachedTexts.set(cause, texts)
  return texts
}

export const pieces = (where: string, rule: Rule, texts: ReadonlyArray<string>): ReadonlyArray<Piece> =>
  texts.map((text) => ({ where, rule, text }))
