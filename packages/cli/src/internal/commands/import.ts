/** `agentalk contacts import`. */
import { QuotaFromString } from "@agentalk/core/RateLimit"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as ContactFile from "@agentalk/import/ContactFile"
import * as Import from "@agentalk/import/Import"
import * as Connection from "../connection.ts"
import { endIf, status } from "../exitStatus.ts"
import { Halted } from "../explanation.ts"
import { formatFlag, typedFlag } from "../fileFlags.ts"
import { decodeWith, pair, text, time, toggle, wholeNumber } from "../flags.ts"
import { Json, Quiet } from "../globalFlags.ts"
import { checkFile } from "../importCheck.ts"
import { summaryLines } from "../importSummary.ts"
import { count } from "../numbers.ts"
import { note, noteInterrupted, print } from "../output.ts"
import * as ProgressBar from "../progressBar.ts"
import { shellQuote } from "../shellQuote.ts"
import { UsageError } from "../usageError.ts"

const file = Argument.String("file").pipe(
  Argument.withDescription("Its name ends in .csv, .ndjson or .jsonl, or .gz; - is stdin")
)

/** The command that continues this one. */
const resumeCommand = (): string => {
  const args = process.argv.slice(2).filter((arg) => arg !== "--retry-failed")
  return ["agentalk", ...args.map(shellQuote), ...(args.includes("--resume") ? [] : ["--resume"])].join(" ")
}

const signals = ["SIGINT", "SIGTERM"] as const

/** Whether rows are being sent, so that some may be done. */
const isMidway = (snapshot: Import.Snapshot): boolean => snapshot.phase === "sending" && snapshot.rowsRead > 0

export const importContacts = Command.make(
  "import",
  {
    file,
    format: formatFlag,
    map: pair("map", "COLUMN=KEY", "What a column gives, in any case; no KEY drops it").pipe(Flag.atLeast(0)),
    concurrency: wholeNumber("concurrency", "How many rows are sent at once (default 8)", 1, 1000).pipe(
      Flag.withDefault(8)
    ),
    rate: text("rate", "N/s", "The most requests: 10/s, 600/min, 5000/h").pipe(
      decodeWith(QuotaFromString),
      Flag.optional
    ),
    report: text("report", "FILE", "Where each row's outcome goes; - is standard output").pipe(Flag.optional),
    typed: typedFlag("Custom fields may be JSON, as of export --typed"),
    resume: toggle("resume", "Go on with an import that was interrupted"),
    retryFailed: toggle("retry-failed", "Go on, and send its failed rows again"),
    giveUpAfter: time("give-up-after", "Stop if nothing gets through for so long (default 1m)").pipe(
      Flag.withDefault(Duration.minutes(1))
    ),
    dryRun: toggle("dry-run", "Check the file and send nothing"),
    drain: time("drain", "What Ctrl-C leaves to rows in flight (default 2s)").pipe(
      Flag.withDefault(Duration.seconds(2))
    )
  },
  (flags) =>
    Effect.gen(function* () {
      const options = {
        format: Option.getOrUndefined(flags.format),
        map: Object.fromEntries(flags.map),
        typed: flags.typed
      }
      if (flags.dryRun) {
        if (flags.resume || flags.retryFailed || Option.isSome(flags.report)) {
          return yield* new UsageError({
            message: "--dry-run sends nothing, so it has no --report, and nothing to --resume or --retry-failed",
            advice: "Leave these out; --dry-run --json lists the invalid rows."
          })
        }
        return yield* checkFile(flags.file, options)
      }
      const report = Option.getOrUndefined(flags.report)
      const isResumable = Import.isResumable(flags.file, report)
      const isJson = yield* Json
      // A program that reads standard error is to find errors there, and no bar.
      const isHushed = (yield* Quiet) || (isJson && !process.stderr.isTTY)
      const started = performance.now()
      let look: (() => Import.Snapshot) | undefined

      const progress = isHushed
        ? undefined
        : yield* Effect.forkChild(
            Effect.suspend(() => (look === undefined ? Effect.void : ProgressBar.draw(look))).pipe(
              Effect.delay("50 millis"),
              Effect.forever
            )
          )
      const hush = progress === undefined ? Effect.void : Fiber.interrupt(progress)
      const onSignal = () =>
        void (isHushed || process.stderr.write("\nEnding the rows in flight; Ctrl-C again stops at once.\n"))
      for (const signal of signals) process.once(signal, onSignal)

      const goOn = isResumable ? `Go on with:\n  ${resumeCommand()}` : "It cannot be resumed."
      const summary = yield* Import.run(flags.file, {
        ...options,
        concurrency: flags.concurrency,
        report,
        resume: flags.resume,
        retryFailed: flags.retryFailed,
        giveUpAfter: flags.giveUpAfter,
        drain: flags.drain,
        onStart: (given) => {
          look = given
        }
      }).pipe(
        Effect.provide(Connection.layerOptions({ rateLimit: Option.getOrUndefined(flags.rate) })),
        Effect.mapError((error) =>
          error._tag === "ImportStopped" || (error._tag === "FileFault" && look !== undefined && isMidway(look()))
            ? new Halted({ cause: error, resume: goOn.replace("\n  ", " ") })
            : error
        ),
        Effect.onInterrupt(() =>
          Effect.gen(function* () {
            yield* hush
            const done = look === undefined ? 0 : ProgressBar.rowsOf(look())
            yield* noteInterrupted(`${count(done, "row is", "rows are")} done.`, goOn)
          })
        ),
        Effect.ensuring(hush),
        Effect.ensuring(Effect.sync(() => signals.forEach((signal) => process.removeListener(signal, onSignal))))
      )
      const lines = summaryLines(summary, isResumable, (performance.now() - started) / 1000)
      if (summary.report === ContactFile.standard && !isJson) yield* note(lines.join("\n"))
      else yield* print(summary, () => lines)
      return yield* endIf(summary.invalid + summary.failed > 0, status.left)
    })
).pipe(
  Command.withDescription(
    [
      "Import contacts from a file: each row creates a contact or updates the one",
      "with the same phone number.",
      "",
      "  Columns: phone, first_name, last_name, email, tags (split on | or ;); every",
      "  other column is a custom field. Empty cells leave things as they are.",
      "  The report has one line for each row. After an interruption, even a kill,",
      "  --resume goes on where it ended; a row whose answer was lost is sent again.",
      "  Where nothing gets through for --give-up-after, the import stops with status",
      "  1, and --resume sends the rows again that failed meanwhile. Other failed rows",
      "  stay so until --retry-failed sends them again: these then have the last word",
      "  over later rows with the same phone number.",
      "  Exit status 3: some rows are invalid or failed; the report tells which."
    ].join("\n")
  ),
  Command.withShortDescription("Import contacts from a CSV or NDJSON file"),
  Command.withExamples([
    { command: "agentalk contacts import contacts.csv --dry-run", description: "Check a file" },
    { command: 'agentalk contacts import crm.csv --map "Mobile=phone" --map "Notes="', description: "Name columns" },
    { command: "agentalk contacts import contacts.csv.gz --rate 10/s", description: "At most ten rows a second" },
    { command: "agentalk contacts import contacts.csv --resume", description: "After an interruption" },
    { command: "agentalk contacts import contacts.csv --retry-failed", description: "After rows failed" }
  ])
)
