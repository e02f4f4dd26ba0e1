/**
 * From what came back to the error that says it: the status decides the tag, the body only enriches it.
 *
 * An attempt ends in a `Failure`; only the last one of a call becomes an error, which speaks of the whole call.
 */
import type * as Duration from "effect/Duration"
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
  ServerFault,
  Timeout,
  TransportFailure,
  Unauthorized,
  UnexpectedResponse,
  Validation
} from "../AgentalkError.ts"
import type { Fault } from "../Transport.ts"
import { isFault } from "../Transport.ts"
import {
  type Call,
  type Ending,
  type Failure,
  type Limit,
  type Missing,
  nothingSent,
  outcomeOf,
  phrase,
  type Reason,
  say,
  unsent,
  wherePhrase
} from "./ending.ts"
import type { Exchange } from "./exchange.ts"
import { isJson, parse, readIssues, retryAfterOf, toResponse } from "./response.ts"
import { isObject } from "./wire.ts"

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
export const noCredentials = (what: string): Reason<Unauthorized> => ({
  toError: (ending) => new Unauthorized({ ...ending, message: say(ending, what, nothingSent(ending)) })
})

/** A turn that would come too late: by the quota, or because the API has asked to wait. */
export const fromLimiter = (wait: Duration.Duration, isAsked: boolean): Reason<RateLimited> => ({
  toError: (ending) =>
    new RateLimited({
      ...ending,
      message: say(
        ending,
        isAsked
          ? `the API has asked this organization to wait another ${phrase(wait)}`
          : `the rate limit has no turn for ${phrase(wait)}`,
        nothingSent(ending)
      ),
      retryAfter: wait
    })
})

/** A circuit that is open. */
export const fromBreaker = (retryAfter: Duration.Duration): Reason<CircuitOpen> => ({
  toError: (ending) =>
    new CircuitOpen({
      ...ending,
      message: say(ending, "the API has been failing, so the circuit breaker is open", nothingSent(ending)),
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
          message: say(ending, `no answer within ${phrase(limit.duration)}`),
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
  const response = toResponse(call, exchange)
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
  retryAfter === undefined ? "" : `The API asks to wait ${phrase(retryAfter)}.`

/** A success whose body cannot be used. */
const unreadable = (
  call: Call<unknown>,
  exchange: Exchange,
  outcome: Outcome,
  what: string,
  issues?: ReadonlyArray<Issue>
): Failure<UnexpectedResponse> => ({
  outcome: outcomeOf(call.operation, outcome),
  toError: (ending) =>
    new UnexpectedResponse({
      ...ending,
      ...toResponse(call, exchange),
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
            ...toResponse(call, exchange),
            message: say(ending, `the answer did not end within ${phrase(limit.duration)}`),
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
  if (body.trim() === "") return Result.succeed(undefined)
  // Without a content type, what parses as JSON is taken for it.
  if (!isJson(headers) && headers["content-type"] !== undefined) {
    return Result.fail(unreadable(call, exchange, "unknown", "the answer is not JSON, so it is hardly the API's own"))
  }
  const parsed = parse(body)
  if (Result.isSuccess(parsed)) {
    const json = parsed.success
    if (!isObject(json) || (json["success"] !== false && json["ok"] !== false)) return Result.succeed(json)
    const issues = readIssues(call, exchange)
    return Result.fail(
      unreadable(call, exchange, "unknown", `the answer is a success that says it is none (${status})`, issues)
    )
  }
  return Result.fail(unreadable(call, exchange, outcome, "the answer is not JSON that can be read"))
}
