/**
 * The data of the Contacts API: the schemas of inputs and results.
 *
 * The SDK checks inputs strictly before it sends anything. It decodes responses leniently, because the published
 * contract allows any object as a response body.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { attributeColumn, omittable, tagName } from "./internal/attributes.ts"
import { isWellFormed, uuidPattern } from "./internal/wire/text.ts"

export { type ClearableAttribute, EmailAddress, PhoneNumber, Tag } from "./internal/attributes.ts"

/**
 * The id of a contact. The API returns UUIDs, but any received string is accepted.
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

// --- results ------------------------------------------------------------------------------------------------------

/**
 * A contact. Only `id` and `extra` are always present. A known key is omitted if the API does not send it or sends
 * `null` or `""`. Keys that this version of the SDK does not know are kept under `extra`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Contact = Schema.Struct({
  id: ContactId,
  ...attributeColumn("received"),
  fields: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  extra: Schema.Record(Schema.String, Schema.Json).pipe(Schema.withConstructorDefault(Effect.succeed({})))
})

/**
 * @category schemas
 * @since 0.1.0
 */
export interface Contact extends Schema.Schema.Type<typeof Contact> {}

/**
 * The result of `upsert`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const UpsertResult = Schema.Struct({
  contact: Contact,
  /**
   * Whether the contact is new, according to the body, otherwise to the status (201). After a retry it may be `false`
   * although this call created the contact, because an earlier attempt may have created it without a response.
   */
  isNew: Schema.Boolean
})

/**
 * @category schemas
 * @since 0.1.0
 */
export interface UpsertResult extends Schema.Schema.Type<typeof UpsertResult> {}

/**
 * The result of `search`: one page, and the number of all matches if the API returned it.
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

// --- inputs -------------------------------------------------------------------------------------------------------

/**
 * The input of `updateFields`: custom field values by key. Other fields keep their values.
 *
 * **Gotchas**
 *
 * Pass a value whose type is an `interface` as a copy, `{ ...fields }`. An interface may be extended elsewhere with
 * keys that are not JSON, so the compiler refuses it. `CustomFields` accepts it, because its schemas name the keys.
 *
 * @category schemas
 * @since 0.1.0
 */
export const FieldsInput = Schema.Record(Schema.String, Schema.Json).check(
  Schema.makeFilter<Schema.JsonObject>(
    (fields) => !Object.hasOwn(fields, "") || { path: [""], issue: "Expected a field key that is not empty" }
  )
)

/**
 * @category schemas
 * @since 0.1.0
 */
export type FieldsInput = typeof FieldsInput.Type

/**
 * The input of `upsert`. An existing contact keeps the value of every key that is omitted or `undefined`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const UpsertInput = Schema.Struct({
  ...attributeColumn("input"),
  /** Custom fields to create or update, by key. */
  fields: omittable(FieldsInput)
})

/**
 * @category schemas
 * @since 0.1.0
 */
export interface UpsertInput extends Schema.Codec.Encoded<typeof UpsertInput> {}

/**
 * The input of `addTags`: tag names.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TagsInput = Schema.Array(tagName)

/**
 * The id of a contact in an input: a UUID in upper or lower case, sent in lower case (RFC 9562, section 4).
 *
 * @category schemas
 * @since 0.1.0
 */
export const ContactIdInput = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(
      Schema.isPattern(new RegExp(`^${uuidPattern}$`), {
        message: "Expected a contact id: a UUID, such as 0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"
      })
    ),
    SchemaTransformation.toLowerCase()
  )
)

const wellFormed = Schema.makeFilter<string>(isWellFormed, { message: "Expected text without lone surrogates" })

/**
 * A tag or a field key that becomes a part of a path. It is percent-encoded, so the server receives it unchanged.
 *
 * Some text is refused because a server or a proxy could resolve it to another resource: empty text, the segments `.`
 * and `..`, an empty segment (`a//b`, `/a`, `a/`), and the same with backslashes. Lone surrogates are refused because
 * they cannot be encoded.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PathSegment = Schema.String.check(
  wellFormed,
  Schema.makeFilter<string>(
    (text) => text.split(/[/\\]/).every((segment) => segment !== "" && segment !== "." && segment !== ".."),
    { message: "Expected text that is not empty and has no part between slashes that is empty, '.' or '..'" }
  )
)

const searchText = Schema.String.check(
  Schema.makeFilter<string>((text) => text !== "", { message: "Expected text that is not empty" }),
  wellFormed
)

const atLeast = (minimum: number) =>
  Schema.Int.check(
    Schema.isGreaterThanOrEqualTo(minimum, { message: `Expected a whole number of at least ${minimum}` })
  )

/**
 * The input of `search`: at least one of `name` (a part of a first or last name) and `phone`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SearchQuery = Schema.Struct({
  name: omittable(searchText),
  phone: omittable(searchText),
  /** The maximum number of contacts on the page. Default: 50, set by the server. */
  limit: omittable(atLeast(1)),
  /** The number of contacts to skip. Default: 0. */
  offset: omittable(atLeast(0))
}).check(
  Schema.makeFilter(({ name, phone }) => name !== undefined || phone !== undefined, {
    message: "Expected at least one of name and phone"
  })
)

/**
 * The input of `search`. The type requires at least one of `name` and `phone`, as the schema does.
 *
 * @category schemas
 * @since 0.1.0
 */
export type SearchQuery = Schema.Codec.Encoded<typeof SearchQuery> &
  ({ readonly name: string } | { readonly phone: string })
