/**
 * Writes the report of an import: one line for each row that is done with. The report alone holds the progress.
 *
 * Resuming reads the whole report and cuts off a torn or damaged end. The journal beside the report says which file and
 * options the import is of.
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
import { afresh, create, journalOf, read, Refusal, type Subject, verify } from "./journal.ts"
import { type Counts, type Line, makeCounts } from "./reportLine.ts"
import { linesFrom, readReport, removeFailed } from "./reportReader.ts"

/** What an import writes down. */
export interface Ledger {
  /** Whether a row is done with. */
  readonly has: (row: number) => boolean
  /** How many rows were done with by earlier runs. */
  readonly earlier: number
  readonly counts: () => Counts
  /** Writes down what became of a row; with others of the same turn of the event loop in one go. */
  readonly add: (line: Line) => void
  /** A place in the report to go back to. */
  readonly mark: () => number
  /** Takes back all lines behind a place: their rows are not done with. */
  readonly takeBack: (mark: number) => void
  /** Writes what waits, and brings the report to the disk. */
  readonly sync: () => Promise<void>
  /** Writes the rest, brings it to the disk, and closes the report. */
  readonly close: () => void
  /** Fails when what is written down no longer reaches the report. */
  readonly broken: Promise<never>
}

/** How an import that is there already is met. */
export interface OpenOptions {
  /** Goes on with it. */
  readonly resume: boolean
  /** Goes on with it, and takes back the rows that failed. */
  readonly retryFailed: boolean
}

const sync = promisify(fdatasync)

/** Gathers lines, and writes them with others of the same turn of the event loop in one go. */
const makeQueue = (write: (text: string) => void) => {
  let waiting: Array<string> = []
  let bytes = 0
  let isClosed = false
  const { promise: broken, reject: fail } = Promise.withResolvers<never>()
  // Whoever closed the ledger asks no more.
  broken.catch(() => {})
  const flush = (): void => {
    if (waiting.length === 0) return
    const text = waiting.join("")
    waiting = []
    bytes = 0
    write(text)
  }
  return {
    broken,
    flush,
    /** How many bytes wait. */
    bytes: () => bytes,
    add: (line: Line): void => {
      const text = `${JSON.stringify(line)}\n`
      bytes += Buffer.byteLength(text)
      waiting.push(text)
      if (waiting.length > 1) return
      setImmediate(() => {
        if (isClosed) return
        try {
          flush()
        } catch (error) {
          fail(error)
        }
      })
    },
    close: (): void => {
      isClosed = true
    }
  }
}

/** A report that nothing can be continued from: on standard output, on a device, or of standard input. */
export const openPlain = (path: string | undefined, flags: "w" | "wx" = "w"): Ledger => {
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
    mark: () => 0,
    takeBack: () => {},
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
    broken: queue.broken
  }
}

/** Writes a text, at an offset where one is given; tells the offset behind it. */
const write = (file: number, text: string, at?: number): number => {
  const buffer = Buffer.from(text)
  for (let done = 0; done < buffer.length;) {
    done += writeSync(file, buffer, done, buffer.length - done, at === undefined ? null : at + done)
  }
  return (at ?? 0) + buffer.length
}

/** Removes a report in which no row stands, and its journal: an import that never began must not stand in the way. */
export const discard = (reportPath: string): void => {
  rmSync(reportPath, { force: true })
  rmSync(journalOf(reportPath), { force: true })
}

/** Makes the report of a new import. The journal comes first, so that no report with lines ever lacks one. */
const begin = (reportPath: string, subject: Subject): number => {
  create(journalOf(reportPath), subject)
  return openSync(reportPath, "wx+", 0o600)
}

/** Opens the report of an earlier import. */
const reopen = (reportPath: string, subject: Subject, { retryFailed }: OpenOptions): number => {
  const stats = statSync(reportPath, { throwIfNoEntry: false })
  if (retryFailed && stats === undefined) {
    throw new Refusal(
      "there is no report of an earlier import, so no row failed",
      "Import the file without --retry-failed."
    )
  }
  const journal = read(journalOf(reportPath))
  if (journal === undefined) {
    if (stats !== undefined && stats.size > 0) {
      throw new Refusal("the report has no journal beside it that can be read, so it cannot be continued", afresh)
    }
    // Killed before the first row: there is nothing to continue.
    discard(reportPath)
    return begin(reportPath, subject)
  }
  verify(journal, subject)
  if (retryFailed) removeFailed(reportPath)
  return openSync(reportPath, constants.O_RDWR | constants.O_CREAT, 0o600)
}

/** Begins an import, or continues one. Throws a `Refusal`, or what the system says. */
export const open = (reportPath: string, subject: Subject, options: OpenOptions): Ledger => {
  const isContinued = options.resume || options.retryFailed
  if (!isContinued && (existsSync(reportPath) || existsSync(journalOf(reportPath)))) {
    throw new Refusal(
      "there is a report of an earlier import already",
      "Continue that import with --resume, send its failed rows again with --retry-failed, or name another --report."
    )
  }
  const report = isContinued ? reopen(reportPath, subject, options) : begin(reportPath, subject)
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
      if (!rows.add(line.row)) throw new Error(`row ${line.row} was done with already`)
      counts[line.outcome]++
      queue.add(line)
    },
    mark: () => bytes + queue.bytes(),
    takeBack: (mark) => {
      queue.flush()
      for (const { line } of linesFrom(report, mark)) {
        if (rows.delete(line.row)) counts[line.outcome]--
      }
      ftruncateSync(report, mark)
      bytes = mark
      fsyncSync(report)
    },
    sync: () => {
      queue.flush()
      if (isSynced) return Promise.resolve()
      isSynced = true
      return sync(report)
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
    broken: queue.broken
  }
}
