/**
 * The codec of typed custom fields. It prepares the schemas of a user once, and encodes and decodes each field on its
 * own.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import type { Issue } from "../../Issue.ts"
import { type Contact, type FieldsInput, UpsertInput } from "../../Contact.ts"
import { hasPlainFields, notData, notPlain } from "./requestValidation.ts"
import { isObject, setKey } from "./json.ts"

/** The schema of each field, by key. */
export interface Schemas {
  readonly [key: string]: Schema.ConstraintCodec<unknown, Schema.Json | undefined>
}

/** A contact with decoded fields. The types of the fields are unknown here; `CustomFields.Contact` adds them. */
export interface Decoded extends Omit<Contact, "fields"> {
  readonly fields: Readonly<Record<string, unknown>>
  readonly otherFields: Readonly<Record<string, Schema.Json>>
  readonly invalidFields: ReadonlyArray<{ readonly key: string; readonly value: Schema.Json; readonly message: string }>
}

/** An object with one field, or none. */
type FieldRecord = Readonly<Record<string, unknown>>

// --- messages -----------------------------------------------------------------------------------------------------

const expecting = (annotations: Schema.Annotations.Annotations | undefined): string => {
  const expected = annotations?.["expected"]
  return typeof expected === "string" ? `Expected ${expected}` : "Expected a valid value"
}

// Messages come only from annotations. A message that a user's schema makes while it runs may contain the value.
const format = SchemaIssue.makeFormatterStandardSchemaV1({
  checkHook: ({ filter }) => {
    const message = filter.annotations?.["message"]
    return typeof message === "string" ? message : expecting(filter.annotations)
  },
  leafHook: (issue) =>
    issue._tag === "InvalidValue" || issue._tag === "Forbidden"
      ? expecting(issue.annotations)
      : issue._tag === "UnexpectedKey"
        ? "Expected no unknown keys"
        : SchemaIssue.defaultLeafHook(issue)
})

const messageOf = (issue: SchemaIssue.Issue): string => format(issue).issues[0]?.message ?? expecting(undefined)

/** Runs a check. Refuses the input if the check throws, for example because of a getter of the input. */
const refuseIfThrown = <A>(check: () => Result.Result<A, ReadonlyArray<Issue>>) => {
  try {
    return check()
  } catch {
    return Result.fail([notData])
  }
}

/** Runs a parser and returns the message of a failure. A parser that throws or is asynchronous fails as well. */
const runParser = (parse: (record: unknown) => Result.Result<FieldRecord, SchemaIssue.Issue>, record: FieldRecord) => {
  try {
    return Result.mapError(parse(record), messageOf)
  } catch {
    return Result.fail("Expected a schema that is synchronous and does not throw")
  }
}

// --- one field ----------------------------------------------------------------------------------------------------

// Without a prototype, because otherwise a field with the key `constructor` would not be missing.
const emptyRecord: FieldRecord = Object.create(null)

/**
 * Makes the codec of one field. The field is wrapped in a struct of its own, because only a struct applies the rules
 * for a missing key: an optional key, or a default.
 */
const makeCodec = (key: string, schema: Schemas[string]) => {
  const struct = Schema.Struct({ [key]: schema })
  const decode = SchemaParser.decodeUnknownResult(struct)
  const encode = SchemaParser.encodeUnknownResult(struct, { onExcessProperty: "error" })
  const isOptional = Result.isSuccess(runParser(decode, emptyRecord))
  const decodeMissing = () => (isOptional ? runParser(decode, emptyRecord) : Result.succeed(emptyRecord))
  return {
    encode: (value: unknown) => runParser(encode, { [key]: value }),
    decode: (value: Schema.Json | undefined) => {
      if (value === undefined) return decodeMissing()
      const decoded = runParser(decode, { [key]: value })
      // To the API, `null` means that the value is missing. If the schema accepts `null`, it is a value.
      return value === null && Result.isFailure(decoded) ? decodeMissing() : decoded
    }
  }
}

// --- all fields ---------------------------------------------------------------------------------------------------

const valueAt = <A>(values: Readonly<Record<string, A>>, key: string): A | undefined =>
  Object.hasOwn(values, key) ? values[key] : undefined

const inputKeys = Object.keys(UpsertInput.fields)

/** Copies an input with other fields. Inherited keys, such as the getters of a class, are copied as well. */
const withFields = (input: Omit<UpsertInput, "fields">, fields: FieldsInput): UpsertInput => {
  const copy: Record<string, unknown> = { ...input }
  for (const key of inputKeys) if (key in input) copy[key] = Reflect.get(input, key)
  return Object.assign(copy, { phone: input.phone, fields })
}

/** Makes the codec of an organization's fields. */
export const make = (schemas: Schemas) => {
  const codecs = new Map(Object.entries(schemas).map(([key, schema]) => [key, makeCodec(key, schema)]))

  const encodeOne = (key: string, value: unknown): Result.Result<unknown, string> => {
    const codec = codecs.get(key)
    if (codec === undefined) return Result.fail("Unknown key")
    return value === undefined
      ? Result.succeed(undefined)
      : Result.map(codec.encode(value), (record) => valueAt(record, key))
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

  /** Encodes fields for a request. Fields that are `undefined` are omitted. */
  const encode = (fields: unknown) => refuseIfThrown(() => encodeAll(fields))

  /** Encodes the fields in the input of `upsert`. The call itself checks the rest of the input. */
  const encodeInput = (input: Omit<UpsertInput, "fields">) =>
    refuseIfThrown((): Result.Result<UpsertInput, ReadonlyArray<Issue>> => {
      const fields: unknown = isObject(input) ? Reflect.get(input, "fields") : undefined
      return fields === undefined
        ? Result.succeed(input)
        : Result.map(encodeAll(fields), (fields) => withFields(input, fields))
    })

  /** Decodes the fields of a contact. A value that does not match its schema goes to `invalidFields`. */
  const decode = ({ fields: all, ...contact }: Contact): Decoded => {
    // The fields may be missing, and a stub in plain JavaScript may return `null`.
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
