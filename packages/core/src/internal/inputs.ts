/** The input of every operation, checked before anything is sent. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { Issue } from "../AgentalkError.ts"
import { ContactIdInput, FieldsInput, PathSegment, SearchQuery, TagsInput, UpsertInput } from "../Contact.ts"
import * as Issues from "./issues.ts"
import { isObject, set } from "./wire.ts"

/** A check of an input: what to send, or what is wrong with it. */
export type Check<A> = (input: unknown) => Result.Result<A, ReadonlyArray<Issue>>

export const notData: Issue = { path: [], message: "Expected data that has a JSON form" }

export const notPlain: Issue = { path: ["fields"], message: "Expected a plain object of fields by key" }

/** Whether a value is an object without a class, of whatever realm. */
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (!isObject(value)) return false
  const proto: unknown = Object.getPrototypeOf(value)
  return proto === null || Object.getPrototypeOf(proto) === null
}

/** Whether fields, if there are any, are a plain object: a Map or a Date has no keys, and would be sent as nothing. */
export const hasPlainFields = (input: unknown): boolean => {
  const fields = isObject(input) ? input["fields"] : undefined
  return !isObject(fields) || isPlain(fields)
}

/** Whether an object is a plain one, that has no other keys than these. */
const hasOnly = (input: Readonly<Record<string, unknown>>, keys: ReadonlySet<string>): boolean =>
  Object.getPrototypeOf(input) === Object.prototype && Object.keys(input).every((key) => keys.has(key))

// What contains itself has no end.
const maxDepth = 100

const copyOfJson = (value: unknown, depth = 0): unknown => {
  if (depth > maxDepth) return value
  if (Array.isArray(value)) return Array.from(value, (each) => copyOfJson(each, depth + 1))
  if (!isPlain(value)) return value
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) set(copy, key, copyOfJson(value[key], depth + 1))
  return copy
}

/** A copy, so that what is checked is what is sent, whatever getters and `toJSON` the input has. */
const copyOf = (input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const copy: Record<string, unknown> = { ...input }
  const { fields, tags } = copy
  if (Array.isArray(tags)) copy["tags"] = Array.from<unknown>(tags)
  if (isObject(fields)) copy["fields"] = copyOfJson({ ...fields })
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
      // Its bytes would be refused one by one.
      if (ArrayBuffer.isView(input)) return Result.fail([notData])
      if (!hasPlainFields(input)) return Result.fail([notPlain])
      const copy = isObject(input) && hasOnly(input, keys) ? copyOf(input) : undefined
      if (isDecoded(copy)) return Result.succeed(copy)
      return Result.mapError(decode(copy ?? input), Issues.fromSchema)
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
