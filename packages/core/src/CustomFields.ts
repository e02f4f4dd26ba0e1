/**
 * Custom fields by a schema: an organization describes its fields once, and its contacts are typed by them from then on.
 *
 * Built on `Contacts` alone, so it is the same over the API, a sandbox and a stub.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { CallError, ContactError, Issue, Operation, Validation } from "./AgentalkError.ts"
import type * as Untyped from "./Contact.ts"
import { Contacts } from "./Contacts.ts"
import * as Codec from "./internal/customFields.ts"
import { invalidInput } from "./internal/failure.ts"

// --- what the fields are ------------------------------------------------------------------------------------------

/**
 * The custom fields of an organization: a schema for each, by key. What a schema encodes to must be JSON, and it can need
 * no service.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fields extends Codec.Schemas {}

/**
 * A field that a contact has by its nature, as `clearField` names it. The phone number is none: a contact keeps it.
 *
 * @category models
 * @since 0.1.0
 */
export type BuiltIn = "firstName" | "lastName" | "email"

/**
 * The values of fields, as they are read: a contact may lack any of them.
 *
 * @category models
 * @since 0.1.0
 */
export type Values<F extends Fields> = { readonly [K in keyof F]?: F[K]["Type"] }

/**
 * The values of fields, as they are written: those that are named, but for `undefined` ones, which are left as they are.
 *
 * @category models
 * @since 0.1.0
 */
export type ValuesInput<F extends Fields> = { readonly [K in keyof F]?: F[K]["Type"] | undefined }

/**
 * What `upsert` takes.
 *
 * @category models
 * @since 0.1.0
 */
export interface UpsertInput<F extends Fields> extends Omit<Untyped.UpsertInput, "fields"> {
  /** Custom fields to create or update, by key. */
  readonly fields?: ValuesInput<F> | undefined
}

// --- what a contact is --------------------------------------------------------------------------------------------

/**
 * A stored value that breaks the schema of its field.
 *
 * @category models
 * @since 0.1.0
 */
export interface InvalidField<F extends Fields> {
  readonly key: keyof F & string
  /** The value as it is stored. */
  readonly value: Schema.Json
  /** What the schema expects. It does not tell the value. */
  readonly message: string
}

/**
 * A contact whose custom fields are decoded, each for itself: one odd value costs neither the contact nor the others.
 *
 * @category models
 * @since 0.1.0
 */
export interface Contact<F extends Fields> extends Omit<Untyped.Contact, "fields"> {
  /** The fields that the contact has. `null` is absence, unless the schema of the field accepts it. */
  readonly fields: Values<F>
  /** Stored values that break their schemas; these fields are not in `fields`. */
  readonly invalidFields: ReadonlyArray<InvalidField<F>>
  /** The fields that no schema describes, as they are stored. */
  readonly otherFields: Readonly<Record<string, Schema.Json>>
}

/**
 * What `upsert` gives.
 *
 * @category models
 * @since 0.1.0
 */
export interface UpsertResult<F extends Fields> extends Omit<Untyped.UpsertResult, "contact"> {
  readonly contact: Contact<F>
}

/**
 * What `search` gives.
 *
 * @category models
 * @since 0.1.0
 */
export interface SearchPage<F extends Fields> extends Omit<Untyped.SearchPage, "contacts"> {
  readonly contacts: ReadonlyArray<Contact<F>>
}

// --- the service --------------------------------------------------------------------------------------------------

/**
 * The methods of `Contacts`, typed by the schemas of custom fields. The errors are the same: a field that is unknown, or
 * that its schema refuses, is `Validation` with the path `["fields", key]`, and nothing is sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface TypedContacts<F extends Fields> {
  /** Creates a contact, or updates the one with the same phone number: see `Contacts`. */
  readonly upsert: (input: UpsertInput<F>) => Effect.Effect<UpsertResult<F>, CallError>

  /** Deletes a contact for good. */
  readonly delete: (id: string) => Effect.Effect<void, ContactError>

  /** Sets custom fields of a contact; fields that are not named stay. */
  readonly updateFields: (id: string, fields: ValuesInput<F>) => Effect.Effect<Option.Option<Contact<F>>, ContactError>

  /** Clears one field of a contact: a built-in one, or one that a schema describes. */
  readonly clearField: (
    id: string,
    key: BuiltIn | (keyof F & string)
  ) => Effect.Effect<Option.Option<Contact<F>>, ContactError>

  /** Adds tags to a contact by name, and never takes one away. */
  readonly addTags: (id: string, tags: ReadonlyArray<string>) => Effect.Effect<Option.Option<Contact<F>>, ContactError>

  /** Takes one tag, named by its id or its name, away from a contact. */
  readonly removeTag: (id: string, tagIdOrName: string) => Effect.Effect<Option.Option<Contact<F>>, ContactError>

  /** Finds contacts by a part of the first or last name, by phone number, or both: see `Contacts`. */
  readonly search: (query: Untyped.SearchQuery) => Effect.Effect<SearchPage<F>, CallError>
}

/**
 * The class that `Service` makes.
 *
 * @category services
 * @since 0.1.0
 */
export interface ServiceClass<Self, Id extends string, F extends Fields> extends Context.ServiceClass<
  Self,
  Id,
  TypedContacts<F>
