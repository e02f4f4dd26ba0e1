/** Makes the errors of attempts and calls. The status decides the tag of an error; the body only adds details. */
import type * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import {
  type CallError,
  CircuitOpen,
  type ContactError,
  Forbidden,
  NotFound,
  type Outcome,
  RateLimited,
  ServerFault,
  Timeout,
  TransportFailure,
  Unauthorized,
  UnexpectedResponse,
  Validation
} from "../../AgentalkError.ts"
import type { Issue } from "../../Issue.ts"
import type { Operation } from "../../Operations.ts"
import { contractKeys, factsOf, type NamesContact } from "../operation.ts"
import {
  type AttemptResult,
  detailsOf,
  readIssues,
  readJson,
  type ResponseDetails,
  retryAfterOf,
  type SentRequest,
  type UnusableBody
} from "../wire/response.ts"
import { retryReasonOf } from "../wire/status.ts"
import type { TransportFault } from "../wire/transport.ts"
import { formatDuration, formatPaths, nothingSent, writeMessage } from "./messages.ts"
import { type AttemptFailure, type CallSummary, type Failure, type TimeLimit, unsentSummary } from "./summary.ts"

/** The errors of an operation: `NotFound` is among them only if its path names a contact. */
export type ErrorOf<K extends Operation> = NamesContact<K> extends true ? ContactError : CallError

/** The parts of a call that its errors use. */
export interface ErrorContext extends SentRequest {
  readonly operation: Operation
}

/** Returns the outcome of an attempt. The outcome of an operation that only reads is always `"not-applied"`. */
const outcomeOf = (operation: Operation, outcome: Outcome): Outcome =>
  factsOf(operation).isReadOnly ? "not-applied" : outcome

// --- before sending -----------------------------------------------------------------------------------------------

/** Makes the error of an input that is refused before anything is sent. */
export const invalidInput = (operation: Operation, issues: ReadonlyArray<Issue>): Validation => {
  const summary = unsentSummary(operation)
  const [first, ...others] = issues
  const reason = first === undefined ? "" : `: ${first.message}${formatPaths([first])}`
  const more = others.length === 0 ? "" : `See issues for ${others.length} more${formatPaths(others)}.`
  return new Validation({
    ...summary,
    message: writeMessage(summary, `the input was refused before sending${reason}`, more),
    source: "client",
    issues: [...issues]
  })
}

/** The failure of a call whose token is malformed or could not be obtained. */
export const noCredentials = (reason: string): Failure<Unauthorized> => ({
  toError: (summary) => new Unauthorized({ ...summary, message: writeMessage(summary, reason, nothingSent(summary)) })
})

/** The failure of a call that would wait too long, because of the quota or because the server asked for the wait. */
export const waitTooLong = (wait: Duration.Duration, isServerHint: boolean): Failure<RateLimited> => ({
  toError: (summary) =>
    new RateLimited({
      ...summary,
      message: writeMessage(
        summary,
        isServerHint
          ? `the API asked this organization to wait another ${formatDuration(wait)}`
          : `the rate limit allows the next request in ${formatDuration(wait)}`,
        nothingSent(summary)
      ),
      retryAfter: wait
    })
})

/** The failure of a call that the circuit breaker refused. */
export const circuitOpen = (retryAfter: Duration.Duration): Failure<CircuitOpen> => ({
  toError: (summary) =>
    new CircuitOpen({
      ...summary,
      message: writeMessage(
        summary,
        "the circuit breaker is open, because the API has been failing",
        nothingSent(summary)
      ),
      retryAfter
    })
})

// --- no response --------------------------------------------------------------------------------------------------

/** The failure of an attempt that received no response. */
export const noResponse = (
  operation: Operation,
  fault: TransportFault,
  limit: TimeLimit
): AttemptFailure<Timeout | TransportFailure> => {
  const outcome = outcomeOf(operation, fault.sent ? "unknown" : "not-applied")
  if (fault.kind === "timeout") {
    return {
      outcome,
      retry: "timeout",
      toError: (summary) =>
        new Timeout({
          ...summary,
          message: writeMessage(summary, `no response within ${formatDuration(limit.duration)}`),
          limit: limit.kind
        })
    }
  }
  const code = fault.code === undefined ? "" : ` (${fault.code})`
  return {
    outcome,
    retry: "transient",
    toError: (summary) =>
      new TransportFailure({
        ...summary,
        message: fault.sent
          ? writeMessage(summary, `the connection broke before a response arrived${code}`)
          : writeMessage(summary, `no connection could be made${code}`, "Check the base URL and the network."),
        ...(fault.code !== undefined && { code: fault.code })
      })
  }
}

// --- a status other than 2xx --------------------------------------------------------------------------------------

/** The failure of an attempt that received a status other than 2xx. */
export const failedStatus = (
  context: ErrorContext,
  result: AttemptResult,
  nowMillis: number
): AttemptFailure<ContactError> => {
  const { status } = result
  const isRefused = status >= 400 && status < 500 && status !== 408
  const retryAfter = retryAfterOf(result.headers, nowMillis)
  return {
    outcome: outcomeOf(context.operation, isRefused ? "not-applied" : "unknown"),
    retry: retryReasonOf(status),
    retryAfter,
    toError: (summary) => toStatusError(context, result, retryAfter, summary)
  }
}

