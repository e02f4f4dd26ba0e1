/**
 * The `agentalk` command: API calls from a terminal, imports and exports of files, a sandbox, and checks of the
 * settings.
 *
 * The token comes from the environment or from a file. There is no flag for the token itself, because other users of
 * the machine can see the arguments of a process.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { deleteContact } from "./internal/commands/delete.ts"
import { doctor } from "./internal/commands/doctor.ts"
import { exportContacts } from "./internal/commands/export.ts"
import { fieldCommands } from "./internal/commands/fields.ts"
import { importContacts } from "./internal/commands/import.ts"
import { sandbox } from "./internal/commands/sandbox.ts"
import { search } from "./internal/commands/search.ts"
import { tagCommands } from "./internal/commands/tags.ts"
import { upsert } from "./internal/commands/upsert.ts"
import { Exit as CommandExit, exitStatus } from "./internal/exitStatus.ts"
import { explainError } from "./internal/explainError.ts"
import { toJson, toLines } from "./internal/explanation.ts"
import { globalFlags, isGiven } from "./internal/globalFlags.ts"
import { formatter, makePresenter } from "./internal/presenter.ts"
import { paintError } from "./internal/terminalText.ts"

const contacts = Command.make("contacts").pipe(
  Command.withDescription("Create, find, update, delete, import and export contacts"),
  Command.withSubcommands([
    upsert,
    search,
    deleteContact,
    ...fieldCommands,
    ...tagCommands,
    importContacts,
    exportContacts
  ])
)

/**
 * The command tree.
 *
 * @category constructors
 * @since 0.1.0
 */
export const agentalk = Command.make("agentalk").pipe(
  Command.withDescription("Manage the contacts of the Agentalk API from a terminal"),
  Command.withSubcommands([contacts, sandbox, doctor]),
  Command.withGlobalFlags(globalFlags),
  Command.withExamples([
    { command: "agentalk doctor", description: "Check the settings and the connection" },
    { command: "agentalk contacts search --name jane", description: "Find contacts" },
    { command: "agentalk contacts import contacts.csv", description: "Import a file" },
    { command: "agentalk sandbox --seed 1000", description: "Run the API on this machine, for tests" }
  ])
)

const makeLayer = (isJson: boolean) =>
  Layer.mergeAll(
    // Effect's other built-in flags are omitted. `--log-level` would have no effect, because the command logs nothing.
    // `globalFlags` contains another `--completions`, and a wizard is not supported.
    CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] }),
    CliOutput.layer(formatter),
    CliOutput.layerPresenter(makePresenter(isJson))
  )

/** Prints an error that no command expects, with its stack trace. */
const printDefect = (cause: Cause.Cause<unknown>, isJson: boolean) => {
  const message = "this is a bug in agentalk. Please report it."
  const advice = Cause.pretty(cause)
  return Console.error(
    isJson
      ? toJson({ status: exitStatus.failed, tag: "Defect", message, advice })
      : `${paintError("red", "Defect")}: ${message}\n${advice}`
  )
}

/**
 * Runs the command and returns its exit status. Errors are printed on standard error: as lines, or with `--json` as one
 * JSON document, `{"error":{"tag","message","advice",…}}`.
 *
 * **Details**
 *
 * | Status | Meaning |
 * | --- | --- |
 * | 0 | success |
 * | 1 | the API refused the request, the network failed, an import stopped, or a deletion was not confirmed |
 * | 2 | wrong usage or configuration, or a file cannot be read or written |
 * | 3 | an import finished, and some rows are invalid or failed |
 *
 * If the command is interrupted, the effect is interrupted too. The binary then exits with 130.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = (args: ReadonlyArray<string>): Effect.Effect<number, never, Command.Environment> => {
  const isJson = isGiven(args, "--json")
  const isHelp = isGiven(args, "--help") || isGiven(args, "-h")
  return Command.runWith(agentalk, { version: "0.1.0" })(args).pipe(
    Effect.provide(makeLayer(isJson)),
    Effect.exit,
    Effect.flatMap((exit) => {
      if (Exit.isSuccess(exit)) return Effect.succeed(0)
      if (Cause.hasInterruptsOnly(exit.cause)) return Effect.interrupt
      const error = Cause.squash(exit.cause)
      if (error instanceof CommandExit) return Effect.succeed(error.status)
      if (CliError.isCliError(error)) {
        // If the subcommand is missing, help is printed, and the status is 0. With --json, it is a usage error.
        const isHelpShown = error._tag === "ShowHelp" && error.errors.length === 0 && (isHelp || !isJson)
        return Effect.succeed(isHelpShown ? 0 : exitStatus.usage)
      }
      const explanation = explainError(error)
      if (explanation === undefined) return Effect.as(printDefect(exit.cause, isJson), exitStatus.failed)
      const text = isJson ? toJson(explanation) : toLines(explanation, isGiven(args, "--verbose")).join("\n")
      return Effect.as(Console.error(text), explanation.status)
    })
  )
}
