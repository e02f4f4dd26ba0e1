import * as ContactFile from "@agentalk/import/ContactFile"
import type * as Import from "@agentalk/import/Import"
import { count, formatNumber, formatSeconds } from "./numbers.ts"
import { paint, plain } from "./terminalText.ts"

/** The result of an import as lines. */
export const summaryLines = (summary: Import.Summary, isResumable: boolean, seconds: number): ReadonlyArray<string> => {
  const { created, earlier, failed, invalid, report, rows, updated } = summary
  const entries: ReadonlyArray<readonly [outcome: string, count: number]> = [
    ["created", created],
    ["updated", updated],
    ["invalid", invalid],
    ["failed", failed]
  ]
  const width = Math.max(...entries.map(([, count]) => formatNumber(count).length))
  const isSuccess = invalid + failed === 0
  return [
    `${paint(isSuccess ? "green" : "yellow", isSuccess ? "✓" : "!")} ${count(rows, "row")} in ${formatSeconds(seconds)}` +
      (earlier > 0 ? `, ${formatNumber(earlier)} of them in an earlier run` : ""),
    ...entries.map(([outcome, count]) => {
      const line = `  ${outcome}  ${formatNumber(count).padStart(width)}`
      return count > 0 && (outcome === "invalid" || outcome === "failed") ? paint("yellow", line) : line
    }),
    ...(report === ContactFile.standard ? [] : [paint("dim", `  report   ${plain(report)}`)]),
    ...(isSuccess ? [] : ['The report contains the reasons, in lines with "outcome":"invalid" or "failed".']),
    ...(failed > 0 && isResumable ? ["Run the command again with --retry-failed to send the failed rows again."] : [])
  ]
}
