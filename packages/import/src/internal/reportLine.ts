/** What the report says of a row: its place, its outcome and why; nothing of what the row holds. */
import type * as ContactsStream from "@agentalk/core/ContactsStream"
import type { Json } from "effect/Schema"
import { isObject } from "./columns.ts"
import { parse } from "./journal.ts"

/** What can become of a row. */
const outcomes = ["created", "updated", "invalid", "failed"] as const

type Outcome = (typeof outcomes)[number]

export type Counts = Readonly<Record<Outcome, number>>

/** One line of the report. It names the row by its place in the file, and holds nothing of what the row says. */
export interface Line {
  readonly row: number
  readonly line: number
  readonly outcome: Outcome
  /** The id of the contact that was created or updated. */
  readonly contact?: string
  /** The tag of the error of a failed row. */
  readonly error?: string
  /** What became of the call of a failed row. */
  readonly effect?: string
  readonly reason?: string
}

export const makeCounts = (): Record<Outcome, number> => ({ created: 0, updated: 0, invalid: 0, failed: 0 })

const isLine = (value: Json | undefined): value is Json & Line =>
  value !== undefined &&
  isObject(value) &&
  Number.isSafeInteger(value["row"]) &&
  Number(value["row"]) > 0 &&
  outcomes.some((outcome) => outcome === value["outcome"])

/** Parses a line of a report. Returns `undefined` if it is not one. */
export const parseLine = (text: string): Line | undefined => {
  const value = parse(text)
  return isLine(value) ? value : undefined
}

/** What is wrong with a row, in one line. */
export const reasonOf = (
  issues: ReadonlyArray<{ readonly path: ReadonlyArray<string | number>; readonly message: string }>
) => issues.map(({ message, path }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ")

/** The line of a row that was given to be upserted. */
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
