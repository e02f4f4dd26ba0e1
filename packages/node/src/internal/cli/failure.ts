/** What can end a command, told in two lines, and the exit status of each. */
import { type AgentalkError, isAgentalkError } from "@agentalk/core/AgentalkError"
import type { ConfigError } from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { FileFault } from "../../ContactFile.ts"
import { ImportStopped } from "../../Import.ts"
import { plain } from "./output.ts"

/** Exit statuses besides 0: `refused` by the API or the network, `usage` or configuration, rows `left` out. */
export const status = { refused: 1, usage: 2, left: 3, interrupted: 130 } as const

/** The command line, or what it names, is wrong: nothing was sent. */
export class UsageFault extends Schema.TaggedError<UsageFault>("@agentalk/node/UsageFault")("UsageFault", {
  message: Schema.String,
  /** What to do about it. */
  advice: Schema.optionalKey(Schema.String)
}) {}

/** A command ends with a status of its own, having said why. */
export class Ended extends Schema.TaggedError<Ended>("@agentalk/node/Ended")("Ended", { status: Schema.Int }) {}

/** Ends the command with a status, if it must. */
export const endIf = (condition: boolean, status: number): Effect.Effect<void, Ended> =>
  condition ? Effect.fail(new Ended({ status })) : Effect.void

/** A failure as a person reads it: what happened, then what to do. */
export interface Explained {
  readonly status: number
  readonly lines: ReadonlyArray<string>
}

const soon = (retryAfter: Duration.Duration | undefined): string =>
  retryAfter === undefined
    ? "Wait a little and run the command again."
    : `Run the command again in ${Duration.format(Duration.seconds(Math.ceil(Duration.toSeconds(retryAfter))))}.`

const advice = (error: AgentalkError): string => {
  switch (error._tag) {
    case "Validation":
      return error.source === "client"
        ? "Correct that value and run the command again."
        : "The API refused these values: correct them and run the command again."
    case "Unauthorized":
      return "Check the token in AGENTALK_API_TOKEN or --token-file; `agentalk doctor` tests it."
    case "Forbidden":
      return "Ask for a token that has this right, or check --organization."
    case "NotFound":
      return "`agentalk contacts search` tells the ids of the contacts that there are."
    case "RateLimited":
    case "CircuitOpen":
      return soon(error.retryAfter)
    case "ServerFault":
      return "The fault is at the API: try again later; --verbose shows the request id for its support."
    case "Timeout":
      return "Run the command again, or allow it more time with --timeout."
    case "TransportFailure":
      return "Check the network and the base URL; `agentalk doctor` tests both."
    case "UnexpectedResponse":
      return "Check the base URL; `agentalk doctor` tests it."
    default:
      return error satisfies never
  }
}

const issuesOf = (error: AgentalkError): string => {
  if (!("issues" in error) || error.issues === undefined) return ""
  if (error._tag === "Validation" && error.source === "client") return ""
  const issues = error.issues.map(({ message, path }) =>
    [path.join("."), message].filter((text) => text !== "").join(": ")
  )
  return issues.length === 0 ? "" : ` [${issues.slice(0, 5).join("; ")}]`
}

const factsOf = (error: AgentalkError): string =>
  [
    `outcome ${error.outcome}`,
    `${error.attempts} ${error.attempts === 1 ? "attempt" : "attempts"} in ${Duration.format(error.elapsed)}`,
    `retries stopped by ${error.retryStopped}`,
    "status" in error && error.status !== undefined ? `status ${error.status}` : "",
    "requestId" in error && error.requestId !== undefined ? `request id ${error.requestId}` : ""
  ]
    .filter((fact) => fact !== "")
    .join(", ")

const isConfigError = (error: unknown): error is ConfigError => Predicate.isTagged(error, "ConfigError")

const told = (status: number, lines: ReadonlyArray<string>): Explained => ({ status, lines: lines.map(plain) })

/** Explains a failure of a command. What is none of ours is a defect, which only its stack explains. */
export const explain = (error: unknown, isVerbose: boolean): Explained | undefined => {
  if (isAgentalkError(error)) {
    const lines = [`${error._tag}: ${error.message}${issuesOf(error)}`, advice(error)]
    // What was refused before sending is wrong usage: neither the API nor the network has seen it.
    const isUsage = error._tag === "Validation" && error.source === "client"
    return told(isUsage ? status.usage : status.refused, isVerbose ? [...lines, factsOf(error)] : lines)
  }
  if (error instanceof ImportStopped) {
    return told(status.refused, [
      `${error.error._tag}: ${error.message}`,
      `${advice(error.error)} Then go on with --resume.`
    ])
  }
  if (isConfigError(error)) {
    return told(status.usage, [
      `ConfigError: ${error.message.replace(/^SchemaError\(([^]*)\)$/, "$1").replaceAll(/\s*\n\s*/g, " ")}`,
      "`agentalk doctor` tells what is set, what is missing and how to mend it."
    ])
  }
  if (error instanceof UsageFault || error instanceof FileFault) {
    const { _tag, advice = "Run the command with --help to see how it is used.", message } = error
    return told(status.usage, [`${_tag}: ${message}`, advice])
  }
  return undefined
}
