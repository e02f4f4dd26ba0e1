/**
 * Typed custom fields. Declare a schema for each custom field of your organization once, and all contacts are typed by
 * these schemas.
 *
 * The service uses only `Contacts`, so it works with the API, a sandbox or a stub.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { CallError, ContactError, Validation } from "./AgentalkError.ts"
import type * as Untyped from "./Contact.ts"
import { Contacts } from "./Contacts.ts"
import { attributeNames, attributes } from "./internal/attributes.ts"
import { invalidInput } from "./internal/call/errors.ts"
import { operationNames } from "./internal/operation.ts"
import * as Codec from "./internal/wire/customFields.ts"
import type { Reader } from "./internal/wire/readers.ts"
import type { Issue } from "./Issue.ts"
import { type Operation, operations } from "./Operations.ts"

// --- fields -------------------------------------------------------------------------------------------------------

/**
 * The custom fields of an organization: a schema for each, by key. A schema must encode to JSON and must not require a
 * service.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fields extends Codec.Schemas {}

/**
 * The field values of a contact that was read. Any of them may be missing.
 *
 * @category models
 * @since 0.1.0
 */
export type Values<F extends Fields> = { readonly [K in keyof F]?: F[K]["Type"] }

/**
 * The field values to write. A field that is omitted or `undefined` keeps its value.
 *
 * @category models
 * @since 0.1.0
 */
export type ValuesInput<F extends Fields> = { readonly [K in keyof F]?: F[K]["Type"] | undefined }

/**
 * The input of `upsert`.
 *
 * @category models
 * @since 0.1.0
 */
export interface UpsertInput<F extends Fields> extends Omit<Untyped.UpsertInput, "fields"> {
  /** Custom fields to create or update, by key. */
  readonly fields?: ValuesInput<F> | undefined
}

// --- contacts -----------------------------------------------------------------------------------------------------

/**
 * A stored value that does not match the schema of its field.
 *
 * @category models
 * @since 0.1.0
 */
export interface InvalidField<F extends Fields> {
  readonly key: keyof F & string
  /** The stored value. */
  readonly value: Schema.Json
  /** What the schema expects, without the value. */
  readonly message: string
}

/**
 * A contact with decoded custom fields. Each field is decoded on its own, so an invalid value affects no other field.
 *
 * @category models
 * @since 0.1.0
 */
export interface Contact<F extends Fields> extends Omit<Untyped.Contact, "fields"> {
  /** The decoded fields. A stored `null` counts as a missing value unless the field's schema accepts `null`. */
  readonly fields: Values<F>
  /** Stored values that do not match their schemas. These fields are not in `fields`. */
  readonly invalidFields: ReadonlyArray<InvalidField<F>>
  /** The stored values of fields without a schema. */
  readonly otherFields: Readonly<Record<string, Schema.Json>>
}

/**
 * The result of `upsert`.
 *
 * @category models
 * @since 0.1.0
 */
export interface UpsertResult<F extends Fields> extends Omit<Untyped.UpsertResult, "contact"> {
  readonly contact: Contact<F>
}

/**
 * The result of `search`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SearchPage<F extends Fields> extends Omit<Untyped.SearchPage, "contacts"> {
  readonly contacts: ReadonlyArray<Contact<F>>
}

// --- the service --------------------------------------------------------------------------------------------------

/** The methods whose inputs contain custom fields or their keys. */
type WritesFields = "upsert" | "updateFields" | "clearField"

type TypedResult<F extends Fields, A> = A extends Untyped.Contact
  ? Contact<F>
  : A extends Option.Option<Untyped.Contact>
    ? Option.Option<Contact<F>>
    : A extends Untyped.UpsertResult
      ? UpsertResult<F>
      : A extends Untyped.SearchPage
        ? SearchPage<F>
        : A

type TypedMethod<F extends Fields, Method> = Method extends (
  ...values: infer Arguments
) => Effect.Effect<infer A, infer E>
  ? (...values: Arguments) => Effect.Effect<TypedResult<F, A>, E>
  : never

/** The other methods. They take the same inputs as in `Contacts`. */
type SameInputs<F extends Fields> = {
  readonly [K in keyof Contacts["Service"] as K extends WritesFields ? never : K]: TypedMethod<
    F,
    Contacts["Service"][K]
  >
}

/**
 * The methods of `Contacts`, typed by the schemas of custom fields. The errors are the same. If a field has no schema,
 * or its schema refuses the value, the call fails with `Validation` at the path `["fields", key]` and sends nothing.
 *
 * @category models
 * @since 0.1.0
 */
export interface TypedContacts<F extends Fields> extends SameInputs<F> {
  /** Creates a contact, or updates the one with the same phone number: see `Contacts`. */
  readonly upsert: (input: UpsertInput<F>) => Effect.Effect<UpsertResult<F>, CallError>

  /** Sets custom fields of a contact. Other fields keep their values. */
  readonly updateFields: (id: string, fields: ValuesInput<F>) => Effect.Effect<Option.Option<Contact<F>>, ContactError>

