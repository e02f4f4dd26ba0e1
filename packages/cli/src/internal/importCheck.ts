/** `agentalk contacts import --dry-run`. */
import type * as ContactFile from "@agentalk/import/ContactFile"
import * as Import from "@agentalk/import/Import"
import * as Effect from "effect/Effect"
import { endIf, status } from "./exitStatus.ts"
import { count, formatNumber } from "./numbers.ts"
import { print } from "./output.ts"
import { paint, plain } from "./terminalText.ts"

const shownRows = 5

/** The most invalid rows that --json lists. */
const listedRows = 10_000

/** Checks a file and prints how many rows are invalid. Nothing is sent. */
export const checkFile = (path: string, options: ContactFile.ReadOptions) =>
  Effect.gen(function* () {
    const listed: Array<Pick<Import.ReportLine, "row" | "line" | "reason">> = []
    const check = yield* Import.check(path, {
      ...options,
      onInvalid: ({ line, reason = "", row }) => void (listed.length < listedRows && listed.push({ row, line, reason }))
    })
    const shown = listed.slice(0, shownRows)
    yield* print({ ...check, invalidRows: listed }, () => [
      `${count(check.rows, "row")}: ${formatNumber(check.valid)} would be sent, ` +
        `${formatNumber(check.invalid)} ${check.invalid === 1 ? "is" : "are"} invalid.`,
      ...shown.map(({ line, reason = "" }) => `  line ${line}: ${plain(reason)}`),
      ...(check.invalid > shown.length ? [`  and ${formatNumber(check.invalid - shown.length)} more`] : []),
      paint("dim", "Nothing was sent.")
    ])
    yield* endIf(check.invalid > 0, status.left)
  })
