/**
 * Imports a file of contacts, one line of a report for each of its rows, and survives being killed at any moment.
 *
 * @since 0.1.0
 */
import { Timeout, Unauthorized } from "@agentalk/core/AgentalkError"
import { UpsertInput } from "@agentalk/core/Contact"
import type { Contacts } from "@agentalk/core/Contacts"
import * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { pipeline } from "node:stream/promises"
import * as ContactFile from "./ContactFile.ts"
import { drained } from "./internal/drained.ts"
import * as Ledger from "./internal/ledger.ts"
import { reasonOf, toLine } from "./internal/reportLine.ts"

/**
 * How many rows there are of each outcome. Their sum is the number of rows that are done with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counts extends Ledger.Counts {}

/**
 * One line of the report. It names the row by its place in the file, and holds nothing of what the row says.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReportLine extends Ledger.Line {}

/**
 * How far an import is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  /** The rows that are done with, those of earlier runs included. */
  readonly counts: Counts
  /** How many of them earlier runs did. */
  readonly earlier: number
  /** How many rows were read; a few more than are done with. */
  readonly rowsRead: number
  /** How many bytes of the file were read, ahead of the rows. */
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
}

/**
 * An import ended early, for every further row would fare alike: the credentials were refused, or a call ran into its
 * whole deadline. The rows that are in the report are done with; resuming goes on with the others.
 *
 * @category errors
 * @since 0.1.0
 */
export class ImportStopped extends Schema.TaggedError<ImportStopped>("@agentalk/node/ImportStopped")("ImportStopped", {
  /** What the call of a row failed with. */
  error: Schema.Union([Unauthorized, Timeout]),
  /** The line of that row. It is not in the report. */
  line: Schema.Int,
  /** What happened, for a person; nothing of the file's content. */
  message: Schema.String
}) {}

/**
 * How a file is imported.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options extends Omit<ContactFile.ReadOptions, "onBytes"> {
  /**
   * Where the report is written: NDJSON, one line for each row. Its journal stands beside it, `.journal` added to the
   * name. `-` is standard output, without a journal. Default: the name of the file and `.report.ndjson`.
   */
  readonly report?: string | undefined
  /** Goes on with an import that was interrupted; begins one where there is none. Default: `false`. */
  readonly resume?: boolean | undefined
  /** How many rows may be in flight at once. Default: 8. */
  readonly concurrency?: number | undefined
  /** How long rows in flight may take to end when the import is interrupted. Default: 2 seconds. */
  readonly drain?: Duration.Input | undefined
  /** Is given a function that tells how far the import is, once it has begun. */
  readonly onStart?: ((look: () => Snapshot) => void) | undefined
}

/**
 * Where the report of a file is written unless another name is given.
 *
 * @category accessors
 * @since 0.1.0
 */
export const reportOf = (path: string): string => `${path === ContactFile.standard ? "stdin" : path}.report.ndjson`

const checkpointEvery = "1 second"

const reading = (run: (signal: AbortSignal) => Promise<unknown>) =>
  Effect.tryPromise({ try: run, catch: (error) => ContactFile.systemFault("read", error) })

const writing = (run: () => Promise<unknown>) =>
  Effect.tryPromise({ try: run, catch: (error) => ContactFile.systemFault("written", error) })

const written = <A>(run: () => A) =>
  Effect.try({ try: run, catch: (error) => ContactFile.systemFault("written", error) })

/** Vouches for what was written so far, when it is on the disk. */
const checkpoint = (ledger: Ledger.Ledger) =>
  Effect.flatMap(written(ledger.flush), (vouch) =>
    vouch === undefined ? Effect.void : Effect.andThen(writing(ledger.sync), written(vouch))
  )

const closing = ({ close }: Ledger.Ledger) => written(close)

/** Which file it is: its size and all of its bytes, for a row is known by its number. */
const identify = (path: string) =>
  Effect.suspend(() => {
    const hash = createHash("sha256")
    let size = 0
    const counted = createReadStream(path, { highWaterMark: 1_048_576 }).on("data", ({ length }) => {
      size += length
    })
    return reading((signal) => pipeline(counted, hash, { signal })).pipe(
      Effect.map(() => ({ size, sha256: hash.digest("hex") }))
    )
  })

