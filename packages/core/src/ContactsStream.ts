/**
 * Streams of many contacts: a search through all its pages, and bulk runs with one result for each row.
 *
 * Memory use does not grow with the length of a bulk run. Every stream can be run again. Interrupting a stream aborts
 * its calls in flight.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { CallError } from "./AgentalkError.ts"
import type { Contact, SearchPage, SearchQuery, UpsertInput, UpsertResult } from "./Contact.ts"
import { Contacts } from "./Contacts.ts"
import * as Bulk from "./internal/stream/bulk.ts"
import * as Paging from "./internal/stream/paging.ts"
import type { Progress } from "./internal/stream/progress.ts"
import {
  type DeleteRow,
  fromCallError,
  fromContactError,
  type Stopped,
  type TagRow,
  type UpsertRow
} from "./internal/stream/results.ts"
import { digitsOf } from "./internal/wire/text.ts"

export { makeProgress, type Progress, type Snapshot } from "./internal/stream/progress.ts"
export {
  type Created,
  type Deleted,
  type DeleteRow,
  type Failed,
  type Invalid,
  type Missing,
  Rows,
  Stopped,
  type Tagged,
  type TagRow,
  type Updated,
  type UpsertRow
} from "./internal/stream/results.ts"

// --- search -------------------------------------------------------------------------------------------------------

/**
 * A search query. At least one of `name` and `phone` is required.
 *
 * @category models
 * @since 0.1.0
 */
export type Query = Omit<Schema.Codec.Encoded<typeof SearchQuery>, "limit" | "offset"> &
  ({ readonly name: string } | { readonly phone: string })

/**
 * Options of `search` and `pages`.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface PageOptions {
  /** Number of contacts per request, sent as `limit`. The server may return fewer. Default: 50. */
  readonly pageSize?: number | undefined
}

/**
 * Emits the pages of a search, each with the total in its response.
 *
 * **Details**
 *
 * A page is requested only when the consumer pulls it. The offset of a page is the number of contacts received so far.
 *
 * The search ends after any of these pages:
 *
 * - an empty page;
 * - a page that is shorter than an earlier page and shorter than the page size;
 * - a page with which the number of received contacts equals the total;
 * - a page that has no new contact and starts with the same contact as the previous page;
 * - the third page in a row without a new contact.
 *
 * Some servers report the length of a page as the total. Therefore a total that equals the length of a full page is
 * ignored. A page is full if it has `pageSize` contacts, or 50 or more.
 *
 * The last two rules end the search if a server ignores `offset` or sends the same pages again.
 *
 * Each contact is emitted once. Contacts that were emitted before are removed from later pages. A page without a new
 * contact is skipped, but the first page is emitted even if it is empty. The ids of all emitted contacts are kept in
 * memory, at 77 to 97 bytes each and without a limit on their number.
 *
 * **Gotchas**
 *
 * A search can miss contacts if others are deleted meanwhile. For each deleted contact before the offset, the later
 * contacts move up by one, and the search skips one contact.
 *
 * **Example** (Show the progress of a search)
 *
 * ```ts
 * import { ContactsStream } from "@agentalk/core"
 * import { Console, Option, Stream } from "effect"
 *
 * const program = ContactsStream.pages({ name: "Smith" }, { pageSize: 100 }).pipe(
 *   Stream.runForEach((page) => Console.log(page.contacts.length, "of", Option.getOrElse(page.total, () => "?")))
 * )
 * ```
 *
 * @category streams
 * @since 0.1.0
 */
export const pages = (query: Query, options: PageOptions = {}): Stream.Stream<SearchPage, CallError, Contacts> =>
  Paging.paginate(query, options, (page) => [page])

/**
 * Emits all contacts that match a search, each once. It requests one page after another: see `pages`.
 *
 * **Example** (Take the first thousand contacts)
 *
 * ```ts
 * import { ContactsStream } from "@agentalk/core"
 * import { Stream } from "effect"
 *
 * const program = ContactsStream.search({ name: "Smith" }).pipe(Stream.take(1000), Stream.runCollect)
 * ```
 *
 * @category streams
 * @since 0.1.0
 */
export const search = (query: Query, options: PageOptions = {}): Stream.Stream<Contact, CallError, Contacts> =>
  Paging.paginate(query, options, (page) => page.contacts)

// --- bulk runs ----------------------------------------------------------------------------------------------------

/**
 * Options of bulk runs.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface BulkOptions {
  /** Maximum number of rows in flight at once. Values below 1 count as 1. Default: 8. */
  readonly concurrency?: number | undefined
  /** If `true`, results are emitted in input order; otherwise as they complete. Default: `true`. */
  readonly ordered?: boolean | undefined
  /** Counts the rows of the run, for a progress bar: see `makeProgress`. Default: none. */
  readonly progress?: Progress | undefined
  /**
   * Stops the run when this effect succeeds. Then no further row starts, the rows in flight complete, their results are
   * emitted, and the stream ends. Default: never.
   */
  readonly stopWhen?: Effect.Effect<unknown> | undefined
}

