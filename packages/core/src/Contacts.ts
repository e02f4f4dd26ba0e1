/**
 * The Contacts API as a service: seven methods, and nothing else. Layers that make it live in other modules
 * (`AgentalkClient`, `Sandbox`, `AgentalkNode`), so that code that only uses it stays small.
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
 * Ids are UUIDs, in upper or lower case. Every method checks its input and fails with `Validation` before anything is
 * sent. All seven set a state rather than add to one, so they are safe to repeat; a late repeat can overwrite a newer
 * edit by somebody else.
 *
 * @category services
 * @since 0.1.0
 */
export class Contacts extends Context.Service<
  Contacts,
  {
    /**
     * Creates a contact, or updates the one with the same phone number (`contacts_create`). What is left out of the
     * input is left as it is.
     */
    readonly upsert: (input: UpsertInput) => Effect.Effect<UpsertResult, CallError>

    /** Deletes a contact for good (`contacts_destroy`). */
    readonly delete: (id: string) => Effect.Effect<void, ContactError>

    /**
     * Sets custom fields of a contact; fields that are not named stay (`contacts_fields_partial_update`). Gives the
     * contact where the answer carries it.
     */
    readonly updateFields: (id: string, fields: FieldsInput) => Effect.Effect<Option.Option<Contact>, ContactError>

    /**
     * Clears one field of a contact: a built-in such as `email`, or a custom one (`contacts_fields_destroy`). Gives
     * the contact where the answer carries it.
     */
    readonly clearField: (id: string, key: string) => Effect.Effect<Option.Option<Contact>, ContactError>

    /**
     * Adds tags to a contact by name, and never takes one away (`contacts_tags_create`). Gives the contact where the
     * answer carries it.
     */
    readonly addTags: (id: string, tags: ReadonlyArray<string>) => Effect.Effect<Option.Option<Contact>, ContactError>

    /**
     * Takes one tag, named by its id or its name, away from a contact (`contacts_tags_destroy`). Gives the contact
     * where the answer carries it.
     */
    readonly removeTag: (id: string, tagIdOrName: string) => Effect.Effect<Option.Option<Contact>, ContactError>

    /**
     * Finds contacts by a part of the first or last name, by phone number, or both (`contacts_search_retrieve`). Gives
     * one page: `limit` (50 by default, by the server) contacts from `offset` (0 by default) on.
     */
    readonly search: (query: SearchQuery) => Effect.Effect<SearchPage, CallError>
  }
>()("@agentalk/core/Contacts") {}
