/**
 * The journal beside a report: one line that identifies the imported file and the options of the import. An import can
 * be resumed only with the same file and options. The progress itself is in the report.
 */
import { isObject, parseJson } from "@agentalk/core/unstable"
import * as Result from "effect/Result"
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs"
import { resumeFault } from "./fileFault.ts"
import type { Fingerprint } from "./fingerprint.ts"

/** The file and the options of an import. */
export interface Subject extends Fingerprint {
  readonly format: string
  readonly map: Readonly<Record<string, string>>
  readonly typed: boolean
  readonly maxRowBytes: number
}

/** A journal that was read from the disk. */
type Journal = Readonly<Record<string, unknown>>

const version = 2

/** The path of the journal of a report. */
export const journalPathOf = (reportPath: string): string => `${reportPath}.journal`

/** Writes a new journal to the disk. Throws if one exists. */
export const create = (path: string, subject: Subject): void => {
  const file = openSync(path, "wx", 0o600)
  try {
    writeSync(file, `${JSON.stringify({ journal: version, ...subject })}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Reads a journal. Returns `undefined` if it is missing, incomplete, or of another version. */
export const read = (path: string): Journal | undefined => {
  if (!existsSync(path)) return undefined
  const text = readFileSync(path, "utf8")
  const value = text.endsWith("\n") ? Result.getOrUndefined(parseJson(text)) : undefined
  return isObject(value) && value["journal"] === version ? value : undefined
}

const sorted = (map: unknown): string =>
  JSON.stringify(Object.entries(isObject(map) ? map : {}).toSorted(([a], [b]) => (a < b ? -1 : 1)))

export const startOver = "Choose another report with --report, or remove this report and its journal to start over."

/** Throws a `FileFault` if a journal belongs to another file or to an import with other options. */
export const verify = (journal: Journal, subject: Subject): void => {
  if (journal["size"] !== subject.size || journal["sha256"] !== subject.sha256) {
    throw resumeFault("the content of the file has changed since this import started", startOver)
  }
  const hasSameOptions =
    journal["format"] === subject.format &&
    journal["maxRowBytes"] === subject.maxRowBytes &&
    journal["typed"] === subject.typed &&
    sorted(journal["map"]) === sorted(subject.map)
  if (!hasSameOptions) {
    throw resumeFault(
      "this import started with other options, such as --format, --map or --typed",
      "Resume it with the same options, or start over with another --report."
    )
  }
}
