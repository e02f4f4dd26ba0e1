import * as CliOutput from "effect/cli/CliOutput"
import { fit, pad, paint, plain } from "./terminalText.ts"

/** A column: its heading, and one cell for each row. */
interface Column {
  readonly heading: string
  readonly cells: ReadonlyArray<string>
}

const gap = 2

/** The width below which a column is omitted instead of cut. */
const minimumWidth = 8

/**
 * Returns the lines of a table that fits into `width` characters. Empty columns are omitted. If the others do not fit,
 * the last ones are cut or omitted. The first column is always complete.
 */
export const table = (columns: ReadonlyArray<Column>, width: number): ReadonlyArray<string> => {
  let lines: ReadonlyArray<string> = []
  let room = Infinity
  for (const { cells, heading } of columns) {
    const isFirst = lines.length === 0
    if (!isFirst && cells.every((cell) => cell === "")) continue
    const texts = [heading, ...cells.map(plain)]
    const natural = Math.max(...texts.map(CliOutput.displayWidth))
    if (room < Math.min(natural, minimumWidth)) break
    const used = Math.min(natural, room)
    const padded = texts.map((text) => pad(fit(text, used), used))
    lines = isFirst ? padded : lines.map((line, index) => `${line}${" ".repeat(gap)}${padded[index]}`)
    room = (isFirst ? width : room) - used - gap
  }
  return lines.map((line, index) => (index === 0 ? paint("bold", line.trimEnd()) : line.trimEnd()))
}
