/** A line of the report: the number of a row, its outcome and the reason. It contains no value of the row. */
import { isObject, parseJson } from "@agentalk/core/unstable"
import type * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Result from "effect/Result"

const outcomes = ["created", "updated", "invalid", "failed"] as const

type Outcome = (typeof outcomes)[number]

/** The number of rows by outcome. */
export type Counts = Readonly<Record<Outcome, number>>

export const makeCounts = (): Record<Outcome, number> => ({ created: 0, updated: 0, invalid: 0, failed: 0 })

export interface Line {
  /** The number of the row. The first row is 1. */
  readonly row: number
  /** The number of the line on which the row begins. The first line of the file is 1. */
  readonly line: number
  /** `invalid` rows were refused before sending. The calls of `failed` rows failed. */
  readonly outcome: Outcome
  /** The id of the contact, if the row is `created` or `updated`. */
  readonly contact?: string
  /** The tag of the error, if the row is `failed`. */
  readonly error?: string
  /** Whether the call may have had an effect, if the row is `failed`. It is the `outcome` of the error. */
  readonly effect?: string
  /** The reason, if the row is `invalid` or `failed`. */
  readonly reason?: string
}

/** Parses a line of a report. Returns `undefined` if it is not valid. */
export const parseLine = (text: string): Line | undefined => {
  const value = Result.getOrUndefined(parseJson(text))
  return isObject(value) &&
    Number.isSafeInteger(value["row"]) &&
    Number(value["row"]) > 0 &&
    outcomes.some((outcome) => outcome === value["outcome"])
    ? (value as unknown as Line)
    : undefined
}

/** The issues of a row as one line of text. */
export const reasonOf = (
  issues: ReadonlyArray<{ readonly path: ReadonlyArray<string | number>; readonly message: string }>
): string =>
  issues.map(({ message, path }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ")

/** The line of a row that was passed to `upsertAll`. */
export const toLine = (
  { line, row }: { readonly row: number; readonly line: number },
  result: ContactsStream.UpsertRow
): Line => {
  switch (result._tag) {
    case "Created":
      return { row, line, outcome: "created", contact: result.contact.id }
    case "Updated":
      return { row, line, outcome: "updated", contact: result.contact.id }
    case "Invalid":
      return { row, line, outcome: "invalid", reason: reasonOf(result.error.issues) }
    case "Failed": {
      const { _tag, message, outcome } = result.error
      const issues = "issues" in result.error ? (result.error.issues ?? []) : []
      const reason = issues.length === 0 ? message : `${message} ${reasonOf(issues)}`
      return { row, line, outcome: "failed", error: _tag, effect: outcome, reason }
    }
    default:
      return result satisfies never
  }
}
