/** What a response says besides its status: whose it is, when to come back, and what is wrong. */
import * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Issue } from "../AgentalkError.ts"
import { isFault } from "../Transport.ts"
import type { Call, Response } from "./ending.ts"
import type { Exchange } from "./exchange.ts"
import * as Issues from "./issues.ts"
import { makeRedactor, type Redactor } from "./redact.ts"

const maxBody = 65_536

const secretOf = ({ authorization }: Exchange): string | undefined => authorization?.replace(/^Bearer /, "")

/** The API's id of the request, unless it holds something that the request carried. */
const requestIdOf = (call: Call<unknown>, exchange: Exchange): string | undefined => {
  const id = ["x-request-id", "request-id", "x-correlation-id"]
    .map((name) => exchange.headers[name])
    .find((value) => value !== undefined && /^[\w.:+/=-]{1,128}$/.test(value))
  return id === undefined || redactorOf(call, exchange).mentions(id) ? undefined : id
}

const redactorOf = (call: Call<unknown>, exchange: Exchange): Redactor => {
  try {
    return makeRedactor(call.carried, secretOf(exchange), exchange.organization)
  } catch {
    // An input that cannot be read any more could stand anywhere in the text.
    return { text: () => "(a text that was not kept)", mentions: () => true }
  }
}

// Longer than any server means; it also keeps Infinity out.
const maxRetryAfterMillis = 366 * 24 * 3_600_000

/** `retry-after-ms`, else `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3). */
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

/** Whether a body is the API's own kind, by its content type. */
export const isJson = (headers: Headers.Headers): boolean =>
  headers["content-type"] === "application/json" ||
  /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(headers["content-type"] ?? "")

export const parse = (text: string): Result.Result<unknown, void> => {
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return Result.fail(undefined)
  }
}

/** What an error body says is wrong, free of what the request carried. */
export const readIssues = (call: Call<unknown>, exchange: Exchange): ReadonlyArray<Issue> => {
  const { body, headers } = exchange
  if (isFault(body)) return []
  const parsed = parse(body)
  const redactor = redactorOf(call, exchange)
  if (Result.isSuccess(parsed)) return Issues.fromBody(parsed.success, redactor)
  // Some gateways say it in a line of text; a page says nothing that a program could use.
  const isPlain = /^text\/plain\b/i.test(headers["content-type"] ?? "") && !body.includes("<")
  return isPlain ? Issues.fromBody(body, redactor) : []
}

/** What an error tells of its response. */
export const toResponse = (call: Call<unknown>, exchange: Exchange): Response => {
  const { body, status } = exchange
  const requestId = requestIdOf(call, exchange)
  return {
    status,
    ...(requestId !== undefined && { requestId }),
    ...(typeof body === "string" && body !== "" && { body: Redacted.make(body.slice(0, maxBody)) })
  }
}
