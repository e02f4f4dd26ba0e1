/**
 * What an import wrote down before, read again: see `ledger.ts`. The report is the truth; the journal says up to which
 * length of it nothing needs to be read again.
 */
import type { Json } from "effect/Schema"
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync
} from "node:fs"
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

/** How an import that is there already is met. */
export interface OpenOptions {
  /** Goes on with it. */
  readonly resume: boolean
  /** Goes on with it, and takes back the rows that failed. */
  readonly retryFailed: boolean
}

/** What an import is of: it can only be continued with the same. */
export interface Subject {
  readonly size: number
  readonly sha256: string
  readonly format: string
  readonly map: Readonly<Record<string, string>>
  readonly typed: boolean
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

const version = 1

export const parse = (text: string): Json | undefined => {
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

/** Whether a line of the report is whole. */
export const isLine = (value: Json | undefined): value is Json & Line =>
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
    (one["typed"] ?? false) === subject.typed &&
    sorted(one["map"] ?? null) === sorted(subject.map)
  )
}

// The whole lines of a file from an offset on, each with the offset behind it.
export function* linesFrom(file: number, offset: number): Generator<readonly [text: string, end: number]> {
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

export const no: Counts = { created: 0, updated: 0, invalid: 0, failed: 0 }

/** The files of an import, and what they say. */
export interface Opened {
  readonly report: number
  readonly journal: number
  readonly rows: RowSet
  readonly counts: Record<Outcome, number>
  readonly bytes: number
}

const headOf = (subject: Subject): string => `${JSON.stringify({ journal: version, ...subject })}\n`

/** Begins an import. */
export const begin = (reportPath: string, journalPath: string, subject: Subject): Opened => {
  const journal = openSync(journalPath, "wx", 0o600)
  writeSync(journal, headOf(subject))
  fsyncSync(journal)
  const report = openSync(reportPath, "wx+", 0o600)
  return { report, journal, rows: new RowSet(), counts: { ...no }, bytes: 0 }
}

/** Puts other content under a name, at once and for good. */
const replace = (path: string, pieces: Iterable<string>): void => {
  const part = `${path}.part`
  const file = openSync(part, "w", 0o600)
  try {
    for (const piece of pieces)
      for (let rest = Buffer.from(piece); rest.length > 0;) rest = rest.subarray(writeSync(file, rest))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(part, path)
}

// The whole lines of a report but for those of failed rows, in pieces of many lines.
function* withoutFailed(report: number): Generator<string> {
  let piece = ""
  for (const [text] of linesFrom(report, 0)) {
    const value = parse(text)
    if (!isLine(value)) break
    if (value.outcome === "failed") continue
    piece += `${text}\n`
    if (piece.length < 65_536) continue
    yield piece
    piece = ""
  }
  yield piece
}

const afresh = "Name another report with --report, or remove this one and its journal to begin anew."

/** Continues an import, if it is the same. Throws a `Refusal`, or what the system says. */
export const resume = (
  reportPath: string,
  journalPath: string,
  subject: Subject,
  { retryFailed }: OpenOptions
): Opened => {
  if (retryFailed && !existsSync(reportPath)) {
    throw new Refusal(
      "there is no report of an earlier import, so no row failed",
      "Import the file without --retry-failed."
    )
  }
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
      "this import began with another --format, --map or --typed",
      "Continue it with the same ones, or begin anew with another --report."
    )
  }
  if (retryFailed && report !== undefined) {
    // The journal first: without its checkpoints the report is read whole, whichever of the two it then is.
    replace(journalPath, [headOf(subject)])
    replace(reportPath, withoutFailed(report))
    closeSync(report)
    return resume(reportPath, journalPath, subject, { resume: true, retryFailed: false })
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
