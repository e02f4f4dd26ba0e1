/** Reads responses: headers, the details of an error, and the JSON of a success. */
import * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Issue } from "../../Issue.ts"
import { issuesFromBody } from "./errorBody.ts"
import { isObject, parseJson } from "./json.ts"
import { makeRedactor, type Redactor } from "./redaction.ts"
import { tokenOf } from "./text.ts"
import { isTransportFault, type ResponseHead, type TransportFault } from "./transport.ts"

/** The result of an attempt that received the head of a response. */
export interface AttemptResult extends ResponseHead {
  /** The body, or the reason why it could not be read. */
  readonly body: string | TransportFault
  /** The `Authorization` header of the request, so that it can be redacted from the response. */
  readonly authorization: string | undefined
  /** The organization that the request named. */
  readonly organization: string | undefined
}

// Longer than any plausible wait. It also excludes Infinity.
const maxRetryAfterMillis = 366 * 24 * 3_600_000

/** Reads `retry-after-ms`, otherwise `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3). */
export const retryAfterOf = (headers: Headers.Headers, nowMillis: number): Duration.Duration | undefined => {
  const millis = headers["retry-after-ms"]
  if (millis !== undefined && /^\d+(\.\d+)?$/.test(millis)) {
    return Duration.millis(Math.min(Number(millis), maxRetryAfterMillis))
  }
  const text = headers["retry-after"]
  if (text === undefined) return undefined
  const parsed = Headers.parseRetryAfter(text)
  if (Result.isFailure(parsed)) return undefined
  const delay = Headers.retryAfterDelay(parsed.success, nowMillis)
  return Duration.min(delay, Duration.millis(maxRetryAfterMillis))
}

/** Whether the content type is JSON. A response of a proxy is usually HTML or text. */
export const isJson = (headers: Headers.Headers): boolean =>
  headers["content-type"] === "application/json" ||
  /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(headers["content-type"] ?? "")

// --- error details ------------------------------------------------------------------------------------------------

const maxBody = 65_536

/** The parts of an error that come from a response. */
export interface ResponseDetails {
  readonly status: number
  readonly requestId?: string
  readonly body?: Redacted.Redacted
}

/** A request whose values are redacted from error text. */
export interface SentRequest {
  /** Returns the input as it was sent, and as it is now. */
  sentValues(): ReadonlyArray<unknown>
}

const makeResponseRedactor = (sent: SentRequest, { authorization, organization }: AttemptResult): Redactor => {
  try {
    return makeRedactor(sent.sentValues(), authorization && tokenOf(authorization), organization)
  } catch {
    // If the input can no longer be read, its values are unknown, so the whole text is omitted.
    return { text: () => "(text omitted)", mentions: () => true }
  }
}

const requestIdHeaders = ["x-request-id", "request-id", "x-correlation-id"]

/** Returns the API's id of the request, unless the id contains a value of the request. */
const requestIdOf = (sent: SentRequest, result: AttemptResult): string | undefined => {
  const id = requestIdHeaders
    .map((name) => result.headers[name])
    .find((value) => value !== undefined && /^[\w.:+/=-]{1,128}$/.test(value))
  return id === undefined || makeResponseRedactor(sent, result).mentions(id) ? undefined : id
}

/** Returns the parts of an error that come from a response. */
export const detailsOf = (sent: SentRequest, result: AttemptResult): ResponseDetails => {
  const { body, status } = result
  const requestId = requestIdOf(sent, result)
  return {
    status,
    ...(requestId !== undefined && { requestId }),
    ...(typeof body === "string" && body !== "" && { body: Redacted.make(body.slice(0, maxBody)) })
  }
}

/** Reads the issues in an error body, and redacts the values of the request. */
export const readIssues = (
  sent: SentRequest,
  result: AttemptResult,
  contractKeys: ReadonlySet<string>
): ReadonlyArray<Issue> => {
  const { body, headers } = result
  if (isTransportFault(body)) return []
  const parsed = parseJson(body)
  const redactor = makeResponseRedactor(sent, result)
  if (Result.isSuccess(parsed)) return issuesFromBody(parsed.success, redactor, contractKeys)
  // Some gateways send a line of plain text. An HTML page has no issues that a program could use.
  const isPlain = /^text\/plain\b/i.test(headers["content-type"] ?? "") && !body.includes("<")
  return isPlain ? issuesFromBody(body, redactor, contractKeys) : []
}

// --- successes ----------------------------------------------------------------------------------------------------

/** Why the body of a 2xx response cannot be used. */
export interface UnusableBody {
  readonly reason: "timeout" | "size" | "network" | "not-json" | "reported-failure" | "malformed"
  /** Whether the operation took effect: `"applied"` if the content type shows that the response is the API's own. */
  readonly outcome: "applied" | "unknown"
}

/** Reads the JSON of a 2xx response; `undefined` if the body is empty. */
export const readJson = ({ body, headers }: AttemptResult): Result.Result<unknown, UnusableBody> => {
  const outcome = isJson(headers) ? "applied" : "unknown"
  if (isTransportFault(body)) return Result.fail({ reason: body.kind, outcome })
  if (body.trim() === "") return Result.succeed(undefined)
  // A body without a content type is accepted if it parses as JSON.
  if (!isJson(headers) && headers["content-type"] !== undefined) {
    return Result.fail({ reason: "not-json", outcome: "unknown" })
  }
  const parsed = parseJson(body)
  if (Result.isFailure(parsed)) return Result.fail({ reason: "malformed", outcome })
  const json = parsed.success
  return isObject(json) && (json["success"] === false || json["ok"] === false)
    ? Result.fail({ reason: "reported-failure", outcome: "unknown" })
    : Result.succeed(json)
}
