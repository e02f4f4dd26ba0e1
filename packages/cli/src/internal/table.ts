import * as CliOutput from "effect/cli/CliOutput"
import { fit, pad, paint, plain } from "./terminalText.ts"

/**
 * Returns a table of a width in terminal columns. Empty columns are omitted. If the others do not fit, the last ones
 * are cut or omitted. The first column is always complete.
 */
export const table = (
  headings: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  width: number
): ReadonlyArray<string> => {
  const shown = headings.flatMap((_, index) => (index === 0 || rows.some((row) => row[index]) ? [index] : []))
  const titles = shown.map((index) => headings[index] ?? "")
  const cells = rows.map((row) => shown.map((index) => plain(row[index] ?? "")))
  const gap = 2
  const minimum = 8
  const widths: Array<number> = []
  let left = width
  for (const [index, heading] of titles.entries()) {
    const natural = Math.max(...[heading, ...cells.map((row) => row[index] ?? "")].map(CliOutput.displayWidth))
    const room = left - (index === 0 ? 0 : gap)
    if (index > 0 && room < Math.min(natural, minimum)) break
    widths.push(index === 0 ? natural : Math.min(natural, room))
    left = room - (widths.at(-1) ?? 0)
  }
  const line = (row: ReadonlyArray<string>) =>
    widths
      .map((width, index) => pad(fit(row[index] ?? "", index === 0 ? Infinity : width), width))
      .join(" ".repeat(gap))
      .trimEnd()
  return [paint("bold", line(titles)), ...cells.map(line)]
}
