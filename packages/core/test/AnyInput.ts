/** Arbitraries for the input of every operation, including hostile text. */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { PathSegment, PhoneNumber, type SearchQuery, type UpsertInput } from "../src/Contact.ts"
import { type Attribute, attributeNames, attributes } from "../src/internal/attributes.ts"
import { isWellFormed } from "../src/internal/wire/text.ts"
import { anyJson } from "./AnyJson.ts"

/** Strings that match a pattern. */
export const matching = (pattern: RegExp) => Arbitrary.schema(Schema.String.check(Schema.isPattern(pattern)))

export const oneOf = <const L extends ReadonlyArray<string>>(...literals: L) =>
  Arbitrary.schema(Schema.Literals(literals))

const pieces = oneOf(
  "a",
  "Jane",
  "é",
  "e\u0301",
  "🎉",
  "\ud83d",
  "\udc00",
  "İ",
  "\u202e",
  "\u0000",
  "\r\n",
  "\t",
  " ",
  "+",
  "'",
  '"',
  "/",
  "\\",
  ".",
  "..",
  "%",
  "%2e",
  "%2F",
  "%00",
  "?",
  "#",
  ";",
  "&",
  "=",
  "__proto__",
  "constructor",
  "{id}",
  ":id"
)

/** Non-empty text made of characters that have a meaning in URLs, headers or JSON. */
export const hostileText = Arbitrary.map(
  Arbitrary.all([pieces, Arbitrary.array(pieces, { maxLength: 5 }), Arbitrary.schema(Schema.String)]),
  ([first, rest, tail]) => [first, ...rest, tail].join("")
)

const sendable = Arbitrary.filter(hostileText, isWellFormed)

/** Text that is valid as a path segment. */
export const pathSegment = Arbitrary.filter(hostileText, Schema.is(PathSegment))

export const contactId = matching(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)

export const email = matching(/^[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,8}@[a-z0-9]{1,8}\.[a-z]{2,4}$/)

/** Custom fields with any key and any JSON value. */
export const fields = Arbitrary.map(
  Arbitrary.array(Arbitrary.all([hostileText, anyJson]), { maxLength: 4 }),
  (entries) => Object.fromEntries(entries) as Schema.JsonObject
)

export const tags = Arbitrary.array(
  Arbitrary.filter(hostileText, (name) => name.trim() !== ""),
  { maxLength: 4 }
)

const isGiven = Arbitrary.schema(Schema.Boolean)

/** An object with some of the given properties. */
const some = <R extends Readonly<Record<string, Arbitrary.Arbitrary<unknown>>>>(parts: R) =>
  Arbitrary.map(
    Arbitrary.array(Arbitrary.all([oneOf(...Object.keys(parts)), Arbitrary.all(parts)]), { maxLength: 4 }),
    (chosen) =>
      Object.fromEntries(chosen.map(([key, all]): [string, unknown] => [key, Reflect.get(all, key)])) as {
        readonly [K in keyof R]?: R[K] extends Arbitrary.Arbitrary<infer A> ? A : never
      }
  )

/** The kinds of attributes: a value to recognize the kind by, and an arbitrary for its values. */
const attributeKinds: ReadonlyArray<readonly [value: unknown, arbitrary: Arbitrary.Arbitrary<unknown>]> = [
  ["Jane", hostileText],
  ["jane@example.com", email],
  ["+15551234567", Arbitrary.schema(PhoneNumber)],
  [["vip"], tags]
]

const anyAttribute = (name: Attribute): Arbitrary.Arbitrary<unknown> => {
  const isValue = Schema.is(Schema.Struct({ [name]: attributes[name].input }))
  const kind = attributeKinds.find(([value]) => isValue({ [name]: value }))
  if (kind === undefined) throw new Error(`attributeKinds has no kind for the attribute "${name}". Add one.`)
  return kind[1]
}

const anyAttributes = (names: ReadonlyArray<Attribute>) =>
  Object.fromEntries(names.map((name) => [name, anyAttribute(name)]))

const isOptional = (name: Attribute): boolean => SchemaAST.isOptional(attributes[name].input.ast)

export const upsertInput = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.all(anyAttributes(attributeNames.filter((name) => !isOptional(name)))),
    some({ ...anyAttributes(attributeNames.filter(isOptional)), fields })
  ]),
  ([required, optional]) => ({ ...required, ...optional }) as typeof UpsertInput.Type
)

const count = (minimum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum: 2 ** 53 - 1 })))

export const searchQuery = Arbitrary.map(
  Arbitrary.all([isGiven, sendable, some({ name: sendable, phone: sendable, limit: count(1), offset: count(0) })]),
  ([isName, text, rest]): SearchQuery => (isName ? { ...rest, name: text } : { ...rest, phone: text })
)
