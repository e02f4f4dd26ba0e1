/**
 * Many contacts: a search over all its pages, and bulk runs with one result for each row, as streams over `Contacts`.
 *
 * Memory stays flat however long a stream is; every stream can be run again, and interrupting one aborts what is in
 * flight.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import {
  type CallError,
  type ContactError,
  type NotFound,
  Timeout,
  Unauthorized,
  type Validation
} from "./AgentalkError.ts"
import type { Contact, SearchPage, SearchQuery, UpsertInput, UpsertResult } from "./Contact.ts"
import { Contacts } from "./Contacts.ts"
import * as Bulk from "./internal/stream/bulk.ts"
import * as Paging from "./internal/stream/paging.ts"
import * as Counting from "./internal/stream/progress.ts"

// --- search -------------------------------------------------------------------------------------------------------

/**
 * What to search for: at least one of `name` and `phone`.
 *
 * @category models
 * @since 0.1.0
 */
export type Query = Omit<Schema.Codec.Encoded<typeof SearchQuery>, "limit" | "offset"> &
  ({ readonly name: string } | { readonly phone: string })

/**
 * How pages are asked for.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface PageOptions {
  /** How many contacts to ask for at a time, sent as `limit`; a server may give fewer. Default: 50. */
  readonly pageSize?: number | undefined
}

/**
 * The pages of a search, each with the total as the API told it with that page.
 *
 * **Details**
 *
 * A page is asked for when it is wanted, at an offset of as many rows as were received. The end is an empty page, one
 * that is shorter than an earlier one, or a total that is reached. Where the total is no more than the length of a full
 * page (one as long as asked, or of 50 and more), one further request makes sure.
 *
 * No contact is given twice: those that were seen are left out of a later page, and a page without any new one is not
 * given. A server that ignores `offset`, or repeats itself, comes to an end: where a page begins as the one before did,
 * or after three pages in a row without a new contact. The ids of emitted contacts are kept in memory, at 77 to 97 bytes each.
 *
 * **Gotchas**
 *
 * Offsets cannot see what others do meanwhile: when contacts before the offset are deleted, those behind move up, and as
 * many are missed.
 *
 * **Example** (How far a search is)
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
  Paging.read(query, options, (page) => [page])

/**
 * All contacts that a search finds, page after page, each of them once: see `pages`.
 *
 * **Example** (The first thousand)
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
  Paging.read(query, options, (page) => page.contacts)

// --- bulk: options and results ------------------------------------------------------------------------------------

/**
 * How a bulk run is done.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface BulkOptions {
  /** How many rows may be in flight at once. Default: 8. */
  readonly concurrency?: number | undefined
  /** Whether results come in the order of the input, or else as they are had. Default: `true`. */
  readonly ordered?: boolean | undefined
  /** Is told of every row, for a bar: see `makeProgress`. Default: none. */
  readonly progress?: Progress | undefined
  /**
   * Ends the run early when it ends: no further row is begun, the results of those in flight are given, and then the
   * stream ends. Default: never.
   */
  readonly stopWhen?: Effect.Effect<unknown> | undefined
}

interface Row {
  /** The number of the row in the input, from 1 on. */
  readonly row: number
  /** What the row names its contact by: the phone number or the id, as given; `""` where it is no text. */
  readonly key: string
}

/**
 * A row that was refused before sending.
 *
 * @category models
 * @since 0.1.0
 */
export interface Invalid extends Row {
  readonly _tag: "Invalid"
  readonly error: Validation
}

/**
 * A row whose call failed, by the API or on the way; `error.outcome` tells what became of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed extends Row {
  readonly _tag: "Failed"
  readonly error: CallError
}

/**
 * A row whose contact does not exist.
 *
 * @category models
 * @since 0.1.0
 */
export interface Missing extends Row {
  readonly _tag: "Missing"
  readonly error: NotFound
}

