/**
 * Imports a contact file and writes a report with one line per row. An import that was interrupted or killed can be
 * resumed.
 *
 * @since 0.1.0
 */
import type { UpsertInput } from "@agentalk/core/Contact"
import type { Contacts } from "@agentalk/core/Contacts"
import * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as ContactFile from "./ContactFile.ts"
import { defaultMaxRowBytes } from "./internal/decoder.ts"
import { systemFault } from "./internal/fileFault.ts"
import { fingerprint } from "./internal/fingerprint.ts"
import { withGracefulShutdown } from "./internal/gracefulShutdown.ts"
import * as ReportFile from "./internal/reportFile.ts"
import * as Line from "./internal/reportLine.ts"
import type { ReportWriter } from "./internal/reportWriter.ts"
import { ImportStopped, makeRowRecorder } from "./internal/rowRecorder.ts"

export { check, type Check } from "./internal/check.ts"
export { ImportStopped }

/**
 * The number of rows by outcome. Their sum is the number of rows in the report.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counts extends Line.Counts {}

/**
 * A line of the report. It identifies a row by its number and contains no value of the row.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReportLine extends Line.Line {}

/**
 * The progress of an import at one moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  /**
   * An import first reads the whole file to compute its hash (`"checking"`), and then sends the rows (`"sending"`). It
   * skips the first phase if the file can be read only once, such as standard input.
   */
  readonly phase: "checking" | "sending"
  /** The number of rows in the report, by outcome. It includes rows of earlier runs. */
  readonly counts: Counts
  /** The number of rows that were in the report when this run started. */
  readonly earlier: number
  /** The number of rows that were read. Some of them may not be in the report yet. */
  readonly rowsRead: number
  /** The number of bytes that this phase has read, before decompression. */
  readonly bytesRead: number
  /** The size of the file in bytes. It is `undefined` for standard input, a device and an open pipe. */
  readonly bytesTotal: number | undefined
}

/**
 * The result of an import.
 *
 * @category models
 * @since 0.1.0
 */
export interface Summary extends Counts {
  /** The number of rows in the file: `created + updated + invalid + failed`. */
  readonly rows: number
  /** The number of rows that were in the report when this run started. */
  readonly earlier: number
  /** The path of the report. */
  readonly report: string
}

/**
 * Options of `run`.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options extends Omit<ContactFile.ReadOptions, "onBytes"> {
  /**
   * The path of the report: NDJSON, one line per row. The journal has the same path with `.journal` added, and the lock
   * of a running import has `.lock`. The path `-` is standard output. An import with its report on standard output, a
   * device or a pipe has no journal and cannot be resumed.
   *
   * Default: the path of the file with `.report.ndjson` added. For standard input, a device and an open pipe, it is the
   * first unused name of `stdin.report.ndjson`, `stdin.2.report.ndjson` and so on.
   */
  readonly report?: string | undefined
  /** Resumes an earlier import of the file. If there is none, a new one starts. Default: `false`. */
  readonly resume?: boolean | undefined
  /**
   * Resumes an earlier import, completed or not, and sends its `failed` rows again. Their lines are first removed from
   * the report. Fails if there is no report. Default: `false`.
   */
  readonly retryFailed?: boolean | undefined
  /**
   * How long an outage can last before the import stops with `ImportStopped`. An outage begins when a row fails with
   * `TransportFailure`, `Timeout`, `CircuitOpen`, `ServerFault` or `RateLimited`. It ends when a row succeeds or fails
   * with any other error of the API. Default: 1 minute.
   */
  readonly giveUpAfter?: Duration.Input | undefined
  /** The maximum number of rows in flight at once. Default: 8. */
  readonly concurrency?: number | undefined
  /** How long rows in flight can take to complete after the import is interrupted. Default: 2 seconds. */
  readonly drain?: Duration.Input | undefined
  /** Called once when the import starts, with a function that returns its progress. Default: none. */
  readonly onStart?: ((snapshot: () => Snapshot) => void) | undefined
}

/**
 * The path of the report of a file, unless the option `report` sets another one.
 *
 * @category accessors
 * @since 0.1.0
 */
export const defaultReportPath = ReportFile.defaultReportPath

/**
 * Whether the import of a file can be resumed. It cannot if the file or the report is standard input or output, a
 * device or a pipe.
 *
 * @category guards
 * @since 0.1.0
 */
export const isResumable = ReportFile.isResumable

// After a power failure, the rows since the last sync are sent again.
const syncInterval = "1 second"

const attempt = <A>(run: () => A) => Effect.try({ try: run, catch: (error) => systemFault("written", error, "report") })

