/**
 * Imports a file of contacts, one line of a report for each of its rows, and survives being killed at any moment.
 *
 * @since 0.1.0
 */
import { Unauthorized } from "@agentalk/core/AgentalkError"
import { UpsertInput } from "@agentalk/core/Contact"
import type { Contacts } from "@agentalk/core/Contacts"
import * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Stream from "effect/Stream"
import * as ContactFile from "./ContactFile.ts"
import { drained } from "./internal/drained.ts"
import { identify } from "./internal/identify.ts"
import type { Ledger } from "./internal/ledger.ts"
import { isOutage, makeWatch, OutageError } from "./internal/outage.ts"
import * as ReportFile from "./internal/reportFile.ts"
import * as Line from "./internal/reportLine.ts"

/**
 * How many rows there are of each outcome. Their sum is the number of rows that are done with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counts extends Line.Counts {}

/**
 * One line of the report. It names the row by its place in the file, and holds nothing of what the row says.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReportLine extends Line.Line {}

/**
 * How far an import is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  /** Whether the file is still being read once, to know it again when the import is resumed, or its rows are sent. */
  readonly phase: "checking" | "sending"
  /** The rows that are done with, those of earlier runs included. */
  readonly counts: Counts
  /** How many of them earlier runs did. */
  readonly earlier: number
  /** How many rows were read; a few more than are done with. */
  readonly rowsRead: number
  /** How many bytes of the file this phase has read, ahead of the rows. */
  readonly bytesRead: number
  /** How many bytes the file has; unknown of standard input. */
  readonly bytesTotal: number | undefined
}

/**
 * What an import did.
 *
 * @category models
 * @since 0.1.0
 */
export interface Summary extends Counts {
  /** The rows of the file: `created + updated + invalid + failed`. */
  readonly rows: number
  /** How many of them were done by earlier runs of this import. */
  readonly earlier: number
  /** Where the report is. */
  readonly report: string
}

/**
 * An import ended early, for every further row would fare alike: the credentials were refused, a call ran into its
 * whole deadline, or nothing got through for as long as `giveUpAfter`. The rows that are in the report are done with;
 * resuming goes on with the others, those that failed since anything last got through among them.
 *
 * @category errors
 * @since 0.1.0
 */
export class ImportStopped extends Schema.TaggedError<ImportStopped>("@agentalk/import/ImportStopped")(
  "ImportStopped",
  {
    /** What the call of a row failed with. */
    error: Schema.Union([Unauthorized, ...OutageError.members]),
    /** The line of that row. It is not in the report. */
    line: Schema.Int,
    /** What happened, for a person; nothing of the file's content. */
    message: Schema.String
  }
) {}

/**
 * How a file is imported.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options extends Omit<ContactFile.ReadOptions, "onBytes"> {
  /**
   * Where the report is written: NDJSON, one line for each row. Its journal stands beside it, `.journal` added to the
   * name, and while an import runs its `.lock`. `-` is standard output; that, a device or a pipe has no journal.
   * Default: the name of the file and `.report.ndjson`; for standard input the first free one of
   * `stdin.report.ndjson`, `stdin.2.report.ndjson` and so on.
   */
  readonly report?: string | undefined
  /** Goes on with an import that was interrupted; begins one where there is none. Default: `false`. */
  readonly resume?: boolean | undefined
  /**
   * Goes on with an import, finished or not, and sends the rows again that are `failed` in its report; these lines are
   * taken out of it first. Default: `false`.
   */
  readonly retryFailed?: boolean | undefined
  /**
   * For how long all that comes back may be that nothing gets through (`TransportFailure`, `Timeout`, `CircuitOpen`,
   * `ServerFault`, `RateLimited`) before the import stops. Default: 1 minute.
   */
  readonly giveUpAfter?: Duration.Input | undefined
  /** How many rows may be in flight at once. Default: 8. */
  readonly concurrency?: number | undefined
  /** How long rows in flight may take to end when the import is interrupted. Default: 2 seconds. */
  readonly drain?: Duration.Input | undefined
  /** Is given a function that tells how far the import is, as it begins. */
  readonly onStart?: ((look: () => Snapshot) => void) | undefined
}

