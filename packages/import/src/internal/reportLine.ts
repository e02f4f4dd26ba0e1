/** What the report says of a row: its place, its outcome and why; nothing of what the row holds. */
import type * as ContactsStream from "@agentalk/core/ContactsStream"
import type { Line } from "./journal.ts"

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
