import * as ContactFile from "@agentalk/import/ContactFile"
import type * as Import from "@agentalk/import/Import"
import { count, formatNumber, formatSeconds } from "./numbers.ts"
import { paint, plain } from "./terminalText.ts"

/** The result of an import as lines. */
export const summaryLines = (summary: Import.Summary, isResumable: boolean, seconds: number): ReadonlyArray<string> => {
  const { created, earlier, failed, invalid, report, rows, updated } = summary
  const entries: ReadonlyArray<readonly [string, number]> = [
    ["created", created],
    ["updated", updated],
    ["invalid", invalid],
    ["failed", failed]
  ]
  const width = Math.max(...entries.map(([, count]) => formatNumber(count).length))
  const isWhole = invalid + failed === 0
  return [
    `${paint(isWhole ? "green" : "yellow", isWhole ? "✓" : "!")} ${count(rows, "row")} in ${formatSeconds(seconds)}` +
      (earlier > 0 ? `, ${formatNumber(earlier)} of them earlier` : ""),
    ...entries.map(([name, count]) => {
      const line = `  ${name}  ${formatNumber(count).padStart(width)}`
      return count > 0 && (name === "invalid" || name === "failed") ? paint("yellow", line) : line
    }),
    ...(report === ContactFile.standard ? [] : [paint("dim", `  report   ${plain(report)}`)]),
    ...(isWhole ? [] : ['The report tells why, in the lines with "outcome":"invalid" or "failed".']),
    ...(failed > 0 && isResumable ? ["Run the command again with --retry-failed to send the failed ones again."] : [])
  ]
}
