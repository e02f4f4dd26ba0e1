/**
 * The data of the Contacts API: what is sent, what is received, and the rules for each.
 *
 * What we send is checked strictly, before a byte leaves. What we receive is decoded generously, for the published
 * contract leaves every response body open: see `internal/wire.ts` for the spellings that are understood.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { isWellFormed } from "./internal/text.ts"
import { contactFromWire, contactToWire } from "./internal/wire.ts"

/**
 * The id of a contact. The API gives UUIDs; a received id may be any string.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ContactId = Schema.String.pipe(Schema.brand("ContactId"))

/**
 * @category schemas
 * @since 0.1.0
 */
export type ContactId = typeof ContactId.Type

// Separators that people type, and the invisible marks that come along when a number is pasted.
const separators = /[\s().\-/\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

/**
 * A phone number as `upsert` sends it: 7 to 15 digits (ITU-T E.164), a leading `+` kept as given. Decoding strips
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
 * A tag of a contact: its name, and its id where the API told it.
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

/**
 * A contact. Only `id` is certain: `null`, `""` and absence of the others are all absence, so that a missing key
 * never pretends to be an empty value. Keys that this version does not know are kept under `extra`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Contact = Schema.Struct({
  id: ContactId,
  phone: Schema.optionalKey(Schema.String),
  firstName: Schema.optionalKey(Schema.String),
  lastName: Schema.optionalKey(Schema.String),
  email: Schema.optionalKey(Schema.String),
  tags: Schema.optionalKey(Schema.Array(Tag)),
  fields: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  extra: Schema.Record(Schema.String, Schema.Json).pipe(Schema.withConstructorDefault(Effect.succeed({})))
})

/**
 * @category schemas
 * @since 0.1.0
 */
export interface Contact extends Schema.Schema.Type<typeof Contact> {}

/**
 * A `Contact` in any of the spellings that the API may use (`first_name`, tags as names or objects, fields as an
 * object or a list). Encodes to camel case, tags as names, unknown keys beside the known ones.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ContactFromWire = Schema.Unknown.pipe(
  Schema.decodeTo(Contact, {
    decode: SchemaGetter.transform(contactFromWire),
    encode: SchemaGetter.transform(contactToWire)
  })
)

// --- what is sent -------------------------------------------------------------------------------------------------

// In an input, `undefined` means that the key is left out; on the wire it has no form.
const omittable = <S extends Schema.Constraint>(schema: S) =>
  Schema.optional(schema).pipe(
    Schema.decodeTo(
      Schema.optionalKey(Schema.toType(schema)),
      SchemaTransformation.transformOptional({
        decode: Option.filter(Predicate.isNotUndefined),
        encode: (value) => value
      })
    )
  )

const wellFormed = Schema.makeFilter<string>(isWellFormed, { message: "Expected text without lone surrogates" })

/**
 * An e-mail address as `upsert` sends it: what `format: email` of the contract means (a mailbox of RFC 5321 without
 * quotes, at a domain with a dot).
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

const tagName = Schema.String.check(
  Schema.makeFilter<string>((name) => name.trim() !== "", { message: "Expected a tag name that is not blank" })
)

const fields = Schema.Record(Schema.String, Schema.Json).check(
  Schema.makeFilter<Schema.JsonObject>(
    (fields) => !Object.hasOwn(fields, "") || { path: [""], issue: "Expected a field key that is not empty" }
  )
)

/**
 * What `upsert` takes. Without a key, that part of an existing contact is left as it is; `undefined` means the same.
 *
 * @category schemas
 * @since 0.1.0
 */
export const UpsertInput = Schema.Struct({
  /** With its country code; separators are stripped. The contact is found by it. */
  phone: PhoneNumber,
  firstName: omittable(Schema.String),
  lastName: omittable(Schema.String),
  email: omittable(EmailAddress),
  /** Names of the tags to assign. */
  tags: omittable(Schema.Array(tagName)),
  /** Custom fields to create or update, by key. */
  fields: omittable(fields)
})

/**
 * @category schemas
 * @since 0.1.0
 */
export interface UpsertInput extends Schema.Codec.Encoded<typeof UpsertInput> {}

/**
 * What `updateFields` takes: custom field values by key. Fields that are not named are left as they are.
 *
 * **Gotchas**
 *
 * A value whose type is an `interface` is taken as a copy, `{ ...fields }`: an interface may be given more keys elsewhere,
 * and theirs need not be JSON. `CustomFields` takes it as it is, for there a schema says what the keys are.
 *
 * @category schemas
 * @since 0.1.0
 */
export const FieldsInput = fields

/**
 * @category schemas
 * @since 0.1.0
 */
export type FieldsInput = typeof FieldsInput.Type

/**
 * What `addTags` takes: tag names.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TagsInput = Schema.Array(tagName)

/**
 * The id of a contact as a method takes it: a UUID in upper or lower case, sent in lower case (RFC 9562, section 4).
 *
 * @category schemas
 * @since 0.1.0
 */
export const ContactIdInput = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(
      Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, {
        message: "Expected a contact id: a UUID, such as 0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"
      })
    ),
    SchemaTransformation.toLowerCase()
  )
)

