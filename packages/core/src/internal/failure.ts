/** From what came back to the error that says it: the status decides the tag, the body only enriches it. */
import * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import {
  type CallError,
  Forbidden,
  type Issue,
  NotFound,
  type Operation,
  type Outcome,
  RateLimited,
  ServerFault,
  Timeout,
  TransportFailure,
  Unauthorized,
  UnexpectedResponse,
  Validation
} from "../AgentalkError.ts"
import type { Fault } from "../Transport.ts"
import { isFault } from "../Transport.ts"
import type { Exchange } from "./exchange.ts"
import * as Issues from "./issues.ts"
import { makeRedactor } from "./redact.ts"

/** What one call is about. */
export interface Call<E> {
  readonly operation: Operation
  /** The input as it was given, whose values are kept out of error text. */
  readonly input: unknown
  /** What a 404 or 410 means: `missingContact` where the path names a contact, else `missingAddress`. */
  readonly onMissing: (fields: ResponseFields) => E
}

/** What every error tells that comes from a response. */
export interface ResponseFields {
  readonly operation: Operation
  readonly outcome: Outcome
  readonly status: number
  readonly requestId?: string
  readonly body?: Redacted.Redacted
}

const maxBody = 65_536

/** `search` changes nothing, whatever becomes of it. */
const outcomeOf = (operation: Operation, outcome: Outcome): Outcome =>
  operation === "search" ? "not-applied" : outcome

const consequence = (outcome: Outcome): string =>
  outcome === "unknown" ? " It may have taken effect all the same." : ""

const say = (operation: Operation, what: string, advice = ""): string =>
  `Contacts.${operation}: ${what}.${advice === "" ? "" : ` ${advice}`}`

const wherePhrase = (issues: ReadonlyArray<Issue>): string => {
  const places = [...new Set(issues.map(({ path }) => path.join(".")).filter((place) => place !== ""))]
  return places.length === 0 ? "" : ` (${places.slice(0, 5).join(", ")}${places.length > 5 ? ", …" : ""})`
}

/** An input that is refused before anything is sent. */
export const invalidInput = (operation: Operation, issues: ReadonlyArray<Issue>): Validation => {
  const first = issues[0]
  const what = first === undefined ? "" : `: ${first.message}${wherePhrase(issues)}`
  return new Validation({
    operation,
    outcome: "not-applied",
    message: say(operation, `the input was refused before sending${what}`),
    source: "client",
    issues: [...issues]
  })
}

/** Credentials that cannot be sent. */
export const noCredentials = (operation: Operation, what: string): Unauthorized =>
  new Unauthorized({
    operation,
    outcome: "not-applied",
    message: say(operation, what, "Nothing was sent.")
  })

/** No response at all. */
export const fromFault = (
  { operation }: Call<unknown>,
  fault: Fault,
  limit: Duration.Duration
): Timeout | TransportFailure => {
  const outcome = outcomeOf(operation, fault.sent ? "unknown" : "not-applied")
  if (fault.kind === "timeout") {
    return new Timeout({
      operation,
      outcome,
      message: say(operation, `no answer within ${Duration.format(limit)}`, consequence(outcome).trim()),
      limit: "attempt"
    })
  }
  const code = fault.code === undefined ? "" : ` (${fault.code})`
  return new TransportFailure({
    operation,
    outcome,
    message: fault.sent
      ? say(operation, `the connection broke before an answer came${code}`, consequence(outcome).trim())
      : say(operation, `no connection could be made${code}`, "Check the base URL and the network."),
    ...(fault.code !== undefined && { code: fault.code })
  })
}

const requestIdOf = (headers: Headers.Headers): string | undefined =>
  ["x-request-id", "request-id", "x-correlation-id"]
    .map((name) => headers[name])
    .find((id) => id !== undefined && /^[\w.:+/=-]{1,128}$/.test(id))

/** `retry-after-ms`, else `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3). */
const retryAfterOf = (headers: Headers.Headers, nowMillis: number): Duration.Duration | undefined => {
  const millis = headers["retry-after-ms"]
  if (millis !== undefined && /^\d+(\.\d+)?$/.test(millis.trim())) return Duration.millis(Number(millis))
  const text = headers["retry-after"]
  if (text === undefined) return undefined
  const parsed = Headers.parseRetryAfter(text)
  return Result.isSuccess(parsed) ? Headers.retryAfterDelay(parsed.success, nowMillis) : undefined
}

const isJson = (headers: Headers.Headers): boolean =>
  /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(headers["content-type"]?.trim() ?? "")

const parse = (text: string): Result.Result<unknown, void> => {
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return Result.fail(undefined)
  }
}

const readIssues = (call: Call<unknown>, { authorization, body, headers }: Exchange): ReadonlyArray<Issue> => {
  if (isFault(body) || body.trim() === "") return []
  const parsed = parse(body)
  const redactor = makeRedactor(call.input, authorization?.replace(/^Bearer /, ""))
  if (Result.isSuccess(parsed)) return Issues.fromBody(parsed.success, redactor)
  // Some gateways say it in a line of text; a page says nothing that a program could use.
  const isPlain = /^text\/plain\b/i.test(headers["content-type"] ?? "") && !body.includes("<")
  return isPlain ? Issues.fromBody(body, redactor) : []
}

const responseFields = ({ body, headers, status }: Exchange) => {
  const requestId = requestIdOf(headers)
  return {
    status,
    ...(requestId !== undefined && { requestId }),
    ...(typeof body === "string" && body !== "" && { body: Redacted.make(body.slice(0, maxBody)) })
  }
}