> {
  /** The schemas, for types such as `CustomFields.Contact<typeof Customers.fields>`. */
  readonly fields: F

  /** The service over whatever `Contacts` there is. */
  readonly layer: Layer.Layer<Self, never, Contacts>

  /** Types a contact that came another way: from `ContactsStream`, or in a stub. */
  readonly decode: (contact: Untyped.Contact) => Contact<F>

  /** Makes of a typed input what `ContactsStream.upsertAll` takes. */
  readonly encode: (input: UpsertInput<F>) => Effect.Effect<Untyped.UpsertInput, Validation>
}

const builtIns: ReadonlySet<string> = new Set<BuiltIn>(["firstName", "lastName", "email"])

/** What to send, if the check of it has no issues. */
const checked = <A>(
  operation: Operation,
  check: () => Result.Result<A, ReadonlyArray<Issue>>
): Effect.Effect<A, Validation> =>
  Effect.suspend(() => Effect.fromResult(Result.mapError(check(), (issues) => invalidInput(operation, issues))))

const makeCodec = <F extends Fields>(fields: F) => {
  const codec = Codec.make(fields)
  return {
    // The codec runs the schemas of F, which the compiler cannot follow.
    decode: codec.decode as (contact: Untyped.Contact) => Contact<F>,
    encode: (input: UpsertInput<F>) => checked("upsert", () => codec.encodeInput(input)),
    encodeFields: (values: ValuesInput<F>) => checked("updateFields", () => codec.encode(values)),
    encodeKey: (key: BuiltIn | (keyof F & string)) =>
      checked("clearField", () =>
        typeof key === "string" && (builtIns.has(key) || Object.hasOwn(fields, key))
          ? Result.succeed<string>(key)
          : Result.fail([{ path: ["key"], message: "Expected the key of a field: a built-in, or one with a schema" }])
      )
  }
}

const make = <F extends Fields>(
  contacts: Contacts["Service"],
  { decode, encode, encodeFields, encodeKey }: ReturnType<typeof makeCodec<F>>
): TypedContacts<F> => {
  const decodeOption = Effect.map(Option.map(decode))
  return {
    upsert: (input) =>
      encode(input).pipe(
        Effect.flatMap((wire) => contacts.upsert(wire)),
        Effect.map(({ contact, isNew }) => ({ contact: decode(contact), isNew }))
      ),
    delete: (id) => contacts.delete(id),
    updateFields: (id, values) =>
      encodeFields(values).pipe(
        Effect.flatMap((wire) => contacts.updateFields(id, wire)),
        decodeOption
      ),
    clearField: (id, key) =>
      encodeKey(key).pipe(
        Effect.flatMap((key) => contacts.clearField(id, key)),
        decodeOption
      ),
    addTags: (id, tags) => decodeOption(contacts.addTags(id, tags)),
    removeTag: (id, tagIdOrName) => decodeOption(contacts.removeTag(id, tagIdOrName)),
    search: (query) =>
      Effect.map(contacts.search(query), ({ contacts, total }) => ({ contacts: contacts.map(decode), total }))
  }
}

/**
 * Makes the service of one organization's contacts, typed by the schemas of its custom fields.
 *
 * **Details**
 *
 * Any schema will do whose encoded form is JSON: within a struct, `optionalKey` rather than `optional`. Every field of a
 * contact is optional, whatever its schema: a contact may lack it, and a write sets those that it names. Where a schema
 * has a default, that is what an absent value is read as. Fields without a schema cannot be written; they are read as
 * `otherFields`. Of a struct that you have, pass its `fields`.
 *
 * **Gotchas**
 *
 * A schema must be synchronous: one that waits refuses every value. What a terse answer leaves out is absent as well,
 * so a default that was read is no proof of what is stored. A value that its schema encodes to absence, such as
 * `Option.none()` of an `OptionFromOptionalKey`, writes nothing: `clearField` clears. And a custom field that is called
 * like a built-in one (`email`) can be written and read, but not cleared: the API takes the built-in one for it.
 *
 * **Example** (Fields that are described once)
 *
 * ```ts
 * import { CustomFields } from "@agentalk/core"
 * import { Effect, Schema } from "effect"
 *
 * class Customers extends CustomFields.Service<Customers>()("app/Customers", {
 *   plan: Schema.Literals(["free", "pro"]),
 *   seats: Schema.FiniteFromString, // stored as text
 *   renewsAt: Schema.DateTimeUtcFromString
 * }) {}
 *
 * const upgrade = Effect.fnUntraced(function* (phone: string) {
 *   const customers = yield* Customers
 *   const { contact } = yield* customers.upsert({ phone, fields: { plan: "pro", seats: 5 } })
 *   return contact.fields.renewsAt
 * }, Effect.provide(Customers.layer)) // over any layer of Contacts
 * ```
 *
 * **Example** (Typed contacts of a stream)
 *
 * ```ts
 * import { ContactsStream, CustomFields } from "@agentalk/core"
 * import { Schema, Stream } from "effect"
 *
 * class Customers extends CustomFields.Service<Customers>()("app/Customers", { city: Schema.String }) {}
 *
 * const cities = ContactsStream.search({ name: "Smith" }).pipe(
 *   Stream.map(Customers.decode),
 *   Stream.map((contact) => contact.fields.city)
 * )
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export const Service =
  <Self>() =>
  <const Id extends string, const F extends Fields>(id: Id, fields: F): ServiceClass<Self, Id, F> => {
    const codec = makeCodec(fields)
    const service = Context.Service<Self, TypedContacts<F>>()(id)
    return Object.assign(service, {
      fields,
      decode: codec.decode,
      encode: codec.encode,
      layer: Layer.effect(
        service,
        Effect.map(Contacts, (contacts) => make(contacts, codec))
      )
    })
  }
