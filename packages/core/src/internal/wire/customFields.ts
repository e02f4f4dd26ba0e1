/** Custom fields by the schemas of a user, which are compiled once: each field is encoded and decoded for itself. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import type { Issue } from "../../Issue.ts"
import { type Contact, type FieldsInput, UpsertInput } from "../../Contact.ts"
import { hasPlainFields, notData, notPlain } from "./requestValidation.ts"
import { isObject, setKey } from "./json.ts"

/** How fields are described: a schema for each, by key. */
export interface Schemas {
  readonly [key: string]: Schema.ConstraintCodec<unknown, Schema.Json | undefined>
}

/** A contact by its schemas, before the compiler knows which. */
export interface Decoded extends Omit<Contact, "fields"> {
  readonly fields: Readonly<Record<string, unknown>>
  readonly otherFields: Readonly<Record<string, Schema.Json>>
  readonly invalidFields: ReadonlyArray<{ readonly key: string; readonly value: Schema.Json; readonly message: string }>
}

type Row = Readonly<Record<string, unknown>>

// --- what is wrong ------------------------------------------------------------------------------------------------

const expecting = (annotations: Schema.Annotations.Annotations | undefined): string => {
  const expected = annotations?.["expected"]
  return typeof expected === "string" ? `Expected ${expected}` : "Expected a valid value"
}

// A schema that is not ours may put the value into what it says when it runs; what it was declared with holds none.
const format = SchemaIssue.makeFormatterStandardSchemaV1({
  checkHook: ({ filter }) => {
    const message = filter.annotations?.["message"]
    return typeof message === "string" ? message : expecting(filter.annotations)
  },
  leafHook: (issue) =>
    issue._tag === "InvalidValue" || issue._tag === "Forbidden"
      ? expecting(issue.annotations)
      : issue._tag === "UnexpectedKey"
        ? "Expected no key that the schema does not know"
        : SchemaIssue.defaultLeafHook(issue)
})

const messageOf = (issue: SchemaIssue.Issue): string => format(issue).issues[0]?.message ?? expecting(undefined)

/** Checks an input that may have getters, and these may throw. */
const readable = <A>(check: () => Result.Result<A, ReadonlyArray<Issue>>) => {
  try {
    return check()
  } catch {
    return Result.fail([notData])
  }
}

/** Runs a parser; what it throws, or does later, becomes a failure as well. */
const attempt = (parse: (row: unknown) => Result.Result<Row, SchemaIssue.Issue>, row: Row) => {
  try {
    return Result.mapError(parse(row), messageOf)
  } catch {
    return Result.fail("Expected a schema that is synchronous and does not throw")
  }
}

// --- one field ----------------------------------------------------------------------------------------------------

// Without a prototype, or a field called `constructor` would be found in it.
const nothing: Row = Object.create(null)

/** A field as a row of its own: how its key behaves (optional, with a default) is known to a struct only. */
const makeCodec = (key: string, schema: Schemas[string]) => {
  const struct = Schema.Struct({ [key]: schema })
  const parse = SchemaParser.decodeUnknownResult(struct)
  const unparse = SchemaParser.encodeUnknownResult(struct, { onExcessProperty: "error" })
  const mayBeAbsent = Result.isSuccess(attempt(parse, nothing))
  const absent = () => (mayBeAbsent ? attempt(parse, nothing) : Result.succeed(nothing))
  return {
    encode: (value: unknown) => attempt(unparse, { [key]: value }),
    decode: (value: Schema.Json | undefined) => {
      if (value === undefined) return absent()
      const decoded = attempt(parse, { [key]: value })
      // To the API, null is absence; it is a value where the schema says so.
      return value === null && Result.isFailure(decoded) ? absent() : decoded
    }
  }
}

// --- all fields ---------------------------------------------------------------------------------------------------

const valueAt = <A>(values: Readonly<Record<string, A>>, key: string): A | undefined =>
  Object.hasOwn(values, key) ? values[key] : undefined

const inputKeys = Object.keys(UpsertInput.fields)

/** An input with other fields. What it inherits, such as the getters of a class, is read as well. */
const withFields = (input: Omit<UpsertInput, "fields">, fields: FieldsInput): UpsertInput => {
  const copy: Record<string, unknown> = { ...input }
  for (const key of inputKeys) if (key in input) copy[key] = Reflect.get(input, key)
  return Object.assign(copy, { phone: input.phone, fields })
}

export const make = (schemas: Schemas) => {
  const codecs = new Map(Object.entries(schemas).map(([key, schema]) => [key, makeCodec(key, schema)]))

  const encodeOne = (key: string, value: unknown): Result.Result<unknown, string> => {
    const codec = codecs.get(key)
    if (codec === undefined) return Result.fail("Unknown key")
    return value === undefined ? Result.succeed(undefined) : Result.map(codec.encode(value), (row) => valueAt(row, key))
  }

  const encodeAll = (fields: unknown): Result.Result<FieldsInput, ReadonlyArray<Issue>> => {
    if (!isObject(fields) || !hasPlainFields({ fields })) return Result.fail([notPlain])
    const wire: Record<string, Schema.Json> = {}
    const issues: Array<Issue> = []
    for (const key of Object.keys(fields)) {
      const encoded = encodeOne(key, fields[key])
      if (Result.isFailure(encoded)) issues.push({ path: ["fields", key], message: encoded.failure })
      else if (encoded.success !== undefined) setKey(wire, key, encoded.success)
    }
    return issues.length === 0 ? Result.succeed(wire) : Result.fail(issues)
  }

  /** What to send for these fields, without those that are undefined. */
  const encode = (fields: unknown) => readable(() => encodeAll(fields))

  /** What to send for the input of `upsert`. What is wrong with the rest of it is refused beneath. */
  const encodeInput = (input: Omit<UpsertInput, "fields">) =>
    readable((): Result.Result<UpsertInput, ReadonlyArray<Issue>> => {
      const fields: unknown = isObject(input) ? Reflect.get(input, "fields") : undefined
      return fields === undefined
        ? Result.succeed(input)
        : Result.map(encodeAll(fields), (fields) => withFields(input, fields))
    })

  /** A contact with its fields by their schemas; what breaks its schema stands aside. */
  const decode = ({ fields: all, ...contact }: Contact): Decoded => {
    // A stub in plain JavaScript may give null.
    const stored = all ?? {}
    const fields: Record<string, unknown> = {}
    const otherFields: Record<string, Schema.Json> = {}
    const invalidFields: Array<Decoded["invalidFields"][number]> = []
    for (const [key, codec] of codecs) {
      const value = valueAt(stored, key)
      const decoded = codec.decode(value)
      if (Result.isFailure(decoded)) invalidFields.push({ key, value: value ?? null, message: decoded.failure })
      else if (Object.hasOwn(decoded.success, key)) setKey(fields, key, decoded.success[key])
    }
    for (const [key, value] of Object.entries(stored)) if (!codecs.has(key)) setKey(otherFields, key, value)
    return { ...contact, fields, otherFields, invalidFields }
  }

  return { decode, encode, encodeInput }
}
