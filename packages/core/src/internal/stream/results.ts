/** The results of bulk runs: one type for each outcome of a row, and the error of a run that stops early. */
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import {
  type CallError,
  type ContactError,
  type NotFound,
  Timeout,
  Unauthorized,
  type Validation
} from "../../AgentalkError.ts"
import type { Contact } from "../../Contact.ts"

interface Row {
  /** The number of the row in the input. The first row is 1. */
  readonly row: number
  /** The phone number or id of the row, as it was passed. It is `""` if the row has no such text. */
  readonly key: string
}

/**
 * A row that was refused before it was sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface Invalid extends Row {
  readonly _tag: "Invalid"
  readonly error: Validation
}

/**
 * A row whose call failed. `error.outcome` says whether the call may have had an effect.
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
 * A row that created a contact.
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
 * If an earlier attempt of the call has an unknown outcome, the row itself may have created the contact: see
 * `UpsertResult`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Updated extends Row {
  readonly _tag: "Updated"
  readonly contact: Contact
}

/**
 * A row that deleted a contact.
 *
 * @category models
 * @since 0.1.0
 */
export interface Deleted extends Row {
  readonly _tag: "Deleted"
}

/**
 * A row that added tags to a contact. `contact` is `None` if the response did not include the contact.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tagged extends Row {
  readonly _tag: "Tagged"
  readonly contact: Option.Option<Contact>
}

/**
 * The result of a row of `upsertAll`.
 *
 * @category models
 * @since 0.1.0
 */
export type UpsertRow = Created | Updated | Invalid | Failed

/**
 * The result of a row of `deleteAll`.
 *
 * @category models
 * @since 0.1.0
 */
export type DeleteRow = Deleted | Missing | Invalid | Failed

/**
 * The result of a row of `addTagsAll`.
 *
 * @category models
 * @since 0.1.0
 */
export type TagRow = Tagged | Missing | Invalid | Failed

/**
 * A range of row numbers. Both ends are included. Without `to`, the range continues to the end of the input.
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
 * A bulk run stopped early, because all later rows would probably fail in the same way: a call failed with
 * `Unauthorized` or reached its deadline.
 *
 * **Details**
 *
 * The run first completes the rows in flight and emits their results. Every row either has a result or is in
 * `remaining`, never both.
 *
 * @category errors
 * @since 0.1.0
 */
export class Stopped extends Schema.TaggedError<Stopped>("@agentalk/core/ContactsStream/Stopped")("Stopped", {
  /** The error of the call that stopped the run. */
  error: Schema.Union([Unauthorized, Timeout]),
  /** The number of the row that stopped the run. This row is in `remaining`. */
  row: Schema.Int,
  /** The rows without a result, in order. Run these rows again. */
  remaining: Schema.Array(Rows),
  /** Says what happened and what to do. It contains no secrets and no personal data. */
  message: Schema.String
}) {}

/** An error that stops the run instead of becoming the result of its row. */
export type StopError = Stopped["error"]

/** Whether an error stops the run. */
export const isStopError = (error: ContactError): error is StopError =>
  error._tag === "Unauthorized" || (error._tag === "Timeout" && error.limit === "deadline")

const maxRangesInMessage = 5

const describeRange = ({ from, to }: Rows): string => {
  if (to === undefined) return `all from ${from}`
  return to === from ? `${from}` : `${from} to ${to}`
}

const describeRanges = (ranges: ReadonlyArray<Rows>): string => {
  const parts = ranges.slice(0, maxRangesInMessage).map(describeRange)
  const last = ranges.length > maxRangesInMessage ? "more" : parts.pop()
  return parts.length === 0 ? `${last}` : `${parts.join(", ")} and ${last}`
}

/** Makes the error of a run that stops early. */
export const makeStopped = (error: StopError, row: number, remaining: ReadonlyArray<Rows>): Stopped =>
  new Stopped({
    error,
    row,
    remaining,
    message: `The run stopped at row ${row}. ${error.message} Rows without a result: ${describeRanges(remaining)}. Run these rows again.`
  })

/** Makes the result of a row whose call failed. */
export const fromCallError = (row: number, key: string, error: CallError): Invalid | Failed =>
  error._tag === "Validation" && error.source === "client"
    ? { _tag: "Invalid", row, key, error }
    : { _tag: "Failed", row, key, error }

/** Makes the result of a row whose call failed, for an operation that can fail with `NotFound`. */
export const fromContactError = (row: number, key: string, error: ContactError): Missing | Invalid | Failed =>
  error._tag === "NotFound" ? { _tag: "Missing", row, key, error } : fromCallError(row, key, error)