/**
 * A tag or a field key as a part of a path. It arrives as it is, percent-encoded. What a server or a proxy could take
 * for another resource is refused: emptiness, `.` and `..` as a segment, an empty segment (`a//b`, `/a`, `a/`), a
 * backslash doing the same, and lone surrogates.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PathSegment = Schema.String.check(
  wellFormed,
  Schema.makeFilter<string>(
    (text) => text.split(/[/\\]/).every((segment) => segment !== "" && segment !== "." && segment !== ".."),
    { message: "Expected a value that can stand in a path: not empty, no '.', '..' or empty part between slashes" }
  )
)

const searchText = Schema.String.check(
  Schema.makeFilter<string>((text) => text !== "", { message: "Expected text that is not empty" }),
  wellFormed
)

/**
 * What `search` takes: at least one of `name` (part of a first or last name) and `phone`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SearchQuery = Schema.Struct({
  name: omittable(searchText),
  phone: omittable(searchText),
  /** The most contacts that one page may hold. Default: 50, by the server. */
  limit: omittable(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(1, { message: "Expected a whole number of at least 1" }))
  ),
  /** How many contacts to skip. Default: 0. */
  offset: omittable(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0, { message: "Expected a whole number of at least 0" }))
  )
}).check(
  Schema.makeFilter(({ name, phone }) => name !== undefined || phone !== undefined, {
    message: "Expected at least one of name and phone"
  })
)

/**
 * What `search` takes: at least one of `name` and `phone`, which the compiler checks as well.
 *
 * @category schemas
 * @since 0.1.0
 */
export type SearchQuery = Schema.Codec.Encoded<typeof SearchQuery> &
  ({ readonly name: string } | { readonly phone: string })

// --- what is received ---------------------------------------------------------------------------------------------

/**
 * What `upsert` gives.
 *
 * @category schemas
 * @since 0.1.0
 */
export const UpsertResult = Schema.Struct({
  contact: Contact,
  /**
   * Whether the contact was created: from the body, else from the status (201). After an attempt whose outcome is
   * unknown, `false` may mean that this very call created it.
   */
  isNew: Schema.Boolean
})

/**
 * @category schemas
 * @since 0.1.0
 */
export interface UpsertResult extends Schema.Schema.Type<typeof UpsertResult> {}

/**
 * What `search` gives: one page, and how many contacts match in all where the API told it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SearchPage = Schema.Struct({ contacts: Schema.Array(Contact), total: Schema.Option(Schema.Int) })

/**
 * @category schemas
 * @since 0.1.0
 */
export interface SearchPage extends Schema.Schema.Type<typeof SearchPage> {}
