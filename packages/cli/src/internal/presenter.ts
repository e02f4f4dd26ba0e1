/** How help and usage errors are printed. */
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import type { HelpDoc } from "effect/cli/HelpDoc"
import * as Console from "effect/Console"
import { exitStatus } from "./exitStatus.ts"
import { toJson } from "./explanation.ts"
import { paintError } from "./terminalText.ts"

const suggest = (suggestions: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? "" : ` Did you mean ${suggestions.join(" or ")}?`

/**
 * Returns the message of a usage error. It quotes no argument except the name of an unknown flag, because a misplaced
 * argument may be a token or personal data. Effect's own messages quote the arguments.
 */
const messageOf = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "InvalidValue": {
      const name = error.kind === "flag" ? `--${error.option}` : `<${error.option}>`
      const expected = error.expected.startsWith("Expected ") ? error.expected : `Expected ${error.expected}`
      return `${name}: ${error.value === "" ? "the value is missing. " : ""}${expected}`
    }
    case "MissingOption":
      return `--${error.option} is required`
    case "MissingArgument":
      return `<${error.argument}> is required`
    case "UnexpectedArgument":
      return "too many arguments. Quote a value with spaces, and put each value after its flag"
    case "UnknownSubcommand":
      return `\`${(error.parent ?? []).join(" ")}\` has no such subcommand.${suggest(error.suggestions)}`
    case "UnrecognizedOption": {
      // A value may begin with a hyphen. Effect reads one hyphen and a word as one flag per letter.
      const name = /^--[a-z][a-z-]*$/i.test(error.option) ? ` ${error.option}` : ""
      return `there is no such flag${name}.${name === "" ? "" : suggest(error.suggestions)}`
    }
    default:
      return error.message
  }
}

// After an unknown subcommand, Effect also reports its flags, because the parent command does not declare them.
const causesOf = (errors: ReadonlyArray<CliError.NonShowHelpErrors>): ReadonlyArray<CliError.NonShowHelpErrors> => {
  const unknown = errors.filter(({ _tag }) => _tag === "UnknownSubcommand")
  return unknown.length === 0 ? errors : unknown
}

/** Prints usage errors on standard error, and help on standard output. */
export const makePresenter = (isJson: boolean): CliOutput.Presenter => ({
  present: (event) => {
    if (event._tag === "Version" || (event._tag === "Help" && !(isJson && event.reason === "Implicit"))) {
      return CliOutput.defaultPresenter.present(event)
    }
    const messages =
      event._tag === "Help" ? ["a subcommand is missing"] : [...new Set(causesOf(event.errors).map(messageOf))]
    const advice = `Run \`${event.commandPath.join(" ")} --help\` to see its usage.`
    return Console.error(
      isJson
        ? toJson({ status: exitStatus.usage, tag: "UsageError", message: messages.join("; "), advice })
        : [...messages.map((message) => `${paintError("red", "UsageError")}: ${message}`), advice].join("\n")
    )
  }
})

const { formatHelpDoc } = CliOutput.defaultFormatter()

export const formatter: CliOutput.Formatter = Object.assign(CliOutput.defaultFormatter(), {
  // Effect leaves no line between subcommands and examples.
  formatHelpDoc: (doc: HelpDoc) => formatHelpDoc(doc).replace(/(?<=\S)\n(?=\S*EXAMPLES)/, "\n\n")
})
