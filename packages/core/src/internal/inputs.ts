/** The input of every operation, checked before anything is sent. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { Issue } from "../AgentalkError.ts"
import { ContactIdInput, FieldsInput, PathSegment, SearchQuery, TagsInput, UpsertInput } from "../Contact.ts"
import * as Issues from "./issues.ts"
import { isObject } from "./wire.ts"

/** A check of an input: what to send, or what is wrong with it. */
export type Check<A> = (input: unknown) => Result.Result<A, ReadonlyArray<Issue>>

export const notData: Issue = { path: [], message: "Expected data that has a JSON form" }

export const notPlain: Issue = { path: ["fields"], message: "Expected a plain object of fields by key" }

/** Whether fields, if there are any, are a plain object: a Map or a Date has no keys, and would be sent as nothing. */
export const hasPlainFields = (input: unknown): boolean => {
  const fields = isObject(input) ? input["fields"] : undefined
  if (!isObject(fields)) return true
  const proto: unknown = Object.getPrototypeOf(fields)
  return proto === null || Object.getPrototypeOf(proto) === null
}

/** Whether an object is a plain one, that has no other keys than these. */
const hasOnly = (input: Readonly<Record<string, unknown>>, keys: ReadonlySet<string>): boolean =>
  Object.getPrototypeOf(input) === Object.prototype && Object.keys(input).every((key) => keys.has(key))

/** A copy, so that what is checked is what is sent, whatever getters and `toJSON` the input has. */
const copyOf = (input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const copy: Record<string, unknown> = { ...input }
  const { fields, tags } = copy
  if (Array.isArray(tags)) copy["tags"] = Array.from<unknown>(tags)
  if (isObject(fields)) copy["fields"] = { ...fields }
  return copy
}

/** A check by a schema. Keys that it does not know are refused: what is dropped in silence is lost. */
const check = <S extends Schema.ConstraintDecoder<unknown> & { readonly fields: Schema.Struct.Fields }>(
  schema: S
): Check<S["Type"]> => {
  const decode = SchemaParser.decodeUnknownResult(schema, { errors: "all", onExcessProperty: "error" })
  const isDecoded = SchemaParser.is(schema)
  const keys = new Set(Object.keys(schema.fields))
  return (input) => {
    try {
      // Most inputs are as they are sent, which is told at a third of the cost of decoding them.
      const copy = isObject(input) && hasOnly(input, keys) && hasPlainFields(input) ? copyOf(input) : undefined
      if (isDecoded(copy)) return Result.succeed(copy)
      const decoded = decode(input)
      if (Result.isFailure(decoded)) return Result.fail(Issues.fromSchema(decoded.failure))
      return hasPlainFields(input) ? Result.succeed(decoded.success) : Result.fail([notPlain])
    } catch {
      // A getter that throws, or a value that contains itself.
      return Result.fail([notData])
    }
  }
}

const id = ContactIdInput

/** The schema of each input. */
export const schemas = {
  upsert: UpsertInput,
  search: SearchQuery,
  contact: Schema.Struct({ id }),
  contactFields: Schema.Struct({ id, fields: FieldsInput }),
  contactField: Schema.Struct({ id, key: PathSegment }),
  contactTags: Schema.Struct({ id, tags: TagsInput }),
  contactTag: Schema.Struct({ id, tagIdOrName: PathSegment })
}

export const upsert = check(schemas.upsert)
export const search = check(schemas.search)
export const contact = check(schemas.contact)
export const contactFields = check(schemas.contactFields)
export const contactField = check(schemas.contactField)
export const contactTags = check(schemas.contactTags)
export const contactTag = check(schemas.contactTag)
