/** Reads a report back: which rows it holds, and how they ended. */
import { closeSync, fsyncSync, openSync, readSync, renameSync, writeSync } from "node:fs"
import { type Counts, type Line, makeCounts, parseLine } from "./reportLine.ts"
import { newline } from "./rows.ts"
import { RowSet } from "./rowSet.ts"

/** A line of a report, and the offset behind it. */
interface LineAt {
  readonly line: Line
  readonly text: string
  readonly end: number
}

// The lines of a report from an offset on, up to the first line that is torn or damaged. After a power failure, the
// lines after a damaged one may be damaged too.
export function* linesFrom(report: number, offset = 0): Generator<LineAt> {
  const block = Buffer.alloc(65_536)
  let left = Buffer.alloc(0)
  let at = offset
  for (let read = readSync(report, block, 0, block.length, at); read > 0;) {
    const base = at - left.length
    left = Buffer.concat([left, block.subarray(0, read)])
    at += read
    let start = 0
    for (let end = left.indexOf(newline); end !== -1; end = left.indexOf(newline, start)) {
      const text = left.toString("utf8", start, end)
      const line = parseLine(text)
      if (line === undefined) return
      yield { line, text, end: base + end + 1 }
      start = end + 1
    }
    left = left.subarray(start)
    read = readSync(report, block, 0, block.length, at)
  }
}

/** What a report holds. */
export interface Content {
  readonly rows: RowSet
  readonly counts: Record<keyof Counts, number>
  /** The length of the lines that can be trusted, in bytes. */
  readonly bytes: number
}

/** Reads a whole report, up to the first line that is torn, damaged, or of a row that it holds already. */
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

// The lines of a report without those of failed rows, many in one piece.
function* withoutFailed(report: number): Generator<string> {
  let piece = ""
  for (const { line, text } of linesFrom(report)) {
    if (line.outcome === "failed") continue
    piece += `${text}\n`
    if (piece.length < 65_536) continue
    yield piece
    piece = ""
  }
  yield piece
}

/** Removes the lines of failed rows from a report. The file is replaced at once: a kill leaves the old or the new one. */
export const removeFailed = (reportPath: string): void => {
  const part = `${reportPath}.part`
  const report = openSync(reportPath, "r")
  try {
    const file = openSync(part, "w", 0o600)
    try {
      for (const piece of withoutFailed(report))
        for (let rest = Buffer.from(piece); rest.length > 0;) rest = rest.subarray(writeSync(file, rest))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  } finally {
    closeSync(report)
  }
  renameSync(part, reportPath)
}
