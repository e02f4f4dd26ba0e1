/** How help and usage errors are printed. */
import * as CliOutput from "effect/cli/CliOutput"
import type { HelpDoc } from "effect/cli/HelpDoc"
import * as Console from "effect/Console"
import { status } from "./exitStatus.ts"
import { toJson } from "./explanation.ts"
import { paintError, plain } from "./terminalText.ts"

// A token or a phone number in the wrong place is quoted by these messages, and errors end up in logs.
// A value without its flag, such as a name, could be anything.
const masked = (message: string): string =>
  message.replace(/"[^"]*(?:\d{4}|@)[^"]*"/g, '"…"').replace(/(?<=positional arguments?: ).*/s, '"…"')

// What is wrong goes to standard error; help that was asked for, to standard output.
export const makePresenter = (isJson: boolean): CliOutput.Presenter => ({
  present: (event) => {
    if (event._tag === "Version" || (event._tag === "Help" && !(isJson && event.reason === "Implicit"))) {
      return CliOutput.defaultPresenter.present(event)
    }
    const messages =
      event._tag === "Help" ? ["a command is missing"] : event.errors.map(({ message }) => masked(plain(message)))
    const advice = `Run \`${event.commandPath.join(" ")} --help\` to see how it is used.`
    return Console.error(
      isJson
        ? toJson({ status: status.usage, tag: "UsageError", message: messages.join("; "), advice })
        : [...messages.map((message) => `${paintError("red", "UsageError")}: ${message}`), advice].join("\n")
    )
  }
})

const effectFormatter = CliOutput.defaultFormatter()

export const formatter = Object.assign(CliOutput.defaultFormatter(), {
  // Effect leaves no line between subcommands and examples.
  formatHelpDoc: (doc: HelpDoc) => effectFormatter.formatHelpDoc(doc).replace(/(?<=\S)\n(?=\S*EXAMPLES)/, "\n\n")
})
