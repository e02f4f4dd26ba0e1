/**
 * From what came back to the error that says it: the status decides the tag, the body only enriches it.
 *
 * An attempt ends in a `Failure`; only the last one of a call becomes an error, which speaks of the whole call.
 */
import * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import {
  type CallError,
  CircuitOpen,
  Forbidden,
  type Issue,
  NotFound,
  type Operation,
  type Outcome,
  RateLimited,
  type RetryStopped,
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
  readonly onMissing: Missing<E>
}

/** How a whole call ended, over all its attempts. */
interface Ending {
  readonly operation: Operation
  readonly outcome: Outcome
  readonly attempts: number
  readonly elapsed: Duration.Duration
  readonly retryStopped: RetryStopped
}

/** How one attempt failed. */
export interface Failure<E> {
  /** What became of this attempt. */
  readonly outcome: Outcome
  /** Why another attempt may do better; `undefined` where none would. */
  readonly retry?: "timeout" | "transient" | "throttled" | undefined
  /** The shortest wait before another attempt, where the API told it. */
  readonly retryAfter?: Duration.Duration | undefined
  readonly toError: (ending: Ending) => E
}

type Missing<E> = (ending: Ending, response: Response) => E

/** What every error tells that comes from a response. */
interface Response {
  readonly status: number
  readonly requestId?: string
  readonly body?: Redacted.Redacted
}

/** A time limit, and whose it is. */
export interface Limit {
  readonly kind: "attempt" | "deadline"
  readonly duration: Duration.Duration
}

const maxBody = 65_536

/** `search` changes nothing, whatever becomes of it. */
const outcomeOf = (operation: Operation, outcome: Outcome): Outcome =>
  operation === "search" ? "not-applied" : outcome

const consequence = ({ operation, outcome }: Ending): string => {
  if (outcome === "not-applied") return ""
  if (outcome === "unknown") return " It may have taken effect all the same."
  return operation === "upsert"
    ? " The contact was written: find it with search({ phone })."
    : " It took effect all the same."
}

const stops: Readonly<Record<RetryStopped, string>> = {
  "not-retryable": "",
  attempts: "",
  deadline: " There was no time left for another attempt.",
  budget: " The retry budget is spent, so it was not tried again.",
  "retry-after": " That is longer than a call may wait."
}

/** The message of an error: what happened, what to do, what became of the call, and how it ended. */
const say = (ending: Ending, what: string, advice = ""): string => {
  const tries = ending.attempts > 1 ? ` ${ending.attempts} attempts in ${Duration.format(ending.elapsed)}.` : ""
  const rest = `${advice === "" ? "" : ` ${advice}`}${stops[ending.retryStopped]}${consequence(ending)}${tries}`
  return `Contacts.${ending.operation}: ${what}.${rest}`
}

const wherePhrase = (issues: ReadonlyArray<Issue>): string => {
  const places = [...new Set(issues.map(({ path }) => path.join(".")).filter((place) => place !== ""))]
  return places.length === 0 ? "" : ` (${places.slice(0, 5).join(", ")}${places.length > 5 ? ", …" : ""})`
}

/** The ending of a call that made no attempt. */
const unsent = (operation: Operation): Ending => ({
  operation,
  outcome: "not-applied",
  attempts: 0,
  elapsed: Duration.zero,
  retryStopped: "not-retryable"
})

/** An input that is refused before anything is sent. */
export const invalidInput = (operation: Operation, issues: ReadonlyArray<Issue>): Validation => {
  const ending = unsent(operation)
  const [first, ...others] = issues
  const what = first === undefined ? "" : `: ${first.message}${wherePhrase([first])}`
  const more = others.length === 0 ? "" : `Another ${others.length} in issues${wherePhrase(others)}.`
  return new Validation({
    ...ending,
    message: say(ending, `the input was refused before sending${what}`, more),
    source: "client",
    issues: [...issues]
  })
}

/** Credentials that cannot be sent, and why. */
export const noCredentials = (what: string): Failure<Unauthorized> => ({
  outcome: "not-applied",
  toError: (ending) => new Unauthorized({ ...ending, message: say(ending, what, "Nothing was sent.") })
})

