/**
 * The report of an import and the journal beside it, on disk.
 *
 * The report holds one line for each row that is done with, and is the truth. The journal begins with what the import
 * is of; then, about once a second, a line vouches for the report up to a length: which rows it holds, and the counts.
 * Before that line is written, the report is synced to the disk; so whatever survives of the journal speaks of a report
 * that survived as well, even when the power fails. Resuming starts from the last line of the journal that the report
 * bears out, takes in the whole lines that the report holds beyond it, and cuts off a torn one.
 */
import type { Json } from "effect/Schema"
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync
} from "node:fs"
import { promisify } from "node:util"
import { isObject } from "./columns.ts"
import { newline } from "./rows.ts"
import { type Range, RowSet } from "./rowSet.ts"

/** What can become of a row. */
const outcomes = ["created", "updated", "invalid", "failed"] as const

type Outcome = (typeof outcomes)[number]

export type Counts = Readonly<Record<Outcome, number>>

/** One line of the report. It names the row by its place in the file, and holds nothing of what the row says. */
export interface Line {
  readonly row: number
  readonly line: number
  readonly outcome: Outcome
  /** The id of the contact that was created or updated. */
  readonly contact?: string
  /** The tag of the error of a failed row. */
  readonly error?: string
  /** What became of the call of a failed row. */
  readonly effect?: string
  readonly reason?: string
}

/** What an import is of: it can only be continued with the same. */
export interface Subject {
  readonly size: number
  readonly sha256: string
  readonly format: string
  readonly map: Readonly<Record<string, string>>
  readonly maxRowBytes: number
}

/** Why an import cannot be begun or continued. */
export class Refusal {
  readonly message: string
  readonly advice: string

  constructor(message: string, advice: string) {
    this.message = message
    this.advice = advice
  }
}

