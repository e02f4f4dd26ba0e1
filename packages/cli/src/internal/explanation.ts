/** What can end a command, told in two lines, and the exit status of each. */
import { type AgentalkError, isAgentalkError } from "@agentalk/core/AgentalkError"
import { type Operation, operations } from "@agentalk/core/Operations"
import type { ConfigError } from "effect/Config"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { FileFault } from "@agentalk/import/ContactFile"
import { ImportStopped } from "@agentalk/import/Import"
import { type ConfigProblem, configProblem } from "./configProblem.ts"
import { status } from "./exitStatus.ts"
import { paintError, plain } from "./terminalText.ts"
import { UsageError } from "./usageError.ts"
import { variables } from "./variables.ts"

/** An import stopped early, and how it goes on, if it can. */
export class Halted extends Schema.TaggedError<Halted>("@agentalk/cli/Halted")("Halted", {
  cause: Schema.Union([ImportStopped, FileFault]),
  resume: Schema.String
}) {}

/** A failure as a person reads it: what happened, then what to do. */
export interface Explained {
  readonly status: number
  readonly tag: string
  readonly message: string
  readonly advice: string
  /** What `agentalk doctor` does about it; of no use there. */
  readonly doctor?: string
  /** What is known besides, for --json. */
  readonly facts?: Readonly<Record<string, unknown>>
  /** The same, in a line for --verbose. */
  readonly detail?: string
}

const soon = (retryAfter: Duration.Duration | undefined): string =>
  retryAfter === undefined
    ? "Wait a little and run the command again."
    : `Run the command again in ${Duration.format(Duration.seconds(Math.ceil(Duration.toSeconds(retryAfter))))}.`

/** The parameters of an operation's path in words: "the contact id and the field key". */
const parametersOf = (operation: Operation): string =>
  Array.from(
    operations[operation].path.matchAll(/\{(\w+)\}/g),
    ([, name = ""]) => `the ${name.replaceAll("_", " ")}`
  ).join(" and ")

const doctored: ReadonlySet<AgentalkError["_tag"]> = new Set(["Unauthorized", "TransportFailure", "UnexpectedResponse"])

const advice = (error: AgentalkError): string => {
  switch (error._tag) {
    case "Validation":
      return error.source === "client"
        ? "Correct that value and run the command again."
        : "The API refused these values: correct them and run the command again."
    case "Unauthorized":
      return "Check the token in AGENTALK_API_TOKEN or --token-file."
    case "Forbidden":
      return "Ask for a token that has this right, or check --organization."
    case "NotFound":
      return `Check ${parametersOf(error.operation)}: \`agentalk contacts search --json\` shows what each contact has.`
    case "RateLimited":
    case "CircuitOpen":
      return soon(error.retryAfter)
    case "ServerFault":
      return "The fault is at the API: try again later; --verbose shows the request id for its support."
    case "Timeout":
      return "Run the command again, or allow it more time with --timeout."
    case "TransportFailure":
      return "Check the network and the base URL."
    case "UnexpectedResponse":
      return "Check the base URL."
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

const detailOf = (error: AgentalkError): string =>
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

const factsOf = (error: AgentalkError): Readonly<Record<string, unknown>> => ({
  operation: error.operation,
  outcome: error.outcome,
  isRetryable: error.isRetryable,
  attempts: error.attempts,
  ...("status" in error && error.status !== undefined && { status: error.status }),
  ...("requestId" in error && error.requestId !== undefined && { requestId: error.requestId }),
  ...("code" in error && error.code !== undefined && { code: error.code }),
  ...("retryAfter" in error &&
    error.retryAfter !== undefined && { retryAfterMillis: Duration.toMillis(error.retryAfter) }),
  ...("issues" in error && error.issues !== undefined && { issues: error.issues })
})

const explainCall = (error: AgentalkError): Explained => ({
  // What was refused before sending is wrong usage: neither the API nor the network has seen it.
  status: error._tag === "Validation" && error.source === "client" ? status.usage : status.refused,
  tag: error._tag,
  message: `${error.message}${issuesOf(error)}`,
  advice: advice(error),
  ...(doctored.has(error._tag) && { doctor: "`agentalk doctor` tests it." }),
  facts: factsOf(error),
  detail: detailOf(error)
})

const configAdvice = ({ isMissing, name }: ConfigProblem): string => {
  const variable = variables.find((variable) => variable.name === name)
  const verb = isMissing ? "Set" : "Correct"
  if (variable === undefined) return `${verb} this setting.`
  const ways = [
    `${verb} ${name}`,
    ...(isMissing || variable.isRequired ? [] : ["unset it"]),
    ...(variable.setting === undefined ? [] : [`use --${variable.setting.id}`])
  ]
  return `${ways.join(", or ")}.`
}

const explainConfig = (problem: ConfigProblem): Explained => {
  const { isMissing, message, name } = problem
  const said = isMissing ? `${name} is not set` : [name, message].filter((text) => text !== "").join(": ")
  return {
    status: status.usage,
    tag: "ConfigError",
    message: said,
    advice: configAdvice(problem),
    doctor: "`agentalk doctor` tells what is set, and what is missing."
  }
}

/** Explains a failure of a command. What is none of ours is a defect, which only its stack explains. */
export const explain = (error: unknown): Explained | undefined => {
  if (isAgentalkError(error)) return explainCall(error)
  if (error instanceof ImportStopped) {
    return { ...explainCall(error.error), message: error.message, status: status.refused }
  }
  if (error instanceof Halted) {
    const cause = explain(error.cause)
    if (cause === undefined) return undefined
    const { doctor, ...rest } = cause
    // The command to go on with comes last, so that it can be copied to the end of the line.
    return { ...rest, advice: [cause.advice, ...(doctor === undefined ? [] : [doctor]), error.resume].join(" ") }
  }
  if (isConfigError(error)) return explainConfig(configProblem(error))
  if (error instanceof UsageError || error instanceof FileFault) {
    const { _tag, advice = "Run the command with --help to see how it is used.", message } = error
    return { status: status.usage, tag: _tag, message, advice }
  }
  return undefined
}

/** A failure in two lines, and a third one with --verbose. */
export const toLines = ({ advice, detail, doctor, message, tag }: Explained, isVerbose: boolean) => [
  `${paintError("red", tag)}: ${plain(message)}`,
  plain(doctor === undefined ? advice : `${advice} ${doctor}`),
  ...(isVerbose && detail !== undefined ? [plain(detail)] : [])
]

/** A failure as the one JSON document that --json puts on standard error. */
export const toJson = ({ advice, facts = {}, message, tag }: Explained): string =>
  JSON.stringify({ error: { tag, message, advice, ...facts } })
