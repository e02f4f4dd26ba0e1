/**
 * Values that stand nowhere else, so that whoever finds one of them knows where it came from, and a search for them in
 * every spelling in which a value can travel.
 */
import type { Contacts, Operation } from "@agentalk/core"
import { isAgentalkError } from "@agentalk/core"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"

/** What a call carries that is nobody else's business. */
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

/** What a contact of hers is created from. */
export const input = {
  phone: canary.phone,
  firstName: canary.firstName,
  lastName: canary.lastName,
  email: canary.email,
  tags: [canary.tag],
  fields: { [canary.fieldKey]: canary.fieldValue, account: canary.fieldNumber }
}

/** All seven operations, about one contact. */
export const calls: Readonly<
  Record<Operation, (contacts: Contacts["Service"], id: string) => Effect.Effect<unknown, unknown>>
> = {
  upsert: (contacts) => contacts.upsert(input),
  delete: (contacts, id) => contacts.delete(id),
  updateFields: (contacts, id) => contacts.updateFields(id, input.fields),
  clearField: (contacts, id) => contacts.clearField(id, canary.fieldKey),
  addTags: (contacts, id) => contacts.addTags(id, input.tags),
  removeTag: (contacts, id) => contacts.removeTag(id, canary.tag),
  search: (contacts) => contacts.search({ name: `${canary.firstName} ${canary.lastName}`, phone: canary.phone })
}

// --- the search ----------------------------------------------------------------------------------------------------

/** What may not stand in a text: field keys may be in errors, for these tell where something is wrong. */
export type Rule = "telemetry" | "error" | "token"

type Kind = "token" | "personal" | "key"

const kinds: Readonly<Record<Rule, ReadonlySet<Kind>>> = {
  telemetry: new Set(["token", "personal", "key"]),
  error: new Set(["token", "personal"]),
  token: new Set(["token"])
}

interface Needle {
  readonly kind: Kind
  /** What was found, for the message. */
  readonly name: string
  readonly text: string
}

/** The part of a base64 text that does not depend on what stands before and behind. */
const base64Of = (value: string, offset: number): string => {
  const bytes = Buffer.from(" ".repeat(offset) + value)
  return bytes.toString("base64").slice(Math.ceil((offset * 4) / 3), Math.floor((bytes.length * 4) / 3))
}

const spellingsOf = (value: string): Readonly<Record<string, string>> => ({
  "as it is": value,
  "URL-encoded": encodeURIComponent(value),
  "form-encoded": new URLSearchParams({ v: value }).toString().slice(2),
  "JSON-escaped": JSON.stringify(value)
    .slice(1, -1)
    .replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  hexadecimal: Buffer.from(value).toString("hex"),
  ...Object.fromEntries([0, 1, 2].map((offset) => [`base64 (${offset})`, base64Of(value, offset)]))
})

// Validators quote the beginning of a long value.
const quoted = 8

const needlesOf = (kind: Kind, name: string, value: string): ReadonlyArray<Needle> =>
  Object.entries(spellingsOf(value)).map(([spelling, text]) => ({
    kind,
    name: `${name}, ${spelling}`,
    text: (text.length > quoted + 2 ? text.slice(0, quoted) : text).toLowerCase()
  }))

/** The ids that a sandbox gives: they name a contact as well. */
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
  ...needlesOf("key", "the key of a field", canary.fieldKey)
]

// Most values look alike in most spellings.
const needles: ReadonlyArray<Needle> = [...new Map(allNeedles.map((needle) => [needle.text, needle])).values()]

/** A text that came out of the SDK, and what may not stand in it. */
export interface Piece {
  readonly where: string
  readonly rule: Rule
  readonly text: string
}

const joinDigits = (text: string): string => text.replace(/(?<=\d)[\s().-]{1,3}(?=\d)/g, "")

/** What a text gives away, each with the words around it. */
export const leaksIn = ({ rule, text, where }: Piece): ReadonlyArray<string> => {
  const plain = text.toLowerCase()
  const joined = joinDigits(plain)
  const both = plain === joined ? plain : `${plain}\n${joined}`
  return needles.flatMap(({ kind, name, text }) => {
    const at = kinds[rule].has(kind) ? both.indexOf(text) : -1
    return at === -1 ? [] : [`${where}: ${name}: …${both.slice(Math.max(0, at - 80), at + 80)}…`]
  })
}

/** What texts give away. Most of them are the same, so each is searched once. */
export const leaksInAll = (pieces: ReadonlyArray<Piece>): ReadonlyArray<string> => {
  const distinct = new Map(pieces.map((piece) => [`${piece.rule} ${piece.text}`, piece]))
  return [...distinct.values()].flatMap(leaksIn).slice(0, 20)
}

// --- every way in which an error is shown -----------------------------------------------------------------------------

/** A value as it is printed, with all that is hidden in it. */
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

/** As a schema would send an error to another process. */
const encoded = (error: unknown): ReadonlyArray<string> => {
  const schema = (error as { readonly constructor: unknown }).constructor
  if (!Schema.isSchema(schema)) return []
  const bottom = schema as Schema.Codec<unknown, unknown>
  return [bottom, Schema.toCodecJson(bottom)].flatMap((codec) => {
    const exit = Schema.encodeUnknownExit(codec)(error)
    return inspected(exit).concat(json(exit))
  })
}

const shownValue = (value: unknown): ReadonlyArray<string> => [String(value), json(value), ...inspected(value)]

/** All texts that an error becomes. */
export const shown = (error: unknown): ReadonlyArray<string> => [
  ...shownValue(error),
  ...(error instanceof Error ? [error.message, error.stack ?? ""] : []),
  ...(isAgentalkError(error) ? encoded(error) : [])
]

const shownCauses = new WeakMap<Cause.Cause<unknown>, ReadonlyArray<string>>()

/** All texts that a cause becomes. */
export const shownCause = (cause: Cause.Cause<unknown>): ReadonlyArray<string> => {
  const known = shownCauses.get(cause)
  if (known !== undefined) return known
  const texts = [
    Cause.pretty(cause),
    ...Cause.prettyErrors(cause).map((error) => inspect(error, { depth: Infinity, showHidden: true })),
    ...shownValue(cause),
    ...shownValue(Exit.failCause(cause))
  ]
  shownCauses.set(cause, texts)
  return texts
}

export const pieces = (where: string, rule: Rule, texts: ReadonlyArray<string>): ReadonlyArray<Piece> =>
  texts.map((text) => ({ where, rule, text }))