const attemptAsync = <A>(run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (error) => systemFault("written", error, "report") })

/**
 * Imports the contacts of a file.
 *
 * **Details**
 *
 * The report contains every row of the file exactly once: `created`, `updated`, `invalid` (not sent) or `failed` (with
 * the tag of its error). An import that was interrupted, even by `kill -9` or a power failure, continues with `resume`.
 * It sends every row without a line in the report. If an earlier run had already created the contact of such a row,
 * its outcome is `updated`. The file must not have changed, and `format`, `map`, `typed` and `maxRowBytes` must be the
 * same.
 *
 * If the import is interrupted, no further row starts, and rows in flight have the time of `drain` to complete. If the
 * import ends during an outage, the lines of the rows that failed in the outage are removed from the report. Therefore
 * `resume` sends these rows again.
 *
 * Only one import can write a report at a time. A second one fails with `FileFault`.
 *
 * **Gotchas**
 *
 * `resume` does not send rows again that failed outside of an outage; `retryFailed` does. A row that is sent again is
 * sent after rows that follow it in the file. If one of these has the same phone number, its values are overwritten.
 *
 * An import from standard input cannot be resumed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = (
  path: string,
  options: Options = {}
): Effect.Effect<Summary, ContactFile.FileFault | ImportStopped, Contacts> =>
  Effect.gen(function* () {
    const { concurrency, drain = "2 seconds", map = {}, maxRowBytes = defaultMaxRowBytes, typed = false } = options
    const format = options.format ?? Option.getOrUndefined(ContactFile.formatOf(path))
    const bytesTotal = yield* ReportFile.sizeOf(path)

    let phase: Snapshot["phase"] = bytesTotal === undefined ? "sending" : "checking"
    let bytesRead = 0
    let rowsRead = 0
    let openWriter: ReportWriter | undefined
    const onBytes = (bytes: number): void => {
      bytesRead += bytes
    }
    options.onStart?.(() => ({
      phase,
      counts: openWriter?.counts() ?? Line.makeCounts(),
      earlier: openWriter?.earlier ?? 0,
      rowsRead,
      bytesRead,
      bytesTotal
    }))

    const subject = Effect.map(fingerprint(path, onBytes), (known) => ({
      ...known,
      format: format ?? "",
      map,
      typed,
      maxRowBytes
    }))
    const { report, writer } = yield* ReportFile.open(path, options, bytesTotal === undefined ? undefined : subject)
    const recorder = makeRowRecorder(writer, Duration.toMillis(options.giveUpAfter ?? "1 minute"))
    openWriter = writer
    phase = "sending"
    bytesRead = 0

    const inputs = ContactFile.read(path, { format, map, maxRowBytes, typed, onBytes }).pipe(
      Stream.mapArray((rows) => {
        const inputs: Array<UpsertInput> = []
        for (const each of rows) {
          const { line, row } = each
          rowsRead = row
          if (writer.has(row)) continue
          if (each._tag === "Refused") {
            writer.add({ row, line, outcome: "invalid", reason: each.reason })
          } else {
            recorder.willSend({ row, line })
            inputs.push(each.input)
          }
        }
        return [inputs] as const
      }),
      Stream.flattenIterable
    )

    const rollback = attempt(recorder.rollback)
    yield* Effect.addFinalizer((exit) => (Exit.isSuccess(exit) ? Effect.void : Effect.ignore(rollback)))
    const stop = yield* Deferred.make<void>()
    const upserts = ContactsStream.upsertAll(inputs, {
      concurrency,
      ordered: false,
      stopWhen: Deferred.await(stop)
    }).pipe(
      Stream.runForEachArray((results) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          for (const result of results) {
            if (recorder.record(result, now)) yield* Effect.andThen(rollback, Deferred.succeed(stop, undefined))
          }
        })
      ),
      Effect.catchIf(
        (error) => error instanceof ContactsStream.Stopped,
        (error) => Effect.fail(recorder.fromStopped(error))
      )
    )
    const syncs = Effect.repeat(attemptAsync(writer.sync), Schedule.spaced(syncInterval))
    const failure = attemptAsync(() => writer.failure)

    const work = Effect.raceFirst(upserts, Effect.raceFirst(syncs, failure))
    yield* withGracefulShutdown(work, Deferred.succeed(stop, undefined), drain)
    const stopped = recorder.stopped()
    if (stopped !== undefined) return yield* stopped
    yield* attempt(writer.close)
    return { rows: rowsRead, earlier: writer.earlier, ...writer.counts(), report }
  }).pipe(Effect.scoped)