/** A path that names a contact, and there is none. */
export const missingContact = (fields: ResponseFields): NotFound =>
  new NotFound({
    ...fields,
    message: say(fields.operation, `there is no such contact, field or tag (${fields.status})`)
  })

/** A path that names nothing that could be missing. */
export const missingAddress = (fields: ResponseFields): UnexpectedResponse =>
  new UnexpectedResponse({
    ...fields,
    message: say(fields.operation, `the API knows no such address (${fields.status})`, "Check the base URL.")
  })

/** A status that is no success. */
export const fromStatus = <E>(call: Call<E>, exchange: Exchange, nowMillis: number): CallError | E => {
  const { operation } = call
  const { status } = exchange
  const isRefused = status >= 400 && status < 500 && status !== 408
  const outcome = outcomeOf(operation, isRefused ? "not-applied" : "unknown")
  const fields: ResponseFields = { operation, outcome, ...responseFields(exchange) }
  const retryAfter = retryAfterOf(exchange.headers, nowMillis)
  switch (status) {
    case 400:
    case 409:
    case 413:
    case 415:
    case 422: {
      const issues = readIssues(call, exchange)
      return new Validation({
        ...fields,
        message: say(operation, `the API refused the input (${status})${wherePhrase(issues)}`, "See issues."),
        source: "server",
        issues
      })
    }
    case 401:
      return new Unauthorized({
        ...fields,
        message: say(
          operation,
          "the API refused the token (401)",
          "Check that it is an organization API token, {orgId}.{secret}, and still valid."
        )
      })
    case 403:
      return new Forbidden({
        ...fields,
        message: say(operation, "the token does not allow this (403)", "Check which organization it belongs to.")
      })
    case 404:
    case 410:
      return call.onMissing(fields)
    case 408:
      return new Timeout({
        ...fields,
        message: say(operation, "the API gave up waiting for the request (408)", consequence(outcome).trim()),
        limit: "server"
      })
    case 429:
      return new RateLimited({
        ...fields,
        message: say(
          operation,
          "too many requests (429)",
          retryAfter === undefined ? "" : `The API asks to wait ${Duration.format(retryAfter)}.`
        ),
        ...(retryAfter && { retryAfter })
      })
    default:
  }
  if (status >= 500 && status < 600) {
    return new ServerFault({
      ...fields,
      message: say(operation, `the API failed (${status})`, consequence(outcome).trim()),
      ...(retryAfter && { retryAfter })
    })
  }
  const [what, advice] =
    status < 400
      ? [`the API answered with a redirect (${status}), which is not followed`, consequence(outcome)]
      : [`the API answered with a status that it does not declare (${status})`, ""]
  return new UnexpectedResponse({ ...fields, message: say(operation, what, `Check the base URL.${advice}`) })
}

/** A success whose body cannot be used. */
const unreadable = (
  { operation }: Call<unknown>,
  exchange: Exchange,
  outcome: Outcome,
  what: string,
  issues?: ReadonlyArray<Issue>
): UnexpectedResponse => {
  const isApplied = outcomeOf(operation, outcome) === "applied"
  const advice = !isApplied
    ? consequence(outcomeOf(operation, outcome)).trim()
    : operation === "upsert"
      ? "The contact was written: find it with search({ phone })."
      : "It took effect."
  return new UnexpectedResponse({
    operation,
    outcome: outcomeOf(operation, outcome),
    ...responseFields(exchange),
    message: say(operation, what, advice),
    ...(issues && { issues })
  })
}

/** A success whose JSON breaks what the operation promises. */
export const brokenBody = (call: Call<unknown>, exchange: Exchange, issues: ReadonlyArray<Issue>): UnexpectedResponse =>
  unreadable(call, exchange, "applied", `the answer has another shape than expected${wherePhrase(issues)}`, issues)

/**
 * The JSON of a success: `undefined` where the answer is empty, which is a success as well.
 */
export const readSuccess = (
  call: Call<unknown>,
  exchange: Exchange,
  limit: Duration.Duration
): Result.Result<unknown, Timeout | UnexpectedResponse> => {
  const { body, headers, status } = exchange
  const contentType = headers["content-type"]
  const outcome = isJson(headers) ? "applied" : "unknown"
  if (isFault(body)) {
    if (body.kind === "timeout") {
      const known = outcomeOf(call.operation, outcome)
      return Result.fail(
        new Timeout({
          operation: call.operation,
          outcome: known,
          ...responseFields(exchange),
          message: say(
            call.operation,
            `the answer did not end within ${Duration.format(limit)}`,
            known === "applied" ? "It took effect." : consequence(known).trim()
          ),
          limit: "attempt"
        })
      )
    }
    const what = body.kind === "size" ? "the answer is larger than allowed" : "the answer was cut short"
    return Result.fail(unreadable(call, exchange, outcome, what))
  }
  if (status === 204 || status === 205 || body.trim() === "") return Result.succeed(undefined)
  // Without a content type, what parses as JSON is taken for it.
  if (!isJson(headers) && contentType !== undefined) {
    return Result.fail(unreadable(call, exchange, "unknown", "the answer is not JSON, so it is hardly the API's own"))
  }
  const parsed = parse(body)
  if (Result.isSuccess(parsed)) return Result.succeed(parsed.success)
  return Result.fail(unreadable(call, exchange, outcome, "the answer is not JSON that can be read"))
}
