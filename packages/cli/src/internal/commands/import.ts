/** `agentalk contacts import`. */
import { QuotaFromString } from "@agentalk/core/RateLimit"
import { attributeNames, attributes } from "@agentalk/core/unstable"
import * as ContactFile from "@agentalk/import/ContactFile"
import * as Import from "@agentalk/import/Import"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Connection from "../connection.ts"
import { exitIf, exitStatus } from "../exitStatus.ts"
import { ImportFailed } from "../explainError.ts"
import { formatFlag, typedFlag } from "../fileFlags.ts"
import { decodeWith, pair, text, time, toggle, wholeNumber } from "../flags.ts"
import { Json, Quiet } from "../globalFlags.ts"
import { checkFile } from "../importCheck.ts"
import { withProgress } from "../importProgress.ts"
import { summaryLines } from "../importSummary.ts"
import { count } from "../numbers.ts"
import { note, noteInterrupted, print } from "../output.ts"
import { finishedRows } from "../progressBar.ts"
import { shellQuote } from "../shellQuote.ts"
import { UsageError } from "../usageError.ts"

const fileArgument = Argument.String("file").pipe(
  Argument.withDescription("A .csv, .ndjson or .jsonl file, also .gz; - is standard input")
)

/** The command line that resumes this import. */
const resumeCommand = (): string => {
  const args = process.argv.slice(2).filter((arg) => arg !== "--retry-failed")
  return ["agentalk", ...args.map(shellQuote), ...(args.includes("--resume") ? [] : ["--resume"])].join(" ")
}

export const importContacts = Command.make(
  "import",
  {
    file: fileArgument,
    format: formatFlag,
    map: pair("map", "COLUMN=KEY", "Assign a column to a KEY; an empty KEY ignores it").pipe(Flag.atLeast(0)),
    concurrency: wholeNumber("concurrency", "The number of rows sent at once (default 8)", 1, 1000).pipe(
      Flag.withDefault(8)
    ),
    rate: text("rate", "N/s", "The rate limit: 10/s, 600/min, 5000/h").pipe(decodeWith(QuotaFromString), Flag.optional),
    report: text("report", "FILE", "The report file; - is standard output").pipe(Flag.optional),
    typed: typedFlag("Read custom fields as JSON (see export --typed)"),
    resume: toggle("resume", "Continue an interrupted import"),
    retryFailed: toggle("retry-failed", "Continue, and send failed rows again"),
    giveUpAfter: time("give-up-after", "Stop if an outage lasts this long (default 1m)").pipe(
      Flag.withDefault(Duration.minutes(1))
    ),
    dryRun: toggle("dry-run", "Check the file and send nothing"),
    drain: time("drain", "Time for rows in flight after Ctrl-C (default 2s)").pipe(
      Flag.withDefault(Duration.seconds(2))
    )
  },
  (flags) =>
    Effect.gen(function* () {
      const { concurrency, drain, file, giveUpAfter, resume, retryFailed, typed } = flags
      const report = Option.getOrUndefined(flags.report)
      const options = { format: Option.getOrUndefined(flags.format), map: Object.fromEntries(flags.map), typed }
      if (flags.dryRun) {
        if (resume || retryFailed || report !== undefined) {
          return yield* new UsageError({
            message: "--dry-run sends nothing, so it cannot be combined with --report, --resume or --retry-failed",
            advice: "Omit these flags. --dry-run --json lists the invalid rows."
          })
        }
        return yield* checkFile(file, options)
      }
      const isResumable = Import.isResumable(file, report)
      const resumeAdvice = isResumable ? `Resume with:\n  ${resumeCommand()}` : "This import cannot be resumed."
      const isJson = yield* Json
      // A program that reads standard error expects only errors.
      const isProgressShown = !(yield* Quiet) && (!isJson || process.stderr.isTTY)
      const started = performance.now()
      let readSnapshot: (() => Import.Snapshot) | undefined

      /** Whether this run may have sent rows. If it has, its error says how to resume. */
      const hasSentRows = () => {
        const snapshot = readSnapshot?.()
        return snapshot?.phase === "sending" && snapshot.rowsRead > 0
      }

      const summary = yield* Import.run(file, {
        ...options,
        concurrency,
        report,
        resume,
        retryFailed,
        giveUpAfter,
        drain,
        onStart: (read) => {
          readSnapshot = read
        }
      }).pipe(
        Effect.provide(Connection.layerOptions({ rateLimit: Option.getOrUndefined(flags.rate) })),
        Effect.mapError((error) =>
          error._tag === "ImportStopped" || (error._tag === "FileFault" && hasSentRows())
            ? new ImportFailed({ cause: error, advice: resumeAdvice.replace("\n  ", " ") })
            : error
        ),
        isProgressShown ? withProgress(() => readSnapshot?.()) : identity,
        Effect.onInterrupt(() => {
          const snapshot = readSnapshot?.()
          const finished = snapshot === undefined ? 0 : finishedRows(snapshot)
          return noteInterrupted(`${count(finished, "row is", "rows are")} finished.`, resumeAdvice)
        })
      )
      const lines = summaryLines(summary, isResumable, (performance.now() - started) / 1000)
      if (summary.report === ContactFile.standard && !isJson) yield* note(lines.join("\n"))
      else yield* print(summary, () => lines)
      return yield* exitIf(summary.invalid + summary.failed > 0, exitStatus.rowsFailed)
    })
).pipe(
  Command.withDescription(
    [
      "Import contacts from a file. Each row creates a contact, or updates the",
      "contact with the same phone number.",
      "",
      `  Columns: ${attributeNames.map((name) => attributes[name].column).join(", ")}.`,
      "  Every other column is a custom field. Tags are separated by | or ;. An empty",
      "  cell leaves the value unchanged.",
      "  The report has one line per row. By default, .report.ndjson is added to the",
      "  name of the file. --resume continues after an interruption or a crash, and",
      "  sends rows without a response again.",
      "  If an outage lasts longer than --give-up-after, the import stops with status",
      "  1, and --resume sends the rows that failed during the outage again. Only",
      "  --retry-failed sends other failed rows again. They then override later rows",
      "  with the same phone number.",
      "  Exit status 3: some rows are invalid or failed. The report has the reasons."
    ].join("\n")
  ),
  Command.withShortDescription("Import contacts from a CSV or NDJSON file"),
  Command.withExamples([
    { command: "agentalk contacts import contacts.csv --dry-run", description: "Check a file" },
    { command: 'agentalk contacts import crm.csv --map "Mobile=phone" --map "Notes="', description: "Assign columns" },
    { command: "agentalk contacts import contacts.csv.gz --rate 10/s", description: "At most ten requests a second" },
    { command: "agentalk contacts import contacts.csv --resume", description: "Continue after an interruption" },
    { command: "agentalk contacts import contacts.csv --retry-failed", description: "Send failed rows again" }
  ])
)