/** A turn that would come too late, or a wait that the API imposed on all calls of the organization. */
export const fromLimiter = (retryAfter: Duration.Duration): Failure<RateLimited> => ({
  outcome: "not-applied",
  toError: (ending) =>
    new RateLimited({
      ...ending,
      message: say(ending, `the rate limit leaves no turn for ${Duration.format(retryAfter)}`, "Nothing was sent."),
      retryAfter
    })
})

/** A circuit that is open. */
export const fromBreaker = (retryAfter: Duration.Duration): Failure<CircuitOpen> => ({
  outcome: "not-applied",
  toError: (ending) =>
    new CircuitOpen({
      ...ending,
      message: say(ending, "the API has been failing, so the circuit breaker is open", "Nothing was sent."),
      retryAfter
    })
})

/** No response at all. */
export const fromFault = (
  { operation }: Call<unknown>,
  fault: Fault,
  limit: Limit
): Failure<Timeout | TransportFailure> => {
  const outcome = outcomeOf(operation, fault.sent ? "unknown" : "not-applied")
  if (fault.kind === "timeout") {
    return {
      outcome,
      retry: "timeout",
      toError: (ending) =>
        new Timeout({
          ...ending,
          message: say(ending, `no answer within ${Duration.format(limit.duration)}`),
          limit: limit.kind
        })
    }
  }
  const code = fault.code === undefined ? "" : ` (${fault.code})`
  return {
    outcome,
    retry: "transient",
    toError: (ending) =>
      new TransportFailure({
        ...ending,
        message: fault.sent
          ? say(ending, `the connection broke before an answer came${code}`)
          : say(ending, `no connection could be made${code}`, "Check the base URL and the network."),
        ...(fault.code !== undefined && { code: fault.code })
      })
  }
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

const toResponse = ({ body, headers, status }: Exchange): Response => {
  const requestId = requestIdOf(headers)
  return {
    status,
    ...(requestId !== undefined && { requestId }),
    ...(typeof body === "string" && body !== "" && { body: Redacted.make(body.slice(0, maxBody)) })
  }
}

/** A path that names a contact, and there is none. */
export const missingContact: Missing<NotFound> = (ending, response) =>
  new NotFound({
    ...ending,
    ...response,
    message: say(ending, `there is no such contact, field or tag (${response.status})`)
  })

/** A path that names nothing that could be missing. */
export const missingAddress: Missing<UnexpectedResponse> = (ending, response) =>
  new UnexpectedResponse({
    ...ending,
    ...response,
    message: say(ending, `the API knows no such address (${response.status})`, "Check the base URL.")
  })

const retryOf = (status: number): Failure<unknown>["retry"] => {
  if (status === 408) return "timeout"
  if (status === 429) return "throttled"
  return status === 500 || (status >= 502 && status <= 504) ? "transient" : undefined
}

/** A status that is no success. */
export const fromStatus = <E>(call: Call<E>, exchange: Exchange, nowMillis: number): Failure<CallError | E> => {
  const { status } = exchange
  const isRefused = status >= 400 && status < 500 && status !== 408
  const retryAfter = retryAfterOf(exchange.headers, nowMillis)
  return {
    outcome: outcomeOf(call.operation, isRefused ? "not-applied" : "unknown"),
    retry: retryOf(status),
    retryAfter,
    toError: (ending) => toStatusError(call, exchange, retryAfter, ending)
  }
}

const toStatusError = <E>(
  call: Call<E>,
  exchange: Exchange,
  retryAfter: Duration.Duration | undefined,
  ending: Ending
): CallError | E => {
  const { status } = exchange
  const response = toResponse(exchange)
  const fields = { ...ending, ...response }
  switch (status) {
    case 400:
    case 409:
    case 413:
    case 415:
    case 422: {
      const issues = readIssues(call, exchange)
      return new Validation({
        ...fields,
        message: say(ending, `the API refused the input (${status})${wherePhrase(issues)}`, "See issues."),
        source: "server",
        issues
      })
    }
    case 401:
      return new Unauthorized({
        ...fields,
        message: say(
          ending,
          "the API refused the token (401)",
          "Check that it is an organization API token, {orgId}.{secret}, and still valid."
        )
      })
    case 403:
      return new Forbidden({
        ...fields,
        message: say(ending, "the token does not allow this (403)", "Check which organization it belongs to.")
      })
    case 404:
    case 410:
      return call.onMissing(ending, response)
    case 408:
      return new Timeout({
        ...fields,
        message: say(ending, "the API gave up waiting for the request (408)"),
        limit: "server"
      })
    case 429:
      return new RateLimited({
        ...fields,
        message: say(ending, "too many requests (429)", asksToWait(retryAfter)),
        ...(retryAfter && { retryAfter })
      })
    default:
  }
  if (status >= 500 && status < 600) {
    return new ServerFault({
      ...fields,
      message: say(ending, `the API failed (${status})`, asksToWait(retryAfter)),
      ...(retryAfter && { retryAfter })
    })
  }
  const what =
    status < 400
      ? `the API answered with a redirect (${status}), which is not followed`
      : `the API answered with a status that it does not declare (${status})`
  return new UnexpectedResponse({ ...fields, message: say(ending, what, "Check the base URL.") })
}

const asksToWait = (retryAfter: Duration.Duration | undefined): string =>
  retryAfter === undefined ? "" : `The API asks to wait ${Duration.format(retryAfter)}.`

/** A success whose body cannot be used. */
const unreadable = (
  { operation }: Call<unknown>,
  exchange: Exchange,
  outcome: Outcome,
  what: string,
  issues?: ReadonlyArray<Issue>
): Failure<UnexpectedResponse> => ({
  outcome: outcomeOf(operation, outcome),
  toError: (ending) =>
    new UnexpectedResponse({
      ...ending,
      ...toResponse(exchange),
      message: say(ending, what),
      ...(issues && { issues })
    })
})

/** A success whose JSON breaks what the operation promises. */
export const brokenBody = (
  call: Call<unknown>,
  exchange: Exchange,
  issues: ReadonlyArray<Issue>
): Failure<UnexpectedResponse> =>
  unreadable(call, exchange, "applied", `the answer has another shape than expected${wherePhrase(issues)}`, issues)

/**
 * The JSON of a success: `undefined` where the answer is empty, which is a success as well.
 */
export const readSuccess = (
  call: Call<unknown>,
  exchange: Exchange,
  limit: Limit
): Result.Result<unknown, Failure<Timeout | UnexpectedResponse>> => {
  const { body, headers, status } = exchange
  const outcome = isJson(headers) ? "applied" : "unknown"
  if (isFault(body)) {
    if (body.kind === "timeout") {
      return Result.fail({
        outcome: outcomeOf(call.operation, outcome),
        retry: "timeout",
        toError: (ending: Ending) =>
          new Timeout({
            ...ending,
            ...toResponse(exchange),
            message: say(ending, `the answer did not end within ${Duration.format(limit.duration)}`),
            limit: limit.kind
          })
      })
    }
    if (body.kind === "size") {
      return Result.fail(unreadable(call, exchange, outcome, "the answer is larger than allowed"))
    }
    const cut = unreadable(call, exchange, outcome, "the answer was cut short")
    // Reading once more is always right; a write is done, and is not done again for its answer.
    return Result.fail(call.operation === "search" ? { ...cut, retry: "transient" } : cut)
  }
  if (status === 204 || status === 205 || body.trim() === "") return Result.succeed(undefined)
  // Without a content type, what parses as JSON is taken for it.
  if (!isJson(headers) && headers["content-type"] !== undefined) {
    return Result.fail(unreadable(call, exchange, "unknown", "the answer is not JSON, so it is hardly the API's own"))
  }
  const parsed = parse(body)
  if (Result.isSuccess(parsed)) return Result.succeed(parsed.success)
  return Result.fail(unreadable(call, exchange, outcome, "the answer is not JSON that can be read"))
}
