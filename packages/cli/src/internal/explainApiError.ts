/** Explanations of the errors of API calls. */
import type { AgentalkError } from "@agentalk/core/AgentalkError"
import { type Operation, operations } from "@agentalk/core/Operations"
import * as Duration from "effect/Duration"
import { exitStatus } from "./exitStatus.ts"
import type { Explanation } from "./explanation.ts"

const retryAdvice = (retryAfter: Duration.Duration | undefined): string =>
  retryAfter === undefined
    ? "Wait a little and run the command again."
    : `Run the command again in ${Duration.format(Duration.seconds(Math.ceil(Duration.toSeconds(retryAfter))))}.`

/** The parameters of an operation's path in words: "the contact id and the field key". */
const parametersOf = (operation: Operation): string =>
  Array.from(
    operations[operation].path.matchAll(/\{(\w+)\}/g),
    ([, name = ""]) => `the ${name.replaceAll("_", " ")}`
  ).join(" and ")

const adviceOf = (error: AgentalkError): string => {
  switch (error._tag) {
    case "Validation":
      return error.source === "client"
        ? "Correct this value and run the command again."
        : "The API refused these values: correct them and run the command again."
    case "Unauthorized":
      return "Check the token in AGENTALK_API_TOKEN or --token-file."
    case "Forbidden":
      return "Use a token with this permission, or check --organization."
    case "NotFound":
      return `Check ${parametersOf(error.operation)}. \`agentalk contacts search --json\` shows all data of a contact.`
    case "RateLimited":
    case "CircuitOpen":
      return retryAdvice(error.retryAfter)
    case "ServerFault":
      return "The API failed. Try again later. --verbose shows the request id for a support request."
    case "Timeout":
      return "Run the command again, or allow more time with --timeout."
    case "TransportFailure":
      return "Check the network and the base URL."
    case "UnexpectedResponse":
      return "Check the base URL."
    default:
      return error satisfies never
  }
}

/** The errors whose causes `agentalk doctor` can find. */
const doctorTags: ReadonlySet<AgentalkError["_tag"]> = new Set([
  "Unauthorized",
  "TransportFailure",
  "UnexpectedResponse"
])

const maxIssues = 5

/** Returns the issues from the response. If the client refused the input, the error message contains them already. */
const issuesOf = (error: AgentalkError): string => {
  if (!("issues" in error) || error.issues === undefined) return ""
  if (error._tag === "Validation" && error.source === "client") return ""
  const issues = error.issues.map(({ message, path }) =>
    [path.join("."), message].filter((text) => text !== "").join(": ")
  )
  return issues.length === 0 ? "" : ` [${issues.slice(0, maxIssues).join("; ")}]`
}

const detailLineOf = (error: AgentalkError): string =>
  [
    `outcome ${error.outcome}`,
    `${error.attempts} ${error.attempts === 1 ? "attempt" : "attempts"} in ${Duration.format(error.elapsed)}`,
    `retries stopped by ${error.retryStopped}`,
    "status" in error && error.status !== undefined ? `status ${error.status}` : "",
    "requestId" in error && error.requestId !== undefined ? `request id ${error.requestId}` : ""
  ]
    .filter((detail) => detail !== "")
    .join(", ")

const detailsOf = (error: AgentalkError): Readonly<Record<string, unknown>> => ({
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

/** Explains an error of an API call. */
export const explainApiError = (error: AgentalkError): Explanation => ({
  // An input that was refused before sending is wrong usage.
  status: error._tag === "Validation" && error.source === "client" ? exitStatus.usage : exitStatus.failed,
  tag: error._tag,
  message: `${error.message}${issuesOf(error)}`,
  advice: adviceOf(error),
  ...(doctorTags.has(error._tag) && { doctorHint: "`agentalk doctor` finds the cause." }),
  details: detailsOf(error),
  detailLine: detailLineOf(error)
})
