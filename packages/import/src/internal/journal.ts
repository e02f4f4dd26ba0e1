/**
 * The journal beside a report: one line that identifies the imported file and the options of the import. An import can
 * only be resumed with the same file and options. The progress itself is in the report.
 */
import type { Json } from "effect/Schema"
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs"
import { isObject } from "./columns.ts"

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

const version = 2

export const parse = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** The path of the journal of a report. */
export const journalOf = (reportPath: string): string => `${reportPath}.journal`

/** Writes a new journal to the disk. Fails if there is one. */
export const create = (path: string, subject: Subject): void => {
  const file = openSync(path, "wx", 0o600)
  try {
    writeSync(file, `${JSON.stringify({ journal: version, ...subject })}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** A journal as it was read back. */
export type Journal = { readonly [key: string]: Json }

/** Reads a journal. Returns `undefined` if it is missing, incomplete, or of another version. */
export const read = (path: string): Journal | undefined => {
  if (!existsSync(path)) return undefined
  const text = readFileSync(path, "utf8")
  const value = text.endsWith("\n") ? parse(text) : undefined
  return value !== undefined && isObject(value) && value["journal"] === version ? value : undefined
}

const sorted = (map: Json): string =>
  JSON.stringify(Object.entries(isObject(map) ? map : {}).toSorted(([a], [b]) => (a < b ? -1 : 1)))

const hasSameOptions = (journal: Journal, subject: Subject): boolean =>
  journal["format"] === subject.format &&
  journal["maxRowBytes"] === subject.maxRowBytes &&
  journal["typed"] === subject.typed &&
  sorted(journal["map"] ?? null) === sorted(subject.map)

export const afresh = "Name another report with --report, or remove this one and its journal to begin anew."

/** Throws a `Refusal` if a journal is of another file or of other options. */
export const verify = (journal: Journal, subject: Subject): void => {
  if (journal["size"] !== subject.size || journal["sha256"] !== subject.sha256) {
    throw new Refusal("the file is not the one that this import began with: its content has changed", afresh)
  }
  if (!hasSameOptions(journal, subject)) {
    throw new Refusal(
      "this import began with another --format, --map or --typed",
      "Continue it with the same ones, or begin anew with another --report."
    )
  }
}
