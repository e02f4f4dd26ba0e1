/** The table of the built-in attributes of a contact. Everything about an attribute derives from its entry. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

// Separators that people type, and invisible characters that a pasted number may contain.
const separators = /[\s().\-/\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

/**
 * A phone number as `upsert` sends it: 7 to 15 digits (ITU-T E.164), with a leading `+` kept as given. Decoding strips
 * separators, so `"+1 (555) 123-4567"` becomes `"+15551234567"`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PhoneNumber = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(
      Schema.isPattern(/^\+?[0-9]{7,15}$/, {
        message: "Expected a phone number: 7 to 15 digits with its country code, such as +15551234567"
      })
    ).pipe(Schema.brand("PhoneNumber")),
    SchemaTransformation.transform({ decode: (text) => text.replace(separators, ""), encode: (phone) => phone })
  )
)

/**
 * @category schemas
 * @since 0.1.0
 */
export type PhoneNumber = typeof PhoneNumber.Type

/**
 * An e-mail address as `upsert` sends it: a mailbox of RFC 5321 without quotes, at a domain with a dot. The contract
 * declares it as `format: email`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const EmailAddress = Schema.String.check(
  Schema.isPattern(
    /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i,
    { message: "Expected an e-mail address, such as jane@example.com" }
  )
)

/**
 * A tag of a contact: its name, and its id if the API returned one.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Tag = Schema.Struct({ name: Schema.String, id: Schema.optionalKey(Schema.String) })

/**
 * @category schemas
 * @since 0.1.0
 */
export interface Tag extends Schema.Schema.Type<typeof Tag> {}

/** The name of a tag in an input. */
export const tagName = Schema.String.check(
  Schema.makeFilter<string>((name) => name.trim() !== "", { message: "Expected a tag name that is not blank" })
)

/** An optional key of an input. `undefined` means the same as omitting the key, because JSON has no `undefined`. */
export const omittable = <S extends Schema.Constraint>(schema: S) =>
  Schema.optional(schema).pipe(
    Schema.decodeTo(
      Schema.optionalKey(Schema.toType(schema)),
      SchemaTransformation.transformOptional({
        decode: Option.filter(Predicate.isNotUndefined),
        encode: (value) => value
      })
    )
  )

/** A string with a `format` for the published contract. It is not checked, because the input schemas check inputs. */
export const formatted = (format: string) =>
  Schema.String.check(Schema.makeFilter<string>(() => true, { toJsonSchema: () => ({ format }) }))

/**
 * The built-in attributes of a contact. Each is declared here and nowhere else: the schemas below, the published
 * contract, decoding, the sandbox, contact files and the command derive from this table.
 *
 * - `input`: the rule for what `upsert` sends.
 * - `contract`: the type that the published contract declares in a request.
 * - `received`: the type in a response.
 * - `spellings`: the keys that a response may use; the first one is the key in a request.
 * - `isClearable`: whether `clearField` can clear it.
 * - `isName`: whether it is a part of the name, both for `search({ name })` and in the tables of the command.
 * - `column`: the heading in a CSV file. Reading ignores case, spaces, hyphens and underscores, and accepts
 *   `spellings`.
 * - `title`: the name that the command shows.
 * - `flag`: the flag of `agentalk contacts upsert`.
 *
 * Values of every attribute are redacted from error messages, so the table has no column for that.
 */
export const attributes = {
  /** With the country code; separators are stripped. `upsert` finds an existing contact by its phone. */
  phone: {
    input: PhoneNumber,
    contract: Schema.String,
    received: Schema.optionalKey(Schema.String),
    spellings: ["phone"],
    isClearable: false,
    isName: false,
    column: "phone",
    title: "phone",
    flag: { name: "phone", metavar: "PHONE", description: "The phone number, with its country code" }
  },
  firstName: {
    input: omittable(Schema.String),
    contract: Schema.optionalKey(Schema.String),
    received: Schema.optionalKey(Schema.String),
    spellings: ["firstName", "first_name"],
    isClearable: true,
    isName: true,
    column: "first_name",
    title: "name",
    flag: { name: "first-name", metavar: "NAME", description: "The first name" }
  },
  lastName: {
    input: omittable(Schema.String),
    contract: Schema.optionalKey(Schema.String),
    received: Schema.optionalKey(Schema.String),
    spellings: ["lastName", "last_name"],
    isClearable: true,
    isName: true,
    column: "last_name",
    title: "name",
    flag: { name: "last-name", metavar: "NAME", description: "The last name" }
  },
  email: {
    input: omittable(EmailAddress),
    contract: Schema.optionalKey(formatted("email")),
    received: Schema.optionalKey(Schema.String),
    spellings: ["email"],
    isClearable: true,
    isName: false,
    column: "email",
    title: "e-mail",
    flag: { name: "email", metavar: "E-MAIL", description: "The e-mail address" }
  },
  /** The names of tags to add. */
  tags: {
    input: omittable(Schema.Array(tagName)),
    contract: Schema.optionalKey(Schema.Array(Schema.String)),
    received: Schema.optionalKey(Schema.Array(Tag)),
    spellings: ["tags"],
    isClearable: false,
    isName: false,
    column: "tags",
    title: "tags",
    flag: { name: "tag", metavar: "TAG", description: "A tag to add; may be repeated" }
  }
} as const

type Attributes = typeof attributes

/** The name of a built-in attribute of a contact. */
export type Attribute = keyof Attributes

/**
 * A built-in attribute that can be cleared. The phone number cannot, because every contact has one. Tags are removed
 * with `removeTag` instead.
 */
export type ClearableAttribute = {
  readonly [K in Attribute]: Attributes[K]["isClearable"] extends true ? K : never
}[Attribute]

/** The names of all attributes, in the order of the table. */
export const attributeNames = Object.keys(attributes) as ReadonlyArray<Attribute>

/** Returns one column of the table, by attribute. */
export const attributeColumn = <C extends keyof Attributes[Attribute]>(column: C) =>
  Object.fromEntries(attributeNames.map((name) => [name, attributes[name][column]])) as {
    readonly [K in keyof Attributes]: Attributes[K][C]
  }
