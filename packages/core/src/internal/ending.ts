/** How an attempt failed, how a whole call ended, and how a message says it. */
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type { Issue, Operation, Outcome, RetryStopped } from "../AgentalkError.ts"

/** What one call is about. */
export interface Call<E> {
  readonly operation: Operation
  /** The input as it was sent and as it is now, whose values are kept out of error text. */
  readonly carried: ReadonlyArray<unknown>
  /** What a 404 or 410 means: `missingContact` where the path names a contact, else `missingAddress`. */
  readonly onMissing: Missing<E>
}

/** How a whole call ended, over all its attempts. */
export interface Ending {
  readonly operation: Operation
  readonly outcome: Outcome
  readonly attempts: number
  readonly elapsed: Duration.Duration
  readonly retryStopped: RetryStopped
}

/** Why a call ends. */
export interface Reason<E> {
  readonly toError: (ending: Ending) => E
}

/** How one attempt failed. */
export interface Failure<E> extends Reason<E> {
  /** What became of this attempt. */
  readonly outcome: Outcome
  /** Why another attempt may do better; `undefined` where none would. */
  readonly retry?: "timeout" | "transient" | "throttled" | undefined
  /** The shortest wait before another attempt, where the API told it. */
  readonly retryAfter?: Duration.Duration | undefined
}

/** A duration as people say it: no more digits than they need. */
export const phrase = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  return Duration.format(Duration.millis(millis < 10_000 ? Math.ceil(millis) : Math.ceil(millis / 1000) * 1000))
}

/** What a 404 or 410 means for an operation. */
export type Missing<E> = (ending: Ending, response: Response) => E

/** What every error tells that comes from a response. */
export interface Response {
  readonly status: number
  readonly requestId?: string
  readonly body?: Redacted.Redacted
}

/** A time limit, and whose it is. */
export interface Limit {
  readonly kind: "attempt" | "deadline"
  readonly duration: Duration.Duration
}

/** `search` changes nothing, whatever becomes of it. */
export const outcomeOf = (operation: Operation, outcome: Outcome): Outcome =>
  operation === "search" ? "not-applied" : outcome

const consequence = ({ operation, outcome }: Ending): string => {
  if (outcome === "not-applied") return ""
  if (outcome === "unknown") return " It may have taken effect all the same."
  return operation === "upsert"
    ? " The contact was written: find it with search({ phone })."
    : " It took effect all the same."
}

const stops: Readonly<Record<RetryStopped, string>> = {
  "not-retryable": "",
  attempts: "",
  deadline: " There was no time left for another attempt.",
  budget: " The retry budget is spent, so it was not tried again.",
  "retry-after": " That is longer than a call may wait."
}

/** The message of an error: what happened, what to do, what became of the call, and how it ended. */
export const say = (ending: Ending, what: string, advice = ""): string => {
  const tries = ending.attempts > 1 ? ` ${ending.attempts} attempts in ${phrase(ending.elapsed)}.` : ""
  const rest = `${advice === "" ? "" : ` ${advice}`}${stops[ending.retryStopped]}${consequence(ending)}${tries}`
  return `Contacts.${ending.operation}: ${what}.${rest}`
}

/** What to say of an attempt that was refused before it was made: earlier ones may have been sent. */
export const nothingSent = ({ attempts }: Ending): string => (attempts === 0 ? "Nothing was sent." : "")

/** Where issues are, for a sentence. */
export const wherePhrase = (issues: ReadonlyArray<Issue>): string => {
  const places = [...new Set(issues.map(({ path }) => path.join(".")).filter((place) => place !== ""))]
  return places.length === 0 ? "" : ` (${places.slice(0, 5).join(", ")}${places.length > 5 ? ", …" : ""})`
}

/** The ending of a call that made no attempt. */
export const unsent = (operation: Operation): Ending => ({
  operation,
  outcome: "not-applied",
  attempts: 0,
  elapsed: Duration.zero,
  retryStopped: "not-retryable"
})