const notFound = ({ operation }: ErrorContext, details: ResponseDetails, summary: CallSummary): ContactError =>
  factsOf(operation).namesContact
    ? new NotFound({
        ...summary,
        ...details,
        message: writeMessage(summary, `the contact, field or tag does not exist (${details.status})`)
      })
    : new UnexpectedResponse({
        ...summary,
        ...details,
        message: writeMessage(summary, `the API does not know this address (${details.status})`, "Check the base URL.")
      })

const toStatusError = (
  context: ErrorContext,
  result: AttemptResult,
  retryAfter: Duration.Duration | undefined,
  summary: CallSummary
): ContactError => {
  const { status } = result
  const details = detailsOf(context, result)
  const fields = { ...summary, ...details }
  switch (status) {
    case 400:
    case 409:
    case 413:
    case 415:
    case 422: {
      const issues = readIssues(context, result, contractKeys)
      return new Validation({
        ...fields,
        message: writeMessage(summary, `the API refused the input (${status})${formatPaths(issues)}`, "See issues."),
        source: "server",
        issues
      })
    }
    case 401:
      return new Unauthorized({
        ...fields,
        message: writeMessage(
          summary,
          "the API refused the token (401)",
          "Check that it is an organization API token, {orgId}.{secret}, and still valid."
        )
      })
    case 403:
      return new Forbidden({
        ...fields,
        message: writeMessage(
          summary,
          "the token does not allow this call (403)",
          "Check which organization the token belongs to."
        )
      })
    case 404:
    case 410:
      return notFound(context, details, summary)
    case 408:
      return new Timeout({
        ...fields,
        message: writeMessage(summary, "the API stopped waiting for the request (408)"),
        limit: "server"
      })
    case 429:
      return new RateLimited({
        ...fields,
        message: writeMessage(summary, "too many requests (429)", describeRetryAfter(retryAfter)),
        ...(retryAfter && { retryAfter })
      })
    default:
  }
  if (status >= 500 && status < 600) {
    return new ServerFault({
      ...fields,
      message: writeMessage(summary, `the API failed (${status})`, describeRetryAfter(retryAfter)),
      ...(retryAfter && { retryAfter })
    })
  }
  const event =
    status < 400
      ? `the API responded with a redirect (${status}), which is not followed`
      : `the API responded with an undeclared status (${status})`
  return new UnexpectedResponse({ ...fields, message: writeMessage(summary, event, "Check the base URL.") })
}

const describeRetryAfter = (retryAfter: Duration.Duration | undefined): string =>
  retryAfter === undefined ? "" : `The API asks to wait ${formatDuration(retryAfter)}.`

// --- an unusable 2xx response ------------------------------------------------------------------------------------

const unexpected = (
  context: ErrorContext,
  result: AttemptResult,
  outcome: Outcome,
  event: string,
  issues?: ReadonlyArray<Issue>
): AttemptFailure<UnexpectedResponse> => ({
  outcome: outcomeOf(context.operation, outcome),
  toError: (summary) =>
    new UnexpectedResponse({
      ...summary,
      ...detailsOf(context, result),
      message: writeMessage(summary, event),
      ...(issues && { issues })
    })
})

/** The failure of an attempt whose 2xx response does not have the shape that the operation requires. */
export const unexpectedShape = (
  context: ErrorContext,
  result: AttemptResult,
  issues: ReadonlyArray<Issue>
): AttemptFailure<UnexpectedResponse> =>
  unexpected(context, result, "applied", `the response has an unexpected shape${formatPaths(issues)}`, issues)

const unusableBody = (
  context: ErrorContext,
  result: AttemptResult,
  { outcome, reason }: UnusableBody,
  limit: TimeLimit
): AttemptFailure<Timeout | UnexpectedResponse> => {
  switch (reason) {
    case "timeout":
      return {
        outcome: outcomeOf(context.operation, outcome),
        retry: "timeout",
        toError: (summary) =>
          new Timeout({
            ...summary,
            ...detailsOf(context, result),
            message: writeMessage(summary, `the response did not end within ${formatDuration(limit.duration)}`),
            limit: limit.kind
          })
      }
    case "size":
      return unexpected(context, result, outcome, "the response is larger than allowed")
    case "network": {
      const failure = unexpected(context, result, outcome, "the response was cut short")
      // Only a read is retried. A write has probably taken effect, so repeating it would only read its response.
      return factsOf(context.operation).isReadOnly ? { ...failure, retry: "transient" } : failure
    }
    case "not-json":
      return unexpected(context, result, outcome, "the response is not JSON, so it is probably not the API's own")
    case "reported-failure":
      return unexpected(
        context,
        result,
        outcome,
        `the response has a success status (${result.status}) but reports a failure`,
        readIssues(context, result, contractKeys)
      )
    case "malformed":
      return unexpected(context, result, outcome, "the response is not valid JSON")
    default:
      return reason satisfies never
  }
}

/** Reads the JSON of a 2xx response; `undefined` if the body is empty. */
export const readSuccess = (
  context: ErrorContext,
  result: AttemptResult,
  limit: TimeLimit
): Result.Result<unknown, AttemptFailure<Timeout | UnexpectedResponse>> =>
  Result.mapError(readJson(result), (unusable) => unusableBody(context, result, unusable, limit))
