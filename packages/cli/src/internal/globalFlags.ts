/** The flags that every command takes. */
import { BaseUrl as BaseUrlSchema, OrganizationId } from "@agentalk/core/Settings"
import * as Completions from "effect/cli/Completions"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import { decodeWith, text, time, toggle, wholeNumber } from "./flags.ts"

export const Json = GlobalFlag.Setting("json")({
  flag: toggle("json", "JSON only, errors too: a document, or a line an item")
})

export const Quiet = GlobalFlag.Setting("quiet")({
  flag: toggle("quiet", "No progress and no notes: results and errors only")
})

const Verbose = GlobalFlag.Setting("verbose")({
  flag: toggle("verbose", "Tell more about an error, its request id included")
})

export const BaseUrl = GlobalFlag.Setting("base-url")({
  flag: text("base-url", "URL", "Where the API lives, else AGENTALK_BASE_URL").pipe(
    decodeWith(BaseUrlSchema),
    Flag.optional
  )
})

export const Organization = GlobalFlag.Setting("organization")({
  flag: text("organization", "UUID", "Whom calls are for, else AGENTALK_ORGANIZATION_ID").pipe(
    decodeWith(OrganizationId),
    Flag.optional
  )
})

// `Flag.FileText` would read the file, but its messages quote the path, and it does not check who else can read it.
export const TokenFile = GlobalFlag.Setting("token-file")({
  flag: text("token-file", "FILE", "Holds the API token, else AGENTALK_API_TOKEN").pipe(Flag.optional)
})

export const Timeout = GlobalFlag.Setting("timeout")({
  flag: time("timeout", "How long a call may take: 500ms, 30s, 2m (default)").pipe(Flag.optional)
})

export const Retries = GlobalFlag.Setting("retries")({
  flag: wholeNumber("retries", "How often a failed call is tried again (default 2)", 0, 100).pipe(Flag.optional)
})

// Effect's own flag lists every spelling of a shell, so help would be wider than 80 columns.
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

/** Whether a flag is among the arguments. For errors that occur before the arguments are parsed. */
export const isGiven = (args: ReadonlyArray<string>, flag: string): boolean => {
  const end = args.indexOf("--")
  return (end === -1 ? args : args.slice(0, end)).includes(flag)
}