/** What an import writes down. */
export interface Ledger {
  /** Whether a row is done with. */
  readonly has: (row: number) => boolean
  /** How many rows were done with by earlier runs. */
  readonly earlier: number
  readonly counts: () => Counts
  /** Writes down what became of a row; with others of the same turn of the event loop in one go. */
  readonly add: (line: Line) => void
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

const version = 1

const parse = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

interface Checkpoint {
  readonly bytes: number
  readonly rows: ReadonlyArray<Range>
  readonly counts: Counts
}

const isRange = (value: Json): boolean =>
  Array.isArray(value) && value.length === 2 && isCount(value[0]) && isCount(value[1]) && value[0] <= value[1]

const toCheckpoint = (value: Json | undefined): Checkpoint | undefined =>
  value !== undefined &&
  isObject(value) &&
  isCount(value["bytes"]) &&
  Array.isArray(value["rows"]) &&
  value["rows"].every((range: Json) => isRange(range)) &&
  isObject(value["counts"] ?? null) &&
  outcomes.every((outcome) => isCount((value["counts"] as Record<string, Json>)[outcome]))
    ? (value as unknown as Checkpoint)
    : undefined

const isLine = (value: Json | undefined): value is Json & Line =>
  value !== undefined &&
  isObject(value) &&
  isCount(value["row"]) &&
  outcomes.some((outcome) => outcome === value["outcome"])

const sorted = (map: Json): string =>
  JSON.stringify(Object.entries(isObject(map) ? map : {}).toSorted(([a], [b]) => (a < b ? -1 : 1)))

const isSame = (one: Json | undefined, subject: Subject): boolean => {
  if (one === undefined || !isObject(one)) return false
  return (
    one["format"] === subject.format &&
    one["maxRowBytes"] === subject.maxRowBytes &&
    sorted(one["map"] ?? null) === sorted(subject.map)
  )
}

// The whole lines of a file from an offset on, each with the offset behind it.
function* linesFrom(file: number, offset: number): Generator<readonly [text: string, end: number]> {
  const block = Buffer.alloc(65_536)
  let left = Buffer.alloc(0)
  let at = offset
  for (let read = readSync(file, block, 0, block.length, at); read > 0;) {
    const base = at - left.length
    left = Buffer.concat([left, block.subarray(0, read)])
    at += read
    let start = 0
    for (let end = left.indexOf(newline); end !== -1; end = left.indexOf(newline, start)) {
      yield [left.toString("utf8", start, end), base + end + 1]
      start = end + 1
    }
    left = left.subarray(start)
    read = readSync(file, block, 0, block.length, at)
  }
}

const endsLine = (file: number, bytes: number): boolean => {
  if (bytes === 0) return true
  const last = Buffer.alloc(1)
  return readSync(file, last, 0, 1, bytes - 1) === 1 && last[0] === newline
}

const no = { created: 0, updated: 0, invalid: 0, failed: 0 }

interface Opened {
  readonly report: number
  readonly journal: number
  readonly rows: RowSet
  readonly counts: Record<Outcome, number>
  readonly bytes: number
}

const begin = (reportPath: string, journalPath: string, subject: Subject): Opened => {
  const journal = openSync(journalPath, "wx", 0o600)
  writeSync(journal, `${JSON.stringify({ journal: version, ...subject })}\n`)
  fsyncSync(journal)
  const report = openSync(reportPath, "wx+", 0o600)
  return { report, journal, rows: new RowSet(), counts: { ...no }, bytes: 0 }
}

const afresh = "Name another report with --report, or remove this one and its journal to begin anew."

const resume = (reportPath: string, journalPath: string, subject: Subject): Opened => {
  const text = existsSync(journalPath) ? readFileSync(journalPath, "utf8") : ""
  const whole = text.slice(0, text.lastIndexOf("\n") + 1)
  const [head = "", ...entries] = whole.split("\n").slice(0, -1)
  const header = parse(head)
  const report = existsSync(reportPath) ? openSync(reportPath, "r+") : undefined
  const size = report === undefined ? 0 : fstatSync(report).size
  if (header === undefined || !isObject(header) || header["journal"] !== version) {
    if (report !== undefined) closeSync(report)
    if (size > 0) throw new Refusal("the report has no journal beside it, so it cannot be continued", afresh)
    // Killed before the first row: there is nothing to continue.
    rmSync(journalPath, { force: true })
    rmSync(reportPath, { force: true })
    return begin(reportPath, journalPath, subject)
  }
  const refuse = (message: string, advice: string): never => {
    if (report !== undefined) closeSync(report)
    throw new Refusal(message, advice)
  }
  if (header["size"] !== subject.size || header["sha256"] !== subject.sha256) {
    refuse("the file is not the one that this import began with: its content has changed", afresh)
  }
  if (!isSame(header, subject)) {
    refuse(
      "this import began with another --format or --map",
      "Continue it with the same ones, or begin anew with another --report."
    )
  }
  const file = report ?? openSync(reportPath, "wx+", 0o600)
  const checkpoint = entries
    .toReversed()
    .map((entry) => toCheckpoint(parse(entry)))
    .find((each) => each !== undefined && endsLine(file, each.bytes)) ?? {
    bytes: 0,
    rows: [],
    counts: no
  }
  const rows = new RowSet(checkpoint.rows)
  const counts = { ...checkpoint.counts }
  let { bytes } = checkpoint
  for (const [text, end] of linesFrom(file, bytes)) {
    const value = parse(text)
    if (!isLine(value) || !rows.add(value.row)) break
    counts[value.outcome]++
    bytes = end
  }
  ftruncateSync(file, bytes)
  const journal = openSync(journalPath, "r+")
  ftruncateSync(journal, Buffer.byteLength(whole))
  return { report: file, journal, rows, counts, bytes }
}

/** A report on standard output, which nothing can be continued from. */
export const openStandard = (): Ledger => {
  const counts = { ...no }
  return {
    has: () => false,
    earlier: 0,
    counts: () => ({ ...counts }),
    add: (line) => {
      counts[line.outcome]++
      process.stdout.write(`${JSON.stringify(line)}\n`)
    },
    flush: () => undefined,
    sync: () => Promise.resolve(),
    close: () => {},
    broken: Promise.withResolvers<never>().promise
  }
}

/** Writes a text at an offset; tells the offset behind it. */
const write = (file: number, text: string, at: number): number => {
  const buffer = Buffer.from(text)
  for (let done = 0; done < buffer.length;) done += writeSync(file, buffer, done, buffer.length - done, at + done)
  return at + buffer.length
}

const journalOf = (reportPath: string): string => `${reportPath}.journal`

/** Removes a report in which no row stands, and its journal: an import that never began must not stand in the way. */
export const discard = (reportPath: string): void => {
  rmSync(reportPath, { force: true })
  rmSync(journalOf(reportPath), { force: true })
}

/** Begins an import, or continues one. Throws a `Refusal`, or what the system says. */
export const open = (reportPath: string, subject: Subject, isResumed: boolean): Ledger => {
  const journalPath = journalOf(reportPath)
  if (!isResumed && (existsSync(reportPath) || existsSync(journalPath))) {
    throw new Refusal(
      "there is a report of an earlier import already",
      "Continue that import with --resume, or name another report with --report."
    )
  }
  const { counts, journal, report, rows, ...opened } = (isResumed ? resume : begin)(reportPath, journalPath, subject)
  const earlier = rows.size
  let { bytes } = opened
  let journalBytes = fstatSync(journal).size
  let waiting: Array<string> = []
  let isClosed = false
  const { promise: broken, reject: fail } = Promise.withResolvers<never>()
  // Whoever closed the ledger asks no more.
  broken.catch(() => {})

  const flush = (): void => {
    if (waiting.length === 0) return
    const text = waiting.join("")
    waiting = []
    bytes = write(report, text, bytes)
  }
  const vouch = (checkpoint: string): void => {
    journalBytes = write(journal, checkpoint, journalBytes)
  }
  const entry = (): string => `${JSON.stringify({ bytes, rows, counts })}\n`
  let vouched = entry()

  return {
    has: (row) => rows.has(row),
    earlier,
    counts: () => ({ ...counts }),
    add: (line) => {
      if (!rows.add(line.row)) throw new Error(`row ${line.row} was done with already`)
      counts[line.outcome]++
      waiting.push(`${JSON.stringify(line)}\n`)
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
    flush: () => {
      flush()
      const next = entry()
      if (next === vouched) return undefined
      return () => {
        if (isClosed) return
        vouch(next)
        vouched = next
      }
    },
    sync: () => sync(report),
    close: () => {
      if (isClosed) return
      isClosed = true
      try {
        flush()
        fsyncSync(report)
        const next = entry()
        if (next !== vouched) vouch(next)
        fsyncSync(journal)
      } finally {
        closeSync(report)
        closeSync(journal)
      }
    },
    broken
  }
}
