/** What a successful answer says, for each kind of operation. `undefined` stands for an empty answer. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { Issue } from "../AgentalkError.ts"
import { type Contact, ContactFromWire, type SearchPage, type UpsertResult } from "../Contact.ts"
import * as Issues from "./issues.ts"
import { findContact, findContactById, findContacts, findIsNew, findTotal, isObject } from "./wire.ts"

/** Reads an answer, or says what breaks the promise of its operation. */
export type Read<A> = (json: unknown, status: number) => Result.Result<A, ReadonlyArray<Issue>>

const broken = (path: ReadonlyArray<string>, message: string) => Result.fail<ReadonlyArray<Issue>>([{ path, message }])

const notAnObject = () => broken([], "Expected an object")

const decoder = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) => {
  const decode = SchemaParser.decodeUnknownResult(schema)
  return (input: unknown): Result.Result<S["Type"], ReadonlyArray<Issue>> => {
    try {
      return Result.mapError(decode(input), Issues.fromSchema)
    } catch {
      return broken([], "Expected data that is not nested too deep")
    }
  }
}

const decodeContact = decoder(ContactFromWire)
const decodeContacts = decoder(Schema.Struct({ contacts: Schema.Array(ContactFromWire) }))

export const upserted: Read<UpsertResult> = (json, status) => {
  if (json !== undefined && !isObject(json)) return notAnObject()
  const found = json && findContact(json)
  if (found === undefined) return broken(["id"], "Required")
  return Result.map(decodeContact(found), (contact) => ({
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
    return found === undefined ? Result.succeed(Option.none()) : Result.map(decodeContact(found), Option.some)
  }

export const nothing: Read<void> = (json) =>
  json === undefined || json === null || isObject(json) ? Result.void : notAnObject()

export const page: Read<SearchPage> = (json) => {
  if (!isObject(json)) return notAnObject()
  const contacts = findContacts(json)
  if (contacts === undefined) return broken(["contacts"], "Required")
  return Result.map(decodeContacts({ contacts }), (decoded) => ({
    contacts: decoded.contacts,
    total: Option.fromUndefinedOr(findTotal(json))
  }))
}
