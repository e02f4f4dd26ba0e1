/** What a successful answer says, for each kind of operation. `undefined` stands for an empty answer. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { Issue } from "../AgentalkError.ts"
import { Contact, type SearchPage, type UpsertResult } from "../Contact.ts"
import * as Issues from "./issues.ts"
import { contactFromWire, findContact, findContactById, findContacts, findIsNew, findTotal, isObject } from "./wire.ts"

/** Reads an answer, or says what breaks the promise of its operation. */
export type Read<A> = (json: unknown, status: number) => Result.Result<A, ReadonlyArray<Issue>>

const broken = (path: ReadonlyArray<string>, message: string) => Result.fail<ReadonlyArray<Issue>>([{ path, message }])

const notAnObject = () => broken([], "Expected an object")

// What was parsed from JSON is not walked again to see that it is JSON.
const parsed = Schema.Unknown.pipe(Schema.refine((u): u is Schema.JsonObject => isObject(u)))

/** A contact whose parts were parsed from JSON. */
export const Received = Schema.Struct({ ...Contact.fields, fields: Schema.optionalKey(parsed), extra: parsed })

const isReceived = SchemaParser.is(Received)
const decodeContact = SchemaParser.decodeUnknownResult(Contact)

/** Reads a contact; `path` is where it stands. */
const toContact = (
  wire: unknown,
  path: ReadonlyArray<string | number> = []
): Result.Result<Contact, ReadonlyArray<Issue>> => {
  const contact: unknown = contactFromWire(wire)
  if (isReceived(contact)) return Result.succeed(contact)
  // The schema says what is wrong with it.
  return Result.mapError(decodeContact(contact), (issue) => Issues.fromSchema(issue, path))
}

export const upserted: Read<UpsertResult> = (json, status) => {
  if (json !== undefined && !isObject(json)) return notAnObject()
  const found = json && findContact(json)
  if (found === undefined) return broken(["id"], "Required")
  return Result.map(toContact(found), (contact) => ({
    contact,
    isNew: findIsNew(json ?? {}) ?? status === 201
  }))
}

/** The contact where the answer carries it. */
export const contact =
  (id: string): Read<Option.Option<Contact>> =>
  (json) => {
    if (json === undefined || json === null) return Result.succeed(Option.none())
    if (!isObject(json)) return notAnObject()
    const found = findContactById(json, id)
    return found === undefined ? Result.succeed(Option.none()) : Result.map(toContact(found), Option.some)
  }

export const nothing: Read<void> = (json) =>
  json === undefined || json === null || isObject(json) ? Result.void : notAnObject()

export const page: Read<SearchPage> = (json) => {
  if (!isObject(json)) return notAnObject()
  const contacts = findContacts(json)
  if (contacts === undefined) return broken(["contacts"], "Required")
  const page: Array<Contact> = []
  for (const [index, wire] of contacts.entries()) {
    const contact = toContact(wire, ["contacts", index])
    if (Result.isFailure(contact)) return Result.fail(contact.failure)
    page.push(contact.success)
  }
  return Result.succeed({ contacts: page, total: Option.fromUndefinedOr(findTotal(json)) })
}
