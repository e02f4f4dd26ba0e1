/** Records the results of rows in the report, and stops the import in an outage. */
import { Unauthorized } from "@agentalk/core/AgentalkError"
import type * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { isOutage, makeFailureDetector, OutageError } from "./failureDetector.ts"
import { toLine } from "./reportLine.ts"
import type { ReportWriter } from "./reportWriter.ts"

/**
 * An import stopped early, because every later row would fail in the same way. The token was refused, a call reached
 * its deadline, or an outage lasted for `giveUpAfter`.
 *
 * **Details**
 *
 * The rows in the report are complete. Resume the import to send the others. These include the rows that failed during
 * the outage, because their lines were removed from the report.
 *
 * @category errors
 * @since 0.1.0
 */
export class ImportStopped extends Schema.TaggedError<ImportStopped>("@agentalk/import/ImportStopped")(
  "ImportStopped",
  {
    /** The error of the row that stopped the import. */
    error: Schema.Union([Unauthorized, ...OutageError.members]),
    /** The line of that row in the file. The report does not contain this row. */
    line: Schema.Int,
    /** Says what happened. It contains no content of the file. */
    message: Schema.String
  }
) {}

interface Place {
  readonly row: number
  readonly line: number
}

/**
 * Makes a recorder. It stops the import after an outage of `limit` milliseconds.
 *
 * `upsertAll` numbers the rows that it receives, and the recorder maps these numbers to rows of the file. The numbers
 * differ, because invalid rows and rows of earlier runs are not passed to `upsertAll`.
 */
export const makeRowRecorder = (writer: ReportWriter, limit: number) => {
  const detector = makeFailureDetector(limit, writer.position)
  /** The rows that were sent and are not in the report. */
  const pending = new Map<number, Place>()
  let sent = 0
  let stopped: ImportStopped | undefined
  return {
    /** Notes the place of the next row that is sent. */
    willSend: (place: Place): void => {
      pending.set(++sent, place)
    },
    /** Writes a result to the report. Returns `true` if the import must stop now. */
    record: (result: ContactsStream.UpsertRow, now: number): boolean => {
      const place = pending.get(result.row)
      pending.delete(result.row)
      // After the stop, rows in flight may still fail because of the outage. `resume` sends them again.
      if (place === undefined || (stopped !== undefined && isOutage(result))) return false
      const error = detector.record(result, now)
      writer.add(toLine(place, result))
      if (error === undefined || stopped !== undefined) return false
      const { line } = place
      const time = Duration.format(Duration.millis(limit))
      const message = `no row succeeded for ${time}, so the import stopped at line ${line}. ${error.message}`
      stopped = new ImportStopped({ error, line, message })
      return true
    },
    /** Removes the rows that failed in the current outage from the report. */
    rollback: (): void => {
      const position = detector.reset()
      if (position !== undefined) writer.rollback(position)
    },
    /** Converts the error of `upsertAll`. */
    fromStopped: ({ error, row }: ContactsStream.Stopped): ImportStopped => {
      const line = pending.get(row)?.line ?? 0
      return new ImportStopped({ error, line, message: `the import stopped at line ${line}. ${error.message}` })
    },
    /** The reason why the import stopped in an outage. */
    stopped: (): ImportStopped | undefined => stopped
  }
}