/**
 * Where the report of a file is written unless another name is given.
 *
 * @category accessors
 * @since 0.1.0
 */
export const reportOf = ReportFile.defaultOf

/**
 * Whether an import of a file, with its report there, can be resumed: neither is standard input or output, a pipe or a
 * device.
 *
 * @category guards
 * @since 0.1.0
 */
export const isResumable = ReportFile.isResumable

// What a power failure can cost at most; every row behind it is sent again.
const syncEvery = "1 second"

const writing = (run: () => Promise<unknown>) =>
  Effect.tryPromise({ try: run, catch: (error) => ContactFile.systemFault("written", error, "report") })

const written = <A>(run: () => A) =>
  Effect.try({ try: run, catch: (error) => ContactFile.systemFault("written", error, "report") })

/**
 * Imports the contacts of a file.
 *
 * **Details**
 *
 * Every row of the file is in the report exactly once: created, updated, invalid (not sent) or failed (with the tag of
 * its error). After an interruption, even by `kill -9` or a power failure, `resume` goes on where it ended; a row whose
 * line had not been written yet is sent again, and may then be reported as updated. The file must still be the same:
 * all of its bytes are compared, and so are `format`, `map` and `typed`.
 *
 * Interrupting the import begins no further row, gives those in flight `drain` to end, and writes the report. An
 * import that ends early, by itself or interrupted, takes the rows back that failed since anything last got through.
 *
 * Two imports never write one report at the same time: the second one fails.
 *
 * **Gotchas**
 *
 * Any other failed row is done with: resuming does not send it again, `retryFailed` does. That is later than the file
 * has it: where a later row has the same phone number, the one that is sent again has the last word.
 *
 * Standard input can neither be resumed nor read twice.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = (
  path: string,
  options: Options = {}
): Effect.Effect<Summary, ContactFile.FileFault | ImportStopped, Contacts> =>
  Effect.gen(function* () {
    const { concurrency, drain = "2 seconds", map = {}, maxRowBytes = 1_048_576, typed = false } = options
    const limit = Duration.toMillis(options.giveUpAfter ?? "1 minute")
    const format = options.format ?? Option.getOrUndefined(ContactFile.formatOf(path))
    const stats = yield* ReportFile.statsOf(path)
    const isReadOnce = ReportFile.isReadOnce(stats)

    let phase: Snapshot["phase"] = isReadOnce ? "sending" : "checking"
    let bytesRead = 0
    let rows = 0
    let given = 0
    /** The rows that were given to be upserted and are not in the report, by their number there. */
    const open = new Map<number, { readonly row: number; readonly line: number }>()
    let looked: Ledger | undefined
    const onBytes = (bytes: number): void => {
      bytesRead += bytes
    }
    options.onStart?.(() => ({
      phase,
      counts: looked?.counts() ?? Line.makeCounts(),
      earlier: looked?.earlier ?? 0,
      rowsRead: rows,
      bytesRead,
      bytesTotal: isReadOnce ? undefined : stats?.size
    }))

    const subject = identify(path, onBytes, (error) => ContactFile.systemFault("read", error)).pipe(
      Effect.map((identity) => ({ ...identity, format: format ?? "", map, typed, maxRowBytes }))
    )
    const { ledger, report } = yield* ReportFile.open(path, options, isReadOnce ? undefined : subject)
    looked = ledger
    phase = "sending"
    bytesRead = 0

    const inputs = ContactFile.read(path, { format, map, maxRowBytes, typed, onBytes }).pipe(
      Stream.mapArray((chunk) => {
        const inputs: Array<UpsertInput> = []
        for (const each of chunk) {
          const { line, row } = each
          rows = row
          if (ledger.has(row)) continue
          if (each._tag === "Refused") {
            ledger.add({ row, line, outcome: "invalid", reason: each.reason })
          } else {
            open.set(++given, { row, line })
            inputs.push(each.input)
          }
        }
        return [inputs] as const
      }),
      Stream.flattenIterable
    )

    const watch = makeWatch(ledger.mark)
    /** Takes back the rows that failed since anything last got through. */
    const takeBack = Effect.suspend(() => {
      const mark = watch.end()
      return mark === undefined ? Effect.void : written(() => ledger.takeBack(mark))
    })
    yield* Effect.addFinalizer((exit) => (Exit.isSuccess(exit) ? Effect.void : Effect.ignore(takeBack)))
    const stop = yield* Deferred.make<void>()
    let stopped: ImportStopped | undefined

    /** Writes down what became of a row; tells whether the import stops there. */
    const settle = (result: ContactsStream.UpsertRow, now: number): boolean => {
      const row = open.get(result.row)
      open.delete(result.row)
      // What still fails after that is left to the resuming.
      if (row === undefined || (stopped !== undefined && isOutage(result))) return false
      const error = watch.see(result, now, limit)
      ledger.add(Line.toLine(row, result))
      if (error === undefined || stopped !== undefined) return false
      const time = Duration.format(Duration.millis(limit))
      const message = `nothing got through for ${time}, so the import stopped at line ${row.line}. ${error.message}`
      stopped = new ImportStopped({ error, line: row.line, message })
      return true
    }
    const upserts = ContactsStream.upsertAll(inputs, {
      concurrency,
      ordered: false,
      stopWhen: Deferred.await(stop)
    }).pipe(
      Stream.runForEachArray((results) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          for (const result of results) {
            if (settle(result, now)) yield* Effect.andThen(takeBack, Deferred.succeed(stop, undefined))
          }
        })
      ),
      Effect.catchIf(
        (error) => error instanceof ContactsStream.Stopped,
        ({ error, row }) => {
          const line = open.get(row)?.line ?? 0
          return Effect.fail(
            new ImportStopped({ error, line, message: `the import stopped at line ${line}. ${error.message}` })
          )
        }
      )
    )
    const bookkeeping = Effect.raceFirst(
      Effect.repeat(writing(ledger.sync), Schedule.spaced(syncEvery)),
      writing(() => ledger.broken)
    )

    yield* drained(Effect.raceFirst(upserts, bookkeeping), Deferred.succeed(stop, undefined), drain)
    if (stopped !== undefined) return yield* Effect.fail(stopped)
    yield* written(ledger.close)
    return { rows, earlier: ledger.earlier, ...ledger.counts(), report }
  }).pipe(Effect.scoped)