const openLedger = (path: string, subject: Ledger.Subject, isResumed: boolean) =>
  Effect.try({
    try: () => Ledger.open(path, subject, isResumed),
    catch: (error) =>
      error instanceof Ledger.Refusal
        ? new ContactFile.FileFault({ kind: "resume", message: error.message, advice: error.advice })
        : ContactFile.systemFault("written", error)
  })

/**
 * Imports the contacts of a file.
 *
 * **Details**
 *
 * Every row of the file is in the report exactly once: created, updated, invalid (not sent) or failed (with the tag of
 * its error). After an interruption, even by `kill -9` or a power failure, `resume` goes on where it ended; a row whose
 * line had not been written yet is sent again, and may then be reported as updated. The file must still be the same:
 * all of its bytes are compared, and so are `format` and `map`.
 *
 * Interrupting the import begins no further row, gives those in flight `drain` to end, and writes the report.
 *
 * **Gotchas**
 *
 * A failed row is done with: resuming does not send it again. Standard input can neither be resumed nor read twice.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = (
  path: string,
  options: Options = {}
): Effect.Effect<Summary, ContactFile.FileFault | ImportStopped, Contacts> =>
  Effect.gen(function* () {
    const { concurrency, drain = "2 seconds", map = {}, maxRowBytes = 1_048_576, resume = false } = options
    const isStandard = path === ContactFile.standard
    const format = options.format ?? Option.getOrUndefined(ContactFile.formatOf(path))
    const report = options.report ?? reportOf(path)
    if (resume && (isStandard || report === ContactFile.standard)) {
      return yield* new ContactFile.FileFault({
        kind: "resume",
        message: "an import from standard input, or with its report on standard output, cannot be resumed",
        advice: "Import a file, and have the report in one, to be able to resume."
      })
    }
    const identity = isStandard ? { size: 0, sha256: "" } : yield* identify(path)
    const ledger = yield* Effect.acquireRelease(
      report === ContactFile.standard
        ? Effect.sync(Ledger.openStandard)
        : openLedger(report, { ...identity, format: format ?? "", map, maxRowBytes }, resume),
      (ledger, exit) => {
        const isEmpty = ledger.earlier === 0 && Object.values(ledger.counts()).every((count) => count === 0)
        // After an interruption, rows may have been on their way.
        const isRefused = Exit.isFailure(exit) && !Cause.hasInterrupts(exit.cause)
        const isInVain = isRefused && isEmpty && report !== ContactFile.standard
        return Effect.andThen(
          Effect.ignore(closing(ledger)),
          isInVain ? Effect.ignore(written(() => Ledger.discard(report))) : Effect.void
        )
      }
    )

    let bytesRead = 0
    let rows = 0
    let given = 0
    /** The rows that were given to be upserted and are not in the report, by their number there. */
    const open = new Map<number, { readonly row: number; readonly line: number }>()

    options.onStart?.(() => ({
      counts: ledger.counts(),
      earlier: ledger.earlier,
      rowsRead: rows,
      bytesRead,
      bytesTotal: isStandard ? undefined : identity.size
    }))

    const inputs = ContactFile.read(path, {
      format,
      map,
      maxRowBytes,
      onBytes: (bytes) => {
        bytesRead += bytes
      }
    }).pipe(
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

    const stop = yield* Deferred.make<void>()
    const upserts = ContactsStream.upsertAll(inputs, {
      concurrency,
      ordered: false,
      stopWhen: Deferred.await(stop)
    }).pipe(
      Stream.runForEachArray((results) =>
        Effect.sync(() => {
          for (const result of results) {
            const row = open.get(result.row)
            open.delete(result.row)
            if (row !== undefined) ledger.add(toLine(row, result))
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
      Effect.repeat(checkpoint(ledger), Schedule.spaced(checkpointEvery)),
      writing(() => ledger.broken)
    )

    yield* drained(Effect.raceFirst(upserts, bookkeeping), Deferred.succeed(stop, undefined), drain)
    yield* closing(ledger)
    return { rows, earlier: ledger.earlier, ...ledger.counts() }
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
  reasonOf(formatIssue(issue).issues.map(({ message, path = [] }) => ({ message, path: path.map(String) })))

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
