/** Telling that nothing gets through any more from a row that fails by itself. */
import { CircuitOpen, RateLimited, ServerFault, Timeout, TransportFailure } from "@agentalk/core/AgentalkError"
import type * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Schema from "effect/Schema"

/** What every row fails with while the API cannot be reached, or does no work. */
export const OutageError = Schema.Union([TransportFailure, Timeout, CircuitOpen, ServerFault, RateLimited])

const isOutageError = Schema.is(OutageError)

/** A time in which nothing gets through. */
interface Stretch {
  /** When its first row failed, in milliseconds. */
  readonly since: number
  /** Where the report ended then. */
  readonly mark: number
}

/** Whether nothing got through for a row. */
export const isOutage = (result: ContactsStream.UpsertRow): boolean =>
  result._tag === "Failed" && isOutageError(result.error)

/** Watches the results of rows for a time in which nothing gets through. */
export const makeWatch = (mark: () => number) => {
  let stretch: Stretch | undefined
  return {
    /** Is told of a result before it is in the report; gives the error where nothing has got through for `limit` ms. */
    see: (result: ContactsStream.UpsertRow, now: number, limit: number): typeof OutageError.Type | undefined => {
      // What was refused before sending tells nothing of the API.
      if (result._tag === "Invalid") return undefined
      if (result._tag !== "Failed" || !isOutageError(result.error)) {
        stretch = undefined
        return undefined
      }
      stretch ??= { since: now, mark: mark() }
      return now - stretch.since >= limit ? result.error : undefined
    },
    /** Forgets the present stretch, and gives where the report ended before it. */
    end: (): number | undefined => {
      const before = stretch?.mark
      stretch = undefined
      return before
    }
  }
}
