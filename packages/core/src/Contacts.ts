/**
 * The `Contacts` service: the operations of the Contacts API. The layers that provide it are in other modules
 * (`AgentalkClient`, `Sandbox`, and `AgentalkNode` of `@agentalk/node`), so this module stays small.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { CallError, ContactError } from "./AgentalkError.ts"
import type { Contact, FieldsInput, SearchPage, SearchQuery, UpsertInput, UpsertResult } from "./Contact.ts"

/**
 * The Contacts API of one organization.
 *
 * **Details**
 *
 * Every method checks its input first. If the input is invalid, the call fails with `Validation` and sends nothing. The
 * `id` of a contact is a UUID in upper or lower case.
 *
 * `upsert` and `search` fail with `CallError`. The methods that take an `id` fail with `ContactError`, which is
 * `CallError` or `NotFound`.
 *
 * Some methods return `Option<Contact>`. `None` means that the write succeeded but the response did not include the
 * contact.
 *
 * **Gotchas**
 *
 * Failed attempts are retried: see `Retry`. A retry is safe because every operation is idempotent. However, a late
 * retry can overwrite a newer edit by another writer. `Retry.none` prevents this.
 *
 * **Example** (Create a contact and add a tag)
 *
 * ```ts
 * import { Contacts } from "@agentalk/core"
 * import { Effect } from "effect"
 *
 * const signUp = Effect.fnUntraced(function* (phone: string) {
 *   const contacts = yield* Contacts
 *   const { contact, isNew } = yield* contacts.upsert({ phone, firstName: "Jane" })
 *   if (isNew) yield* contacts.addTags(contact.id, ["newsletter"])
 *   return contact.id
 * })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class Contacts extends Context.Service<
  Contacts,
  {
    /**
     * Creates a contact, or updates the contact whose phone number has the same digits (`contacts_create`). Returns the
     * contact, and whether it is new.
     *
     * An update sets the given attributes and custom fields and adds the given tags. Omitted values do not change.
     */
    readonly upsert: (input: UpsertInput) => Effect.Effect<UpsertResult, CallError>

    /**
     * Deletes a contact permanently (`contacts_destroy`). Fails with `NotFound` if the contact does not exist. A 404
     * counts as success if an earlier attempt of the same call may have deleted the contact.
     */
    readonly delete: (id: string) => Effect.Effect<void, ContactError>

    /**
     * Sets custom fields of a contact (`contacts_fields_partial_update`). Other fields keep their values. Returns the
     * contact if the response includes it. Fails with `NotFound` if the contact does not exist.
     */
    readonly updateFields: (id: string, fields: FieldsInput) => Effect.Effect<Option.Option<Contact>, ContactError>

    /**
     * Clears one field of a contact: a built-in attribute such as `email`, or a custom field by its key
     * (`contacts_fields_destroy`). Returns the contact if the response includes it. Fails with `NotFound` if the
     * contact or the field does not exist.
     */
    readonly clearField: (id: string, key: string) => Effect.Effect<Option.Option<Contact>, ContactError>

    /**
     * Adds tags to a contact by their names, and keeps its other tags (`contacts_tags_create`). Returns the contact if
     * the response includes it. Fails with `NotFound` if the contact does not exist.
     */
    readonly addTags: (id: string, tags: ReadonlyArray<string>) => Effect.Effect<Option.Option<Contact>, ContactError>

    /**
     * Removes one tag from a contact, by the id or the name of the tag (`contacts_tags_destroy`). Returns the contact
     * if the response includes it. Fails with `NotFound` if the contact or the tag does not exist.
     */
    readonly removeTag: (id: string, tagIdOrName: string) => Effect.Effect<Option.Option<Contact>, ContactError>

    /**
     * Finds contacts by a part of the first or last name, by phone number, or by both (`contacts_search_retrieve`).
     * Returns one page: at most `limit` contacts (default: 50, set by the server), after skipping `offset` contacts
     * (default: 0). `ContactsStream.search` reads all pages.
     */
    readonly search: (query: SearchQuery) => Effect.Effect<SearchPage, CallError>
  }
>()("@agentalk/core/Contacts") {}