  /** Clears one field of a contact: a built-in attribute, or a field with a schema. */
  readonly clearField: (
    id: string,
    key: Untyped.ClearableAttribute | (keyof F & string)
  ) => Effect.Effect<Option.Option<Contact<F>>, ContactError>
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

  /** Provides the service from any layer of `Contacts`. */
  readonly layer: Layer.Layer<Self, never, Contacts>

  /** Decodes the custom fields of a contact from another source, such as `ContactsStream` or a stub. */
  readonly decode: (contact: Untyped.Contact) => Contact<F>

  /** Converts a typed input to the input of `Contacts.upsert` and `ContactsStream.upsertAll`. */
  readonly encode: (input: UpsertInput<F>) => Effect.Effect<Untyped.UpsertInput, Validation>
}

const clearable: ReadonlySet<string> = new Set(attributeNames.filter((name) => attributes[name].isClearable))

/** Returns the value to send, or fails with the issues of its check. */
const checked = <A>(
  operation: Operation,
  check: () => Result.Result<A, ReadonlyArray<Issue>>
): Effect.Effect<A, Validation> =>
  Effect.suspend(() => Effect.fromResult(Result.mapError(check(), (issues) => invalidInput(operation, issues))))

const makeCodec = <F extends Fields>(fields: F) => {
  const codec = Codec.make(fields)
  return {
    // The codec uses the schemas of F, but its type does not say so.
    decode: codec.decode as (contact: Untyped.Contact) => Contact<F>,
    encode: (input: UpsertInput<F>) => checked("upsert", () => codec.encodeInput(input)),
    encodeFields: (values: ValuesInput<F>) => checked("updateFields", () => codec.encode(values)),
    encodeKey: (key: Untyped.ClearableAttribute | (keyof F & string)) =>
      checked("clearField", () =>
        typeof key === "string" && (clearable.has(key) || Object.hasOwn(fields, key))
          ? Result.succeed<string>(key)
          : Result.fail([
              { path: ["key"], message: "Expected the key of a clearable attribute or of a field with a schema" }
            ])
      )
  }
}

type Method = (...values: ReadonlyArray<unknown>) => Effect.Effect<unknown, ContactError>

/** Wraps the methods of `Contacts`, so that every contact in their results is decoded. */
const withDecodedResults = <F extends Fields>(
  contacts: Contacts["Service"],
  decode: (contact: Untyped.Contact) => Contact<F>
): SameInputs<F> => {
  const methods = contacts as unknown as Readonly<Record<Operation, Method>>
  const entries = operationNames.map((operation) => {
    const { response }: { readonly response: Reader<unknown, unknown> } = operations[operation]
    return [
      operation,
      (...values: ReadonlyArray<unknown>) =>
        Effect.map(methods[operation](...values), (result) => response.mapContacts(result, decode))
    ] as const
  })
  // The types of the methods differ, and a loop cannot preserve them.
  return Object.fromEntries(entries) as unknown as SameInputs<F>
}

const make = <F extends Fields>(
  contacts: Contacts["Service"],
  { decode, encode, encodeFields, encodeKey }: ReturnType<typeof makeCodec<F>>
): TypedContacts<F> => {
  const decodeOption = Effect.map(Option.map(decode))
  return {
    ...withDecodedResults(contacts, decode),
    upsert: (input) =>
      encode(input).pipe(
        Effect.flatMap((wire) => contacts.upsert(wire)),
        Effect.map(({ contact, isNew }) => ({ contact: decode(contact), isNew }))
      ),
    updateFields: (id, values) =>
      encodeFields(values).pipe(
        Effect.flatMap((wire) => contacts.updateFields(id, wire)),
        decodeOption
      ),
    clearField: (id, key) =>
      encodeKey(key).pipe(
        Effect.flatMap((key) => contacts.clearField(id, key)),
        decodeOption
      )
  }
}

/**
 * Makes a service for the contacts of one organization, typed by the schemas of its custom fields.
 *
 * **Details**
 *
 * A schema can be any schema that encodes to JSON. Within a struct, use `optionalKey` rather than `optional`, because
 * JSON has no `undefined`. If you have one struct for all fields, pass its `fields`.
 *
 * Every field of a contact is optional, whatever its schema. A contact may lack it, and a write sets only the given
 * fields. If a schema has a default, a missing value is read as that default. Fields without a schema are read as
 * `otherFields` and cannot be written.
 *
 * **Gotchas**
 *
 * - A schema must be synchronous. An asynchronous schema refuses every value.
 * - A response may omit a field, so reading a default does not prove that no value is stored.
 * - A value that encodes to a missing key, such as `Option.none()` of an `OptionFromOptionalKey`, writes nothing. To
 *   clear a field, use `clearField`.
 * - A custom field with the key of a built-in attribute (`email`) can be written and read. It cannot be cleared,
 *   because the API clears the attribute instead.
 *
 * **Example** (Declare the fields of an organization)
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
 * **Example** (Decode the contacts of a stream)
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
