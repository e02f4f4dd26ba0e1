/** `agentalk contacts import --dry-run`. */
import type * as ContactFile from "@agentalk/import/ContactFile"
import * as Import from "@agentalk/import/Import"
import * as Effect from "effect/Effect"
import { exitIf, exitStatus } from "./exitStatus.ts"
import { count, formatNumber } from "./numbers.ts"
import { print } from "./output.ts"
import { paint, plain } from "./terminalText.ts"

/** How many invalid rows are printed for a person. */
const maxLines = 5

/** How many invalid rows are printed with --json. */
const maxListed = 10_000

/** Checks a file and prints how many rows are invalid. Nothing is sent. */
export const checkFile = (path: string, options: ContactFile.ReadOptions) =>
  Effect.gen(function* () {
    const invalidRows: Array<Pick<Import.ReportLine, "row" | "line" | "reason">> = []
    const check = yield* Import.check(path, {
      ...options,
      onInvalid: ({ line, reason = "", row }) =>
        void (invalidRows.length < maxListed && invalidRows.push({ row, line, reason }))
    })
    const shown = invalidRows.slice(0, maxLines)
    yield* print({ ...check, invalidRows }, () => [
      `${count(check.rows, "row")}: ${formatNumber(check.valid)} would be sent, ` +
        `${formatNumber(check.invalid)} ${check.invalid === 1 ? "is" : "are"} invalid.`,
      ...shown.map(({ line, reason = "" }) => `  line ${line}: ${plain(reason)}`),
      ...(check.invalid > shown.length ? [`  and ${formatNumber(check.invalid - shown.length)} more`] : []),
      paint("dim", "Nothing was sent.")
    ])
    yield* exitIf(check.invalid > 0, exitStatus.rowsFailed)
  })