/**
 * A row that created its contact.
 *
 * @category models
 * @since 0.1.0
 */
export interface Created extends Row {
  readonly _tag: "Created"
  readonly contact: Contact
}

/**
 * A row that updated a contact.
 *
 * **Gotchas**
 *
 * After an attempt whose outcome is unknown, it may be this very row that created it: see `UpsertResult`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Updated extends Row {
  readonly _tag: "Updated"
  readonly contact: Contact
}

/**
 * A row whose contact was deleted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Deleted extends Row {
  readonly _tag: "Deleted"
}

/**
 * A row whose tags were added; the contact is there where the answer carried it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tagged extends Row {
  readonly _tag: "Tagged"
  readonly contact: Option.Option<Contact>
}

/**
 * What became of a row of `upsertAll`.
 *
 * @category models
 * @since 0.1.0
 */
export type UpsertRow = Created | Updated | Invalid | Failed

/**
 * What became of a row of `deleteAll`.
 *
 * @category models
 * @since 0.1.0
 */
export type DeleteRow = Deleted | Missing | Invalid | Failed

/**
 * What became of a row of `addTagsAll`.
 *
 * @category models
 * @since 0.1.0
 */
export type TagRow = Tagged | Missing | Invalid | Failed

/**
 * Rows from one number to another, both included. Without `to`: all to the end of the input, however many these are.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Rows = Schema.Struct({ from: Schema.Int, to: Schema.optionalKey(Schema.Int) })

/**
 * @category schemas
 * @since 0.1.0
 */
export interface Rows extends Schema.Schema.Type<typeof Rows> {}

/**
 * A bulk run ended early, for every further row would fare alike: the credentials were refused, or a call ran into its
 * whole deadline.
 *
 * **Details**
 *
 * Rows that were in flight had their time to end, and their results were given. A row is either among these or in
 * `left`, never in both.
 *
 * @category errors
 * @since 0.1.0
 */
export class Stopped extends Schema.TaggedError<Stopped>("@agentalk/core/ContactsStream/Stopped")("Stopped", {
  /** Why: what the call of that row failed with. */
  error: Schema.Union([Unauthorized, Timeout]),
  /** The number of the row that stopped the run. It is among those left. */
  row: Schema.Int,
  /** The rows without a result, in order: those to run again. */
  left: Schema.Array(Rows),
  /** What happened and what to do, for a person; free of secrets and personal data. */
  message: Schema.String
}) {}

// --- bulk: progress -----------------------------------------------------------------------------------------------

