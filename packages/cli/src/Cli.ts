/**
 * The `agentalk` command: contacts from a terminal, import and export of files, a sandbox, and a doctor.
 *
 * The token is taken from the environment or a file, never from an argument, which other users of a machine could see.
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
import { Ended, status } from "./internal/exitStatus.ts"
import { explain, toJson, toLines } from "./internal/explanation.ts"
import { globalFlags, isGiven } from "./internal/globalFlags.ts"
import { formatter, makePresenter } from "./internal/presenter.ts"
import { paintError } from "./internal/terminalText.ts"

const contacts = Command.make("contacts").pipe(
  Command.withDescription("Create, find, change, import and export contacts"),
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
  Command.withDescription("Contacts of the Agentalk API, from a terminal."),
  Command.withSubcommands([contacts, sandbox, doctor]),
  Command.withGlobalFlags(globalFlags),
  Command.withExamples([
    { command: "agentalk doctor", description: "Check the settings and reach the API" },
    { command: "agentalk contacts search --name jane", description: "Find contacts" },
    { command: "agentalk contacts import contacts.csv", description: "Import a file" },
    { command: "agentalk sandbox --seed 1000", description: "Try things out on this machine" }
  ])
)

const makeLayer = (isJson: boolean) =>
  Layer.mergeAll(
    // What else Effect offers is of no use here: a log level where nothing is logged, and a wizard.
    CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] }),
    CliOutput.layer(formatter),
    CliOutput.layerPresenter(makePresenter(isJson))
  )

/**
 * Runs the command and tells its exit status. Errors are explained on standard error: in lines for people, or with
 * `--json` in one JSON document, `{"error":{"tag","message","advice",…}}`.
 *
 * **Details**
 *
 * 0: done. 1: the API or the network refused. 2: wrong usage or configuration. 3: an import finished, and some of its
 * rows did not get through. An interruption stays one: its status is 130.
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
      if (error instanceof Ended) return Effect.succeed(error.status)
      if (CliError.isCliError(error)) {
        const isAsked = error._tag === "ShowHelp" && error.errors.length === 0 && (isHelp || !isJson)
        return Effect.succeed(isAsked ? 0 : status.usage)
      }
      const explained = explain(error)
      if (explained === undefined) {
        const message = "the command is broken; please report this."
        const advice = Cause.pretty(exit.cause)
        return Effect.as(
          Console.error(
            isJson
              ? toJson({ status: status.refused, tag: "Defect", message, advice })
              : `${paintError("red", "Defect")}: ${message}\n${advice}`
          ),
          status.refused
        )
      }
      const text = isJson ? toJson(explained) : toLines(explained, isGiven(args, "--verbose")).join("\n")
      return Effect.as(Console.error(text), explained.status)
    })
  )
}
