/**
 * The response readers: how each kind of operation reads the JSON of a successful response. The operations table names
 * one for each operation. A JSON value of `undefined` means an empty body.
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

/** How an operation reads a successful response. `Input` is the part of its checked input that the reader needs. */
export interface Reader<Input, A> {
  /** Returns the result of the operation, or the issues of a body that breaks its promise. */
  read(json: unknown, status: number, input: Input): Result.Result<A, ReadonlyArray<Issue>>
  /** Applies a function to every contact in a result, as `CustomFields` does. */
  mapContacts(result: A, f: (contact: Contact) => unknown): unknown
}

const broken = (path: ReadonlyArray<string>, message: string) => Result.fail<ReadonlyArray<Issue>>([{ path, message }])

const notAnObject = () => broken([], "Expected an object")

// A value that JSON.parse returned needs no second walk to check that it is JSON.
const parsed = Schema.Unknown.pipe(Schema.refine((u): u is Schema.JsonObject => isObject(u)))

/** A contact whose parts were parsed from JSON. */
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
  // The slower full decoder explains the problem.
  return Result.mapError(decodeContact(contact), (issue) => fromSchema(issue, path))
}

/** The contact, whose id is required, and `isNew`. */
export const upsertResult: Reader<unknown, UpsertResult> = {
  read: (json, status) => {
    if (json !== undefined && !isObject(json)) return notAnObject()
    const found = json && findContact(json)
    if (found === undefined) return broken(["id"], "Required")
    return Result.map(toContact(found), (contact) => ({
      contact,
      isNew: findIsNew(json ?? {}) ?? status === 201
    }))
  },
  mapContacts: ({ contact, isNew }, f) => ({ contact: f(contact), isNew })
}

/** The contact if the response includes it. A write succeeds without it. */
export const optionalContact: Reader<{ readonly id: string }, Option.Option<Contact>> = {
  read: (json, _, { id }) => {
    if (json === undefined || json === null) return Result.succeed(Option.none())
    if (!isObject(json)) return notAnObject()
    const found = findContactById(json, id)
    return found === undefined ? Result.succeed(Option.none()) : Result.map(toContact(found), Option.some)
  },
  mapContacts: (result, f) => Option.map(result, f)
}

/** No result: any object, `null` or an empty body is a success. */
export const nothing: Reader<unknown, void> = {
  read: (json) => (json === undefined || json === null || isObject(json) ? Result.void : notAnObject()),
  mapContacts: (result) => result
}

/** One page of contacts. */
export const page: Reader<unknown, SearchPage> = {
  read: (json) => {
    if (!isObject(json)) return notAnObject()
    const found = findContacts(json)
    if (found === undefined) return broken(["contacts"], "Required")
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