/**
 * How far a bulk run is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot extends Counting.Snapshot {}

/**
 * Counts the rows of a bulk run: pass it to the run, and look at it from another fiber.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress extends Counting.Progress {}

/**
 * Makes the counter of one bulk run; several runs that share it are counted together.
 *
 * **Example** (A line for every tenth of a second)
 *
 * ```ts
 * import { ContactsStream, type UpsertInput } from "@agentalk/core"
 * import { Console, Effect, Stream } from "effect"
 *
 * const importAll = Effect.fnUntraced(function* (rows: Stream.Stream<UpsertInput>) {
 *   const progress = yield* ContactsStream.makeProgress
 *   const run = ContactsStream.upsertAll(rows, { progress }).pipe(Stream.runDrain)
 *   const draw = progress.changes.pipe(
 *     Stream.runForEach(({ byOutcome, done, rowsPerSecond }) =>
 *       Console.error(`${done} done, ${byOutcome.Failed} failed, ${Math.round(rowsPerSecond)} rows/s`)
 *     )
 *   )
 *   yield* Effect.all([run, draw], { concurrency: 2 })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeProgress: Effect.Effect<Progress> = Counting.makeProgress

// --- bulk: runs ---------------------------------------------------------------------------------------------------

const most = 5

const describeRows = (left: ReadonlyArray<Rows>): string => {
  const parts = left
    .slice(0, most)
    .map(({ from, to }) => (to === undefined ? `all from ${from} on` : to === from ? `${from}` : `${from} to ${to}`))
  return left.length > most ? `${parts.join(", ")} and more` : parts.join(", ")
}

const toStopped = (error: Unauthorized | Timeout, row: number, left: ReadonlyArray<Rows>) =>
  new Stopped({
    error,
    row,
    left,
    message: `The run stopped at row ${row}. ${error.message} Rows without a result: ${describeRows(left)}. Run these again.`
  })

const endsRun = (error: ContactError): error is Unauthorized | Timeout =>
  error._tag === "Unauthorized" || (error._tag === "Timeout" && error.limit === "deadline")

const callFailed = (row: number, key: string, error: CallError): Invalid | Failed =>
  error._tag === "Validation" && error.source === "client"
    ? { _tag: "Invalid", row, key, error }
    : { _tag: "Failed", row, key, error }

const contactFailed = (row: number, key: string, error: ContactError): Missing | Invalid | Failed =>
  error._tag === "NotFound" ? { _tag: "Missing", row, key, error } : callFailed(row, key, error)

// A row may be anything where the caller is not compiled: what cannot be read is refused like what is missing.
const property = (input: unknown, name: string): unknown => {
  try {
    return Predicate.hasProperty(input, name) ? input[name] : undefined
  } catch {
    return undefined
  }
}

const textOr = (value: unknown, otherwise: string): string => (Predicate.isString(value) ? value : otherwise)

const toDigits = (phone: string): string => phone.replace(/[^0-9]+/g, "")
const toLowerCase = (id: string): string => id.toLowerCase()

/**
 * Upserts every row, several at a time.
 *
 * **Details**
 *
 * One result for each row. A row that fails does not end the run; `Stopped` does, and failures of the input. Rows with
 * the same phone number (the same digits) are applied one after the other in the order of the input, so the last one
 * wins.
 *
 * At most 1024 rows are read ahead of the results that were given, which is what a slow row can hold back; at most 64
 * results wait for who reads them before no further row is begun.
 *
 * **Gotchas**
 *
 * Who ends the stream early, with `Stream.take` for one, interrupts rows in flight, and their outcome is unknown;
 * `stopWhen` lets these end.
 *
 * **Example** (Import, and see what failed)
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
      keyOf: (input: UpsertInput) => textOr(property(input, "phone"), ""),
      turnOf: toDigits,
      apply: (input: UpsertInput) => api.upsert(input),
      onSuccess: (row: number, key: string, { contact, isNew }: UpsertResult): UpsertRow => ({
        _tag: isNew ? "Created" : "Updated",
        row,
        key,
        contact
      }),
      onFailure: callFailed,
      endsRun
    })),
    toStopped,
    options
  )

/**
 * Deletes every contact by its id, several at a time, with one result for each: see `upsertAll`. An id that is there
 * twice is `Missing` the second time.
 *
 * **Example** (How many there were)
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
      keyOf: (id: string) => textOr(id, ""),
      turnOf: toLowerCase,
      apply: (id: string) => api.delete(id),
      onSuccess: (row: number, key: string): DeleteRow => ({ _tag: "Deleted", row, key }),
      onFailure: contactFailed,
      endsRun
    })),
    toStopped,
    options
  )

/**
 * Adds tags to every contact by its id, several at a time, with one result for each: see `upsertAll`. Rows with the same
 * id are applied one after the other.
 *
 * **Example** (Tag what a search finds)
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
      keyOf: (input) => textOr(property(input, "id"), ""),
      turnOf: toLowerCase,
      apply: (input) => api.addTags(property(input, "id") as string, property(input, "tags") as ReadonlyArray<string>),
      onSuccess: (row, key, contact: Option.Option<Contact>): TagRow => ({ _tag: "Tagged", row, key, contact }),
      onFailure: contactFailed,
      endsRun
    })),
    toStopped,
    options
  )