// Untyped callers can pass any value as a row. A property that cannot be read counts as missing, so the call refuses
// the row.
const property = (input: unknown, name: string): unknown => {
  try {
    return Predicate.hasProperty(input, name) ? input[name] : undefined
  } catch {
    return undefined
  }
}

const stringOrEmpty = (value: unknown): string => (Predicate.isString(value) ? value : "")

const toLowerCase = (id: string): string => id.toLowerCase()

/**
 * Upserts every row, with several calls in flight, and emits one result for each row.
 *
 * **Details**
 *
 * A row that fails does not end the run. The stream fails only with `Stopped` or with an error of the input stream.
 *
 * Rows with the same phone number (the same digits) are applied one after the other in input order, so the last one
 * wins.
 *
 * At most 1024 rows are read ahead of the emitted results, so only that many rows can wait behind a slow row. While 64
 * results or more wait for the consumer, no further row starts.
 *
 * **Gotchas**
 *
 * Ending the stream early (for example with `Stream.take`) interrupts rows in flight, and their outcome is unknown.
 * With `stopWhen`, these rows complete first.
 *
 * **Example** (Import rows and print the failures)
 *
 * ```ts
 * import { ContactsStream, type UpsertInput } from "@agentalk/core"
 * import { Console, Stream } from "effect"
 *
 * const importAll = (rows: Stream.Stream<UpsertInput>) =>
 *   ContactsStream.upsertAll(rows, { concurrency: 16 }).pipe(
 *     Stream.runForEach((result) =>
 *       result._tag === "Created" || result._tag === "Updated"
 *         ? Console.log(`row ${result.row}: ${result._tag} ${result.contact.id}`)
 *         : Console.error(`row ${result.row}: ${result._tag}, ${result.error.message}`)
 *     )
 *   )
 * ```
 *
 * @category streams
 * @since 0.1.0
 */
export const upsertAll = <E, R>(
  inputs: Stream.Stream<UpsertInput, E, R>,
  options: BulkOptions = {}
): Stream.Stream<UpsertRow, E | Stopped, R | Contacts> =>
  Bulk.run(
    inputs,
    Effect.map(Contacts, (api) => ({
      keyOf: (input: UpsertInput) => stringOrEmpty(property(input, "phone")),
      orderingKeyOf: digitsOf,
      apply: (input: UpsertInput) => api.upsert(input),
      onSuccess: (row: number, key: string, { contact, isNew }: UpsertResult): UpsertRow => ({
        _tag: isNew ? "Created" : "Updated",
        row,
        key,
        contact
      }),
      onFailure: fromCallError
    })),
    options
  )

/**
 * Deletes every contact by its id, with several calls in flight, and emits one result for each id: see `upsertAll`. The
 * second row with the same id is `Missing`.
 *
 * **Example** (Count the deleted contacts)
 *
 * ```ts
 * import { ContactsStream } from "@agentalk/core"
 * import { Stream } from "effect"
 *
 * const deleteAll = (ids: Stream.Stream<string>) =>
 *   ContactsStream.deleteAll(ids, { ordered: false }).pipe(
 *     Stream.filter((result) => result._tag === "Deleted"),
 *     Stream.runCount
 *   )
 * ```
 *
 * @category streams
 * @since 0.1.0
 */
export const deleteAll = <E, R>(
  ids: Stream.Stream<string, E, R>,
  options: BulkOptions = {}
): Stream.Stream<DeleteRow, E | Stopped, R | Contacts> =>
  Bulk.run(
    ids,
    Effect.map(Contacts, (api) => ({
      keyOf: stringOrEmpty,
      orderingKeyOf: toLowerCase,
      apply: (id: string) => api.delete(id),
      onSuccess: (row: number, key: string): DeleteRow => ({ _tag: "Deleted", row, key }),
      onFailure: fromContactError
    })),
    options
  )

/**
 * Adds tags to every contact by its id, with several calls in flight, and emits one result for each row: see
 * `upsertAll`. Rows with the same id are applied one after the other.
 *
 * **Example** (Tag all contacts that a search finds)
 *
 * ```ts
 * import { ContactsStream } from "@agentalk/core"
 * import { Stream } from "effect"
 *
 * const program = ContactsStream.search({ name: "Smith" }).pipe(
 *   Stream.map(({ id }) => ({ id, tags: ["smith"] })),
 *   ContactsStream.addTagsAll,
 *   Stream.runDrain
 * )
 * ```
 *
 * @category streams
 * @since 0.1.0
 */
export const addTagsAll = <E, R>(
  rows: Stream.Stream<{ readonly id: string; readonly tags: ReadonlyArray<string> }, E, R>,
  options: BulkOptions = {}
): Stream.Stream<TagRow, E | Stopped, R | Contacts> =>
  Bulk.run(
    rows,
    Effect.map(Contacts, (api) => ({
      keyOf: (input) => stringOrEmpty(property(input, "id")),
      orderingKeyOf: toLowerCase,
      apply: (input) => api.addTags(property(input, "id") as string, property(input, "tags") as ReadonlyArray<string>),
      onSuccess: (row, key, contact: Option.Option<Contact>): TagRow => ({ _tag: "Tagged", row, key, contact }),
      onFailure: fromContactError
    })),
    options
  )
