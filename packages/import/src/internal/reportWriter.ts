/**
 * Writes the report of an import: one line for each row that has an outcome. No other file records the progress.
 *
 * Resuming reads the whole report and cuts off an incomplete or damaged end. The journal beside the report identifies
 * the file and the options of the import.
 */
import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  openSync,
  rmSync,
  statSync,
  writeSync
} from "node:fs"
import { promisify } from "node:util"
import { resumeFault } from "./fileFault.ts"
import * as Journal from "./journal.ts"
import { type Counts, type Line, makeCounts } from "./reportLine.ts"
import { linesFrom, readReport, removeFailed } from "./reportReader.ts"

export interface ReportWriter {
  /** Whether the report contains a row. */
  readonly has: (row: number) => boolean
  /** The number of rows that were in the report when it was opened. */
  readonly earlier: number
  readonly counts: () => Counts
  /** Adds a line. Lines that are added in the same turn of the event loop are written together. */
  readonly add: (line: Line) => void
  /** The current end of the report, for `rollback`. */
  readonly position: () => number
  /** Removes all lines after a position, so that their rows are sent again when the import is resumed. */
  readonly rollback: (position: number) => void
  /** Writes the added lines, and syncs the report to the disk. */
  readonly sync: () => Promise<void>
  /** Writes the added lines, syncs the report to the disk, and closes it. */
  readonly close: () => void
  /** Rejects if a line cannot be written. */
  readonly failure: Promise<never>
}

export interface OpenOptions {
  /** Opens the report of an earlier import if there is one. */
  readonly resume: boolean
  /** Opens the report of an earlier import, and removes the lines of its failed rows. */
  readonly retryFailed: boolean
}

const syncToDisk = promisify(fdatasync)

const makeQueue = (write: (text: string) => void) => {
  let queued: Array<string> = []
  let bytes = 0
  let isClosed = false
  const { promise: failure, reject } = Promise.withResolvers<never>()
  // After the writer is closed nobody awaits the promise, and an unhandled rejection would end the process.
  failure.catch(() => {})
  const flush = (): void => {
    if (queued.length === 0) return
    const text = queued.join("")
    queued = []
    bytes = 0
    write(text)
  }
  return {
    failure,
    flush,
    bytes: () => bytes,
    add: (line: Line): void => {
      const text = `${JSON.stringify(line)}\n`
      bytes += Buffer.byteLength(text)
      queued.push(text)
      if (queued.length > 1) return
      setImmediate(() => {
        if (isClosed) return
        try {
          flush()
        } catch (error) {
          reject(error)
        }
      })
    },
    close: (): void => {
      isClosed = true
    }
  }
}

/** Writes text at an offset, or at the current position of the file. Returns the offset of its end. */
const write = (file: number, text: string, offset?: number): number => {
  const buffer = Buffer.from(text)
  for (let done = 0; done < buffer.length;) {
    done += writeSync(file, buffer, done, buffer.length - done, offset === undefined ? null : offset + done)
  }
  return (offset ?? 0) + buffer.length
}

/** Opens a report that cannot be resumed. Without a path, it is written to standard output. */
export const openWriteOnly = (path: string | undefined, flags: "w" | "wx" = "w"): ReportWriter => {
  const file = path === undefined ? undefined : openSync(path, flags, 0o600)
  const counts = makeCounts()
  const queue = makeQueue((text) => {
    if (file === undefined) process.stdout.write(text)
    else write(file, text)
  })
  let isClosed = false
  return {
    has: () => false,
    earlier: 0,
    counts: () => ({ ...counts }),
    add: (line) => {
      counts[line.outcome]++
      queue.add(line)
    },
    position: () => 0,
    rollback: () => {},
    sync: () => Promise.resolve(),
    close: () => {
      if (isClosed) return
      isClosed = true
      queue.close()
      try {
        queue.flush()
      } finally {
        if (file !== undefined) closeSync(file)
      }
    },
    failure: queue.failure
  }
}

/** Removes a report without lines, and its journal, so that the import can be started again without `resume`. */
export const discard = (reportPath: string): void => {
  rmSync(reportPath, { force: true })
  rmSync(Journal.journalPathOf(reportPath), { force: true })
}

/** Creates the report of a new import. The journal is written first, so that every report with lines has one. */
const createReport = (reportPath: string, subject: Journal.Subject): number => {
  Journal.create(Journal.journalPathOf(reportPath), subject)
  return openSync(reportPath, "wx+", 0o600)
}

const reopenReport = (reportPath: string, subject: Journal.Subject, { retryFailed }: OpenOptions): number => {
  const stats = statSync(reportPath, { throwIfNoEntry: false })
  if (retryFailed && stats === undefined) {
    throw resumeFault(
      "there is no report of an earlier import, so there are no failed rows",
      "Import the file without --retry-failed."
    )
  }
  const journal = Journal.read(Journal.journalPathOf(reportPath))
  if (journal === undefined) {
    if (stats !== undefined && stats.size > 0) {
      throw resumeFault("the report cannot be resumed, because its journal is missing or damaged", Journal.startOver)
    }
    // The earlier import was killed before its first row.
    discard(reportPath)
    return createReport(reportPath, subject)
  }
  Journal.verify(journal, subject)
  if (retryFailed) removeFailed(reportPath)
  return openSync(reportPath, constants.O_RDWR | constants.O_CREAT, 0o600)
}

/** Opens the report of a new or an earlier import. Throws a `FileFault` or a system error. */
export const open = (reportPath: string, subject: Journal.Subject, options: OpenOptions): ReportWriter => {
  const canExist = options.resume || options.retryFailed
  if (!canExist && (existsSync(reportPath) || existsSync(Journal.journalPathOf(reportPath)))) {
    throw resumeFault(
      "a report of an earlier import exists",
      "Resume that import with --resume, send its failed rows again with --retry-failed, or choose another --report."
    )
  }
  const report = canExist ? reopenReport(reportPath, subject, options) : createReport(reportPath, subject)
  const { counts, rows, ...content } = readReport(report)
  const earlier = rows.size
  let { bytes } = content
  ftruncateSync(report, bytes)
  let isSynced = true
  let isClosed = false

  const queue = makeQueue((text) => {
    isSynced = false
    bytes = write(report, text, bytes)
  })

  return {
    has: (row) => rows.has(row),
    earlier,
    counts: () => ({ ...counts }),
    add: (line) => {
      if (!rows.add(line.row)) throw new Error(`row ${line.row} is already in the report`)
      counts[line.outcome]++
      queue.add(line)
    },
    position: () => bytes + queue.bytes(),
    rollback: (position) => {
      queue.flush()
      for (const { line } of linesFrom(report, position)) {
        if (rows.delete(line.row)) counts[line.outcome]--
      }
      ftruncateSync(report, position)
      bytes = position
      fsyncSync(report)
    },
    sync: () => {
      queue.flush()
      if (isSynced) return Promise.resolve()
      isSynced = true
      return syncToDisk(report)
    },
    close: () => {
      if (isClosed) return
      isClosed = true
      queue.close()
      try {
        queue.flush()
        fsyncSync(report)
      } finally {
        closeSync(report)
      }
    },
    failure: queue.failure
  }
}
