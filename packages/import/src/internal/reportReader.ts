/** Reads a report from the disk, and removes the lines of failed rows. */
import { closeSync, fsyncSync, openSync, readSync, renameSync, writeSync } from "node:fs"
import { newline } from "./decoder.ts"
import { type Counts, type Line, makeCounts, parseLine } from "./reportLine.ts"
import { RowSet } from "./rowSet.ts"

interface LineAt {
  readonly line: Line
  readonly text: string
  /** The offset of the end of the line in the report, in bytes. */
  readonly end: number
}

const blockBytes = 65_536

// Returns the lines of a report after an offset, up to the first line that is incomplete or damaged. After a power
// failure, later lines may be damaged too.
export function* linesFrom(report: number, offset = 0): Generator<LineAt> {
  const block = Buffer.alloc(blockBytes)
  let rest = Buffer.alloc(0)
  let position = offset
  for (let read = readSync(report, block, 0, block.length, position); read > 0;) {
    const base = position - rest.length
    rest = Buffer.concat([rest, block.subarray(0, read)])
    position += read
    let start = 0
    for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline, start)) {
      const text = rest.toString("utf8", start, end)
      const line = parseLine(text)
      if (line === undefined) return
      yield { line, text, end: base + end + 1 }
      start = end + 1
    }
    rest = rest.subarray(start)
    read = readSync(report, block, 0, block.length, position)
  }
}

/** The content of a report. */
export interface Content {
  readonly rows: RowSet
  readonly counts: Record<keyof Counts, number>
  /** The length of the valid lines in bytes. Any bytes after them are not valid. */
  readonly bytes: number
}

/** Reads a report up to the first line that is incomplete, is damaged or repeats a row. */
export const readReport = (report: number): Content => {
  const rows = new RowSet()
  const counts = makeCounts()
  let bytes = 0
  for (const { end, line } of linesFrom(report)) {
    if (!rows.add(line.row)) break
    counts[line.outcome]++
    bytes = end
  }
  return { rows, counts, bytes }
}

// Returns the lines of a report except the lines of failed rows. Each string contains many lines.
function* linesWithoutFailed(report: number): Generator<string> {
  let block = ""
  for (const { line, text } of linesFrom(report)) {
    if (line.outcome === "failed") continue
    block += `${text}\n`
    if (block.length < blockBytes) continue
    yield block
    block = ""
  }
  yield block
}

/**
 * Removes the lines of failed rows from a report. It writes a new report and renames it to the old one, so a complete
 * report exists even if the process is killed.
 */
export const removeFailed = (reportPath: string): void => {
  const partPath = `${reportPath}.part`
  const report = openSync(reportPath, "r")
  try {
    const part = openSync(partPath, "w", 0o600)
    try {
      for (const block of linesWithoutFailed(report)) {
        for (let rest = Buffer.from(block); rest.length > 0;) rest = rest.subarray(writeSync(part, rest))
      }
      fsyncSync(part)
    } finally {
      closeSync(part)
    }
  } finally {
    closeSync(report)
  }
  renameSync(partPath, reportPath)
}
