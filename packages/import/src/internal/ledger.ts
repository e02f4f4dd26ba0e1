/**
 * The report of an import and the journal beside it, on disk.
 *
 * The report holds one line for each row that is done with, and is the truth. The journal begins with what the import
 * is of; then, about once a second, a line vouches for the report up to a length: which rows it holds, and the counts.
 * Before that line is written, the report is synced to the disk; so whatever survives of the journal speaks of a report
 * that survived as well, even when the power fails. Resuming starts from the last line of the journal that the report
 * bears out, takes in the whole lines that the report holds beyond it, and cuts off a torn one.
 */
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  rmSync,
  writeSync
} from "node:fs"
import { promisify } from "node:util"
import {
  begin,
  type Counts,
  isLine,
  type Line,
  linesFrom,
  no,
  type OpenOptions,
  parse,
  Refusal,
  resume,
  type Subject
} from "./journal.ts"

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
  /** Writes what waits, and gives what vouches for it, to be done after `sync`; nothing where nothing is new. */
  readonly flush: () => (() => void) | undefined
  /** Brings the report to the disk. */
  readonly sync: () => Promise<void>
  /** Writes the rest, vouches for it, and closes the files. */
  readonly close: () => void
  /** Fails when what is written down no longer reaches the disk. */
  readonly broken: Promise<never>
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
  const counts = { ...no }
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
    flush: () => undefined,
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

const journalOf = (reportPath: string): string => `${reportPath}.journal`

/** Removes a report in which no row stands, and its journal: an import that never began must not stand in the way. */
export const discard = (reportPath: string): void => {
  rmSync(reportPath, { force: true })
  rmSync(journalOf(reportPath), { force: true })
}

/** Begins an import, or continues one. Throws a `Refusal`, or what the system says. */
export const open = (reportPath: string, subject: Subject, options: OpenOptions): Ledger => {
  const journalPath = journalOf(reportPath)
  const isContinued = options.resume || options.retryFailed
  if (!isContinued && (existsSync(reportPath) || existsSync(journalPath))) {
    throw new Refusal(
      "there is a report of an earlier import already",
      "Continue that import with --resume, send its failed rows again with --retry-failed, or name another --report."
    )
  }
  const { counts, journal, report, rows, ...opened } = isContinued
    ? resume(reportPath, journalPath, subject, options)
    : begin(reportPath, journalPath, subject)
  const earlier = rows.size
  let { bytes } = opened
  let journalBytes = fstatSync(journal).size
  let isClosed = false
  let isBroken = false
  /** How often lines were taken back: what was to be vouched for before then is no longer so. */
  let takenBack = 0

  const queue = makeQueue((text) => {
    try {
      bytes = write(report, text, bytes)
    } catch (error) {
      // Lines are lost, so nothing may be vouched for any more; resuming finds out what the report holds.
      isBroken = true
      throw error
    }
  })
  const entry = (): string => `${JSON.stringify({ bytes, rows, counts })}\n`
  let vouched = { entry: entry(), bytes }
  const vouch = (next: string, upTo: number): void => {
    if (isBroken) return
    journalBytes = write(journal, next, journalBytes)
    vouched = { entry: next, bytes: upTo }
  }

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
      takenBack++
      for (const [text] of linesFrom(report, mark)) {
        const line = parse(text)
        if (isLine(line) && rows.delete(line.row)) counts[line.outcome]--
      }
      ftruncateSync(report, mark)
      bytes = mark
      fsyncSync(report)
      // Last, so that it stands before those that vouch for more.
      vouch(entry(), bytes)
    },
    flush: () => {
      queue.flush()
      const next = entry()
      const upTo = bytes
      const turn = takenBack
      if (next === vouched.entry) return undefined
      return () => {
        // Where rows lie scattered an entry is long; the journal is not to outgrow the report.
        if (isClosed || turn !== takenBack || upTo - vouched.bytes < next.length) return
        vouch(next, upTo)
      }
    },
    sync: () => sync(report),
    close: () => {
      if (isClosed) return
      isClosed = true
      queue.close()
      try {
        queue.flush()
        fsyncSync(report)
        const next = entry()
        if (next !== vouched.entry) vouch(next, bytes)
        fsyncSync(journal)
      } finally {
        closeSync(report)
        closeSync(journal)
      }
    },
    broken: queue.broken
  }
}