/**
 * What a file holds, without sending it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Check {
  readonly rows: number
  /** The rows that would be sent. */
  readonly valid: number
  readonly invalid: number
}

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const toReason = (issue: SchemaIssue.Issue): string =>
  Line.reasonOf(formatIssue(issue).issues.map(({ message, path = [] }) => ({ message, path: path.map(String) })))

const decodeInput = SchemaParser.decodeUnknownResult(UpsertInput)

/**
 * Reads a file and checks its rows as `run` does, and sends nothing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const check = (
  path: string,
  options: Omit<ContactFile.ReadOptions, "onBytes"> & {
    /** Is told of every row that would not be sent. */
    readonly onInvalid?: ((row: ReportLine) => void) | undefined
  } = {}
): Effect.Effect<Check, ContactFile.FileFault> =>
  Effect.suspend(() => {
    const { onInvalid, ...readOptions } = options
    let rows = 0
    let invalid = 0
    const refuse = ({ line, row }: ContactFile.Row, reason: string): void => {
      invalid++
      onInvalid?.({ row, line, outcome: "invalid", reason })
    }
    return ContactFile.read(path, readOptions).pipe(
      Stream.runForEachArray((chunk) =>
        Effect.sync(() => {
          for (const row of chunk) {
            rows++
            if (row._tag === "Refused") refuse(row, row.reason)
            else {
              const decoded = decodeInput(row.input)
              if (Result.isFailure(decoded)) refuse(row, toReason(decoded.failure))
            }
          }
        })
      ),
      Effect.map(() => ({ rows, valid: rows - invalid, invalid }))
    )
  })
