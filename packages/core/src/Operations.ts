/**
 * The operations of the Contacts API, declared once. The client, the sandbox, telemetry, redaction, conformance and the
 * table-driven tests derive from this table.
 *
 * To add an operation, add its entry here, its method in `Contacts`, its endpoint in `AgentalkApi`, its sandbox handler
 * and its command: see CONTRIBUTING.md.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { ContactIdInput, FieldsInput, PathSegment, SearchQuery, TagsInput, UpsertInput } from "./Contact.ts"
import { nothing, optionalContact, page, type Reader, upsertResult } from "./internal/wire/readers.ts"

/** A schema of an operation's input: a struct, possibly with checks. */
type InputSchema = Schema.ConstraintCodec<unknown, unknown> & { readonly fields: Schema.Struct.Fields }

/**
 * One entry of the table.
 *
 * @category contract
 * @since 0.1.0
 */
export interface OperationDefinition<
  Path extends `/${string}` = `/${string}`,
  Input extends InputSchema = InputSchema,
  A = unknown
> {
  /** The `operationId` in the vendor's OpenAPI document. */
  readonly openApiId: string
  /** A `GET` operation only reads: its outcome is always `"not-applied"`. */
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /**
   * The path as the contract writes it. If it contains `{contact_id}`, the operation can fail with `NotFound`, and its
   * method has one parameter for each key of `input`, in that order. Any other method has the input as its only
   * parameter.
   */
  readonly path: Path
  /**
   * The schema of the input. Values that are not path parameters are sent in the query of a `GET`, or in the JSON body
   * of any other method.
   */
  readonly input: Input
  /** Reads a successful response. */
  readonly response: Reader<Input["Type"], A>
  /**
   * Whether a 404 or 410 counts as success if the outcome of an earlier attempt is unknown. That attempt may have taken
   * effect. Default: `false`.
   */
  readonly isDoneIfMissing?: boolean
  /** Advice for the message of the error if the write took effect but its response cannot be read. Default: none. */
  readonly adviceIfUnread?: string
  /** A valid input for tests. */
  readonly sample: Input["Encoded"]
}

/** Maps the name of each path parameter in the contract to its name in an input. */
export const pathParameters = { contact_id: "id", field_key: "key", tag_id_or_name: "tagIdOrName" } as const

/** `never` if a path has a parameter that `pathParameters` does not list. */
type KnownPath<Path> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name extends keyof typeof pathParameters
    ? KnownPath<Rest>
    : never
  : unknown

const define = <const Path extends `/${string}`, Input extends InputSchema, A>(
  definition: OperationDefinition<Path, Input, A> & { readonly path: KnownPath<Path> }
): OperationDefinition<Path, Input, A> => definition

const sampleId = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

/**
 * The table: one entry for each method of `Contacts`, under the name of the method.
 *
 * @category contract
 * @since 0.1.0
 */
export const operations = {
  upsert: define({
    openApiId: "contacts_create",
    method: "POST",
    path: "/api/contacts",
    input: UpsertInput,
    response: upsertResult,
    adviceIfUnread: "Find the contact with search({ phone }).",
    sample: { phone: "+15551234567", firstName: "Jane" }
  }),
  delete: define({
    openApiId: "contacts_destroy",
    method: "DELETE",
    path: "/api/contacts/{contact_id}",
    input: Schema.Struct({ id: ContactIdInput }),
    response: nothing,
    isDoneIfMissing: true,
    sample: { id: sampleId }
  }),
  updateFields: define({
    openApiId: "contacts_fields_partial_update",
    method: "PATCH",
    path: "/api/contacts/{contact_id}/fields",
    input: Schema.Struct({ id: ContactIdInput, fields: FieldsInput }),
    response: optionalContact,
    sample: { id: sampleId, fields: { city: "Oslo" } }
  }),
  clearField: define({
    openApiId: "contacts_fields_destroy",
    method: "DELETE",
    path: "/api/contacts/{contact_id}/fields/{field_key}",
    input: Schema.Struct({ id: ContactIdInput, key: PathSegment }),
    response: optionalContact,
    sample: { id: sampleId, key: "city" }
  }),
  addTags: define({
    openApiId: "contacts_tags_create",
    method: "POST",
    path: "/api/contacts/{contact_id}/tags",
    input: Schema.Struct({ id: ContactIdInput, tags: TagsInput }),
    response: optionalContact,
    sample: { id: sampleId, tags: ["vip"] }
  }),
  removeTag: define({
    openApiId: "contacts_tags_destroy",
    method: "DELETE",
    path: "/api/contacts/{contact_id}/tags/{tag_id_or_name}",
    input: Schema.Struct({ id: ContactIdInput, tagIdOrName: PathSegment }),
    response: optionalContact,
    sample: { id: sampleId, tagIdOrName: "vip" }
  }),
  search: define({
    openApiId: "contacts_search_retrieve",
    method: "GET",
    path: "/api/contacts/search",
    input: SearchQuery,
    response: page,
    sample: { name: "Jane" }
  })
}

/**
 * An operation of the Contacts API, by the name of its method.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Operation = Schema.Literals(Object.keys(operations) as ReadonlyArray<keyof typeof operations>)

/**
 * @category schemas
 * @since 0.1.0
 */
export type Operation = typeof Operation.Type
