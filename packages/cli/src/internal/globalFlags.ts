/** The flags that every command takes. */
import { BaseUrl as BaseUrlSchema, OrganizationId } from "@agentalk/core/Settings"
import * as Completions from "effect/cli/Completions"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import { decodeWith, text, time, toggle, wholeNumber } from "./flags.ts"

export const Json = GlobalFlag.Setting("json")({
  flag: toggle("json", "Print JSON: one document, or one line per item")
})

export const Quiet = GlobalFlag.Setting("quiet")({
  flag: toggle("quiet", "Hide progress and notes, but not results and errors")
})

const Verbose = GlobalFlag.Setting("verbose")({
  flag: toggle("verbose", "Show details of an error, including its request id")
})

export const BaseUrl = GlobalFlag.Setting("base-url")({
  flag: text("base-url", "URL", "The URL of the API (default: AGENTALK_BASE_URL)").pipe(
    decodeWith(BaseUrlSchema),
    Flag.optional
  )
})

export const Organization = GlobalFlag.Setting("organization")({
  flag: text("organization", "UUID", "The organization (default: AGENTALK_ORGANIZATION_ID)").pipe(
    decodeWith(OrganizationId),
    Flag.optional
  )
})

// `Flag.FileText` would read the file, but it does not check its permissions, and its messages quote the path.
export const TokenFile = GlobalFlag.Setting("token-file")({
  flag: text("token-file", "FILE", "Read the token from a file, not AGENTALK_API_TOKEN").pipe(Flag.optional)
})

export const Timeout = GlobalFlag.Setting("timeout")({
  flag: time("timeout", "The time limit of a call, such as 30s (default 2m)").pipe(Flag.optional)
})

export const Retries = GlobalFlag.Setting("retries")({
  flag: wholeNumber("retries", "How often a failed call is retried (default 2)", 0, 100).pipe(Flag.optional)
})

// Effect's own flag lists every spelling of a shell, so help would be wider than 80 columns.
const CompletionsFlag = GlobalFlag.Action({
  flag: Flag.Literals("completions", ["bash", "zsh", "fish", "powershell"]).pipe(
    Flag.withMetavar("SHELL"),
    Flag.withDescription("Tab completion")
  ),
  run: (shell, { command }) => Console.log(Completions.generate(command.name, shell, Completions.fromCommand(command)))
})

/** All global flags, in the order of the help. */
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

/** Whether a flag is among the arguments. It also works if the arguments cannot be parsed. */
export const isGiven = (args: ReadonlyArray<string>, flag: string): boolean => {
  const end = args.indexOf("--")
  return (end === -1 ? args : args.slice(0, end)).includes(flag)
}
