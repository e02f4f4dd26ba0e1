/** Detects an outage: a time in which every row that is sent fails with a transient error. */
import { CircuitOpen, RateLimited, ServerFault, Timeout, TransportFailure } from "@agentalk/core/AgentalkError"
import type * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Schema from "effect/Schema"

/** The errors that every row fails with while the API cannot be reached or does not process requests. */
export const OutageError = Schema.Union([TransportFailure, Timeout, CircuitOpen, ServerFault, RateLimited])

export type OutageError = typeof OutageError.Type

const isOutageError = Schema.is(OutageError)

interface Outage {
  /** The time of its first failed row, in milliseconds. */
  readonly since: number
  /** The position in the report before that row. */
  readonly position: number
}

/** Whether a row failed with an `OutageError`. */
export const isOutage = (result: ContactsStream.UpsertRow): boolean =>
  result._tag === "Failed" && isOutageError(result.error)

/**
 * Makes a detector. An outage begins with the first row that fails with an `OutageError`, and any other response of the
 * API ends it. `limit` is the time in milliseconds after which the import stops. `position` returns the current
 * position in the report.
 */
export const makeFailureDetector = (limit: number, position: () => number) => {
  let outage: Outage | undefined
  return {
    /**
     * Records a result; call it before the result is written to the report. Returns the error if the outage has lasted
     * for `limit`.
     */
    record: (result: ContactsStream.UpsertRow, now: number): OutageError | undefined => {
      // A row that was refused before it was sent says nothing about the API.
      if (result._tag === "Invalid") return undefined
      if (result._tag !== "Failed" || !isOutageError(result.error)) {
        outage = undefined
        return undefined
      }
      outage ??= { since: now, position: position() }
      return now - outage.since >= limit ? result.error : undefined
    },
    /** Ends the current outage. Returns the position in the report before it, or `undefined` if there is no outage. */
    reset: (): number | undefined => {
      const before = outage?.position
      outage = undefined
      return before
    }
  }
}
