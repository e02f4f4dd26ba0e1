/** Request validation: checks the input of an operation before anything is sent. */
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { Issue } from "../../Issue.ts"
import { isObject, type JsonObjectLike, setKey } from "./json.ts"
import { fromSchema } from "./schemaIssues.ts"

/** Checks an input. Returns the decoded input, or its issues. */
export type Check<A> = (input: unknown) => Result.Result<A, ReadonlyArray<Issue>>

/** The issue of an input that cannot be read or has no JSON form. */
export const notData: Issue = { path: [], message: "Expected data that has a JSON form" }

/** The issue of `fields` that is not a plain object. */
export const notPlain: Issue = { path: ["fields"], message: "Expected a plain object of fields by key" }

/** Whether a value is a plain object, also one from another realm. */
const isPlain = (value: unknown): value is JsonObjectLike => {
  if (!isObject(value)) return false
  const proto: unknown = Object.getPrototypeOf(value)
  return proto === null || Object.getPrototypeOf(proto) === null
}

/**
 * Returns `false` if `fields` is an object but not a plain one. A Map or a Date has no keys, so it would be sent as
 * `{}`. The schema refuses values that are not objects.
 */
export const hasPlainFields = (input: unknown): boolean => {
  const fields = isObject(input) ? input["fields"] : undefined
  return !isObject(fields) || isPlain(fields)
}

/** Whether an object is plain and has only these keys. */
const hasOnly = (input: JsonObjectLike, keys: ReadonlySet<string>): boolean =>
  Object.getPrototypeOf(input) === Object.prototype && Object.keys(input).every((key) => keys.has(key))

// Without a limit, copying a value that contains itself would never end.
const maxDepth = 100

const copyOfJson = (value: unknown, depth = 0): unknown => {
  if (depth > maxDepth) return value
  if (Array.isArray(value)) return Array.from(value, (each) => copyOfJson(each, depth + 1))
  if (!isPlain(value)) return value
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) setKey(copy, key, copyOfJson(value[key], depth + 1))
  return copy
}

/** Copies an input, because a getter of the input could return one value for the check and another for the request. */
const copyOf = (input: JsonObjectLike): JsonObjectLike => {
  const copy: Record<string, unknown> = { ...input }
  const { fields, tags } = copy
  if (Array.isArray(tags)) copy["tags"] = Array.from<unknown>(tags)
  if (isObject(fields)) copy["fields"] = copyOfJson({ ...fields })
  return copy
}

/** Makes a check from a schema. It refuses unknown keys, because dropping them would lose data silently. */
export const makeCheck = <S extends Schema.ConstraintDecoder<unknown> & { readonly fields: Schema.Struct.Fields }>(
  schema: S
): Check<S["Type"]> => {
  const decode = SchemaParser.decodeUnknownResult(schema, { errors: "all", onExcessProperty: "error" })
  const isDecoded = SchemaParser.is(schema)
  const keys = new Set(Object.keys(schema.fields))
  return (input) => {
    try {
      // For a byte array, the schema would report an issue for each byte.
      if (ArrayBuffer.isView(input)) return Result.fail([notData])
      if (!hasPlainFields(input)) return Result.fail([notPlain])
      const copy = isObject(input) && hasOnly(input, keys) ? copyOf(input) : undefined
      // Most inputs need no decoding, and this test takes a third of the time that decoding takes.
      if (isDecoded(copy)) return Result.succeed(copy)
      return Result.mapError(decode(copy ?? input), fromSchema)
    } catch {
      // A getter threw, or a value contains itself.
      return Result.fail([notData])
    }
  }
}
