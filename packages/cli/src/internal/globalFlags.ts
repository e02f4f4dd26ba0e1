/** The flags that every command takes. */
import * as Completions from "effect/cli/Completions"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Flags from "./flags.ts"

const toggle = <const Id extends string>(id: Id, description: string) =>
  GlobalFlag.Setting(id)({ flag: Flags.toggle(id, description) })

const text = <const Id extends string>(id: Id, metavar: string, description: string) =>
  GlobalFlag.Setting(id)({ flag: Flags.text(id, metavar, description).pipe(Flag.optional) })

export const Json = toggle("json", "JSON only, errors too: a document, or a line an item")
export const Quiet = toggle("quiet", "No progress and no notes: results and errors only")
const Verbose = toggle("verbose", "Tell more about an error, its request id included")
export const BaseUrl = text("base-url", "URL", "Where the API lives, else AGENTALK_BASE_URL")
export const Organization = text("organization", "UUID", "Whom calls are for, else AGENTALK_ORGANIZATION_ID")
export const TokenFile = text("token-file", "FILE", "Holds the API token, else AGENTALK_API_TOKEN")
export const Timeout = text("timeout", "TIME", "How long a call may take: 500ms, 30s, 2m (default)")
export const Retries = GlobalFlag.Setting("retries")({
  flag: Flag.Int("retries").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("How often a failed call is tried again (default 2)"),
    Flag.filter(
      (retries) => retries >= 0 && retries <= 100,
      () => "Expected a whole number from 0 to 100"
    ),
    Flag.optional
  )
})

/** Prints a completion script. Effect's own flag lists every spelling of a shell, which makes help too wide. */
const CompletionsFlag = GlobalFlag.Action({
  flag: Flag.Literals("completions", ["bash", "zsh", "fish", "powershell"]).pipe(
    Flag.withMetavar("SHELL"),
    Flag.withDescription("For a shell")
  ),
  run: (shell, { command }) => Console.log(Completions.generate(command.name, shell, Completions.fromCommand(command)))
})

/** All of them, in the order in which help shows them. */
export const globalFlags = [
  Json,
  Quiet,
  Verbose,
  BaseUrl,
  Organization,
  TokenFile,
  Timeout,
  Retries,
  CompletionsFlag
] as const

/** Whether a flag stands among the arguments, for what happens before these are understood, or where they are not. */
export const isGiven = (args: ReadonlyArray<string>, flag: string): boolean => {
  const end = args.indexOf("--")
  return (end === -1 ? args : args.slice(0, end)).includes(flag)
}
