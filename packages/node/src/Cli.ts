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
import * as Contacts from "./internal/cli/contacts.ts"
import * as Importing from "./internal/cli/importing.ts"
import * as Exporting from "./internal/cli/exporting.ts"
import * as Doctor from "./internal/cli/doctor.ts"
import { Ended, explain, status } from "./internal/cli/failure.ts"
import { flags } from "./internal/cli/flags.ts"
import { paintError, plain } from "./internal/cli/output.ts"
import * as Sandbox from "./internal/cli/sandbox.ts"

const contacts = Command.make("contacts").pipe(
  Command.withDescription("Create, find, change, import and export contacts"),
  Command.withSubcommands([...Contacts.commands, Importing.command, Exporting.command])
)

/**
 * The command tree.
 *
 * @category constructors
 * @since 0.1.0
 */
export const agentalk = Command.make("agentalk").pipe(
  Command.withDescription("Contacts of the Agentalk API, from a terminal."),
  Command.withSubcommands([contacts, Sandbox.command, Doctor.command]),
  Command.withGlobalFlags(flags),
  Command.withExamples([
    { command: "agentalk doctor", description: "Check the settings and reach the API" },
    { command: "agentalk contacts search --name jane", description: "Find contacts" },
    { command: "agentalk contacts import contacts.csv", description: "Import a file" },
    { command: "agentalk sandbox --seed 1000", description: "Try things out on this machine" }
  ])
)

// A token or a phone number in the wrong place is quoted by these messages, and errors end up in logs.
// A value without its flag, such as a name, could be anything.
const masked = (message: string): string =>
  message.replace(/"[^"]*(?:\d{4}|@)[^"]*"/g, '"…"').replace(/(?<=positional arguments?: ).*/s, '"…"')

// What is wrong goes to standard error; help that was asked for, to standard output.
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
          [
            ...event.errors.map((error) => `${paintError("red", "UsageFault")}: ${masked(plain(error.message))}`),
            `Run \`${event.commandPath.join(" ")} --help\` to see how it is used.`
          ].join("\n")
        )
      : CliOutput.defaultPresenter.present(event)
}

const layer = Layer.mergeAll(
  // What else Effect offers is of no use here: a log level where nothing is logged, and a wizard.
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] }),
  CliOutput.layerPresenter(presenter)
)

/**
 * Runs the command and tells its exit status. Errors are explained on standard error.
 *
 * **Details**
 *
 * 0: done. 1: the API or the network refused. 2: wrong usage or configuration. 3: an import finished, and some of its
 * rows did not get through. An interruption stays one: its status is 130.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = (args: ReadonlyArray<string>): Effect.Effect<number, never, Command.Environment> =>
  Command.runWith(agentalk, { version: "0.1.0" })(args).pipe(
    Effect.provide(layer),
    Effect.exit,
    Effect.flatMap((exit) => {
      if (Exit.isSuccess(exit)) return Effect.succeed(0)
      if (Cause.hasInterruptsOnly(exit.cause)) return Effect.interrupt
      const error = Cause.squash(exit.cause)
      if (error instanceof Ended) return Effect.succeed(error.status)
      if (CliError.isCliError(error)) {
        return Effect.succeed(error._tag === "ShowHelp" && error.errors.length === 0 ? 0 : status.usage)
      }
      const explained = explain(error, args.includes("--verbose"))
      if (explained === undefined) {
        return Effect.as(
          Console.error(
            `${paintError("red", "Defect")}: the command is broken; please report this.\n${Cause.pretty(exit.cause)}`
          ),
          status.refused
        )
      }
      const [first = "", ...rest] = explained.lines
      return Effect.as(
        Console.error([first.replace(/^\w+/, (tag) => paintError("red", tag)), ...rest].join("\n")),
        explained.status
      )
    })
  )
