/** Writes the messages of errors: what happened, what to do, the outcome of the call, and the number of attempts. */
import * as Duration from "effect/Duration"
import type { RetryStopped } from "../../AgentalkError.ts"
import type { Issue } from "../../Issue.ts"
import { type OperationDefinition, operations } from "../../Operations.ts"
import type { CallSummary } from "./summary.ts"

/** Formats a duration, rounded up to milliseconds below ten seconds, otherwise to seconds. */
export const formatDuration = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  return Duration.format(Duration.millis(millis < 10_000 ? Math.ceil(millis) : Math.ceil(millis / 1000) * 1000))
}

/** Formats the paths of issues in parentheses: at most five. */
export const formatPaths = (issues: ReadonlyArray<Issue>): string => {
  const paths = [...new Set(issues.map(({ path }) => path.join(".")).filter((path) => path !== ""))]
  return paths.length === 0 ? "" : ` (${paths.slice(0, 5).join(", ")}${paths.length > 5 ? ", …" : ""})`
}

/** Returns a sentence that says that nothing was sent, unless an earlier attempt was sent. */
export const nothingSent = ({ attempts }: CallSummary): string => (attempts === 0 ? "Nothing was sent." : "")

const describeOutcome = ({ operation, outcome }: CallSummary): string => {
  if (outcome === "not-applied") return ""
  if (outcome === "unknown") return " The write may have taken effect."
  const { adviceIfUnread }: Pick<OperationDefinition, "adviceIfUnread"> = operations[operation]
  return ` The write took effect.${adviceIfUnread === undefined ? "" : ` ${adviceIfUnread}`}`
}

const describeStop: Readonly<Record<RetryStopped, string>> = {
  "not-retryable": "",
  attempts: "",
  deadline: " The deadline left no time for another attempt.",
  budget: " No further attempt was made, because the retry budget is spent.",
  "retry-after": " The wait is longer than the retry policy allows."
}

/** Writes the message of an error. `event` is a clause that says what happened; `advice` is a whole sentence. */
export const writeMessage = (summary: CallSummary, event: string, advice = ""): string => {
  const attempts = summary.attempts > 1 ? ` ${summary.attempts} attempts in ${formatDuration(summary.elapsed)}.` : ""
  const rest = `${advice === "" ? "" : ` ${advice}`}${describeStop[summary.retryStopped]}${describeOutcome(summary)}${attempts}`
  return `Contacts.${summary.operation}: ${event}.${rest}`
}
