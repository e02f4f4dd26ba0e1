/**
 * The response readers, which read the JSON of successful responses. The operations table names the reader of each
 * operation. A JSON value of `undefined` means an empty body.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import { Contact, type SearchPage, type UpsertResult } from "../../Contact.ts"
import type { Issue } from "../../Issue.ts"
import { contactFromWire, findContact, findContactById, findContacts, findIsNew, findTotal } from "./contact.ts"
import { isObject } from "./json.ts"
import { fromSchema } from "./schemaIssues.ts"

/** Reads the result of an operation. `Input` is the part of the operation's checked input that the reader needs. */
export interface Reader<Input, A> {
  /** Returns the result of the operation, or issues if the body does not have the expected shape. */
  read(this: void, json: unknown, status: number, input: Input): Result.Result<A, ReadonlyArray<Issue>>
  /** Applies a function to every contact in a result. `CustomFields` uses it. */
  mapContacts(this: void, result: A, f: (contact: Contact) => unknown): unknown
}

const issueAt = (path: ReadonlyArray<string>, message: string) => Result.fail<ReadonlyArray<Issue>>([{ path, message }])

const notAnObject = () => issueAt([], "Expected an object")

// The parts of a contact come from `JSON.parse`, so they need no check that they are JSON.
const parsed = Schema.Unknown.pipe(Schema.refine((u): u is Schema.JsonObject => isObject(u)))

/** The schema of a contact whose parts come from `JSON.parse`. */
export const ParsedContact = Schema.Struct({ ...Contact.fields, fields: Schema.optionalKey(parsed), extra: parsed })

const isParsedContact = SchemaParser.is(ParsedContact)
const decodeContact = SchemaParser.decodeUnknownResult(Contact)

/** Decodes a contact; `path` is its place in the response. */
const toContact = (
  wire: unknown,
  path: ReadonlyArray<string | number> = []
): Result.Result<Contact, ReadonlyArray<Issue>> => {
  const contact: unknown = contactFromWire(wire)
  if (isParsedContact(contact)) return Result.succeed(contact)
  // The full decoder is slower, but it reports the problems.
  return Result.mapError(decodeContact(contact), (issue) => fromSchema(issue, path))
}

/**
 * Decodes a contact that the response must include. A reader of a response that may include another object instead uses
 * `findContactById`.
 */
const requiredContact = (json: unknown): Result.Result<Contact, ReadonlyArray<Issue>> => {
  if (json !== undefined && !isObject(json)) return notAnObject()
  const found = json && findContact(json)
  return found === undefined ? issueAt(["id"], "Required") : toContact(found)
}

/** Reads a contact, whose id is required, and `isNew`. */
export const upsertResult: Reader<unknown, UpsertResult> = {
  read: (json, status) =>
    Result.map(requiredContact(json), (contact) => ({
      contact,
      isNew: (isObject(json) ? findIsNew(json) : undefined) ?? status === 201
    })),
  mapContacts: ({ contact, isNew }, f) => ({ contact: f(contact), isNew })
}

/** Reads the contact if the response includes it. A response without it is a success as well. */
export const optionalContact: Reader<{ readonly id: string }, Option.Option<Contact>> = {
  read: (json, _, { id }) => {
    if (json === undefined || json === null) return Result.succeed(Option.none())
    if (!isObject(json)) return notAnObject()
    const found = findContactById(json, id)
    return found === undefined ? Result.succeed(Option.none()) : Result.map(toContact(found), Option.some)
  },
  mapContacts: (result, f) => Option.map(result, f)
}

/** Reads no result. Any object, `null` or an empty body is a success. */
export const nothing: Reader<unknown, void> = {
  read: (json) => (json === undefined || json === null || isObject(json) ? Result.void : notAnObject()),
  mapContacts: (result) => result
}

/** Reads one page of contacts. */
export const page: Reader<unknown, SearchPage> = {
  read: (json) => {
    if (!isObject(json)) return notAnObject()
    const found = findContacts(json)
    if (found === undefined) return issueAt(["contacts"], "Required")
    const contacts: Array<Contact> = []
    for (const [index, wire] of found.entries()) {
      const contact = toContact(wire, ["contacts", index])
      if (Result.isFailure(contact)) return Result.fail(contact.failure)
      contacts.push(contact.success)
    }
    return Result.succeed({ contacts, total: Option.fromUndefinedOr(findTotal(json)) })
  },
  mapContacts: ({ contacts, total }, f) => ({ contacts: contacts.map(f), total })
}
