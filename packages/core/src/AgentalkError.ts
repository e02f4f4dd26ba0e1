/**
 * What can go wrong, as values. Ten tagged errors make one flat union; every operation lists those that it can give.
 *
 * No error holds an HTTP client error, a request or a raw body that prints: their `message`, `JSON.stringify` and
 * `Cause.pretty` are free of the token and of what a call was about.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"

const TypeId = "~@agentalk/core/AgentalkError"

/**
 * The seven operations of the Contacts API, by the names of their methods.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Operation = Schema.Literals([
  "upsert",
  "delete",
  "updateFields",
  "clearField",
  "addTags",
  "removeTag",
  "search"
])

/**
 * @category schemas
 * @since 0.1.0
 */
export type Operation = typeof Operation.Type

/**
 * What became of a call as a whole, over all its attempts:
 *
 * - `"not-applied"`: no attempt can have had an effect: refused before sending, never connected, or answered with a
 *   status from 400 to 499 (but for 408). Always so for `search`, which changes nothing.
 * - `"unknown"`: an attempt broke or timed out after its first byte was sent, or was answered 408, 5xx, 3xx, or a 2xx
 *   that is not JSON.
 * - `"applied"`: the API's own 2xx, JSON by its content type, could not be read.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Outcome = Schema.Literals(["not-applied", "unknown", "applied"])

/**
 * @category schemas
 * @since 0.1.0
 */
export type Outcome = typeof Outcome.Type

/**
 * One thing that is wrong with an input or an answer: where (`["fields", "city"]`), and what. Every value that the
 * request carried is replaced by its place (`<fields.city>`).
 *
 * @category schemas
 * @since 0.1.0
 */
export const Issue = Schema.Struct({
  path: Schema.Array(Schema.Union([Schema.String, Schema.Number])),
  message: Schema.String
})

/**
 * @category schemas
 * @since 0.1.0
 */
export interface Issue extends Schema.Schema.Type<typeof Issue> {}

/**
 * Why no further attempt was made:
 *
 * - `"not-retryable"`: another attempt would not do better;
 * - `"attempts"`: the allowed attempts were made;
 * - `"deadline"`: another one would have begun after the deadline of the call;
 * - `"budget"`: the client's retry budget is spent, for too many calls have been failing;
 * - `"retry-after"`: the API asks to wait longer than a call may.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RetryStopped = Schema.Literals(["not-retryable", "attempts", "deadline", "budget", "retry-after"])

/**
 * @category schemas
 * @since 0.1.0
 */
export type RetryStopped = typeof RetryStopped.Type

const call = {
  /** The method that was called. */
  operation: Operation,
  /** What became of the whole call. */
  outcome: Outcome,
  /** How many attempts were made; 0 where nothing was sent. A stub need not say: 1. */
  attempts: Schema.Int.pipe(Schema.withConstructorDefault(Effect.succeed(1))),
  /** How long the call took, its waits included. A stub need not say: no time. */
  elapsed: Schema.Duration.pipe(Schema.withConstructorDefault(Effect.succeed(Duration.zero))),
  /** Why no further attempt was made. A stub need not say: `"not-retryable"`. */
  retryStopped: RetryStopped.pipe(Schema.withConstructorDefault(Effect.succeed("not-retryable"))),
  /** What happened and what to do, for a person; free of secrets and personal data. */
  message: Schema.String
}

// The JSON codec of `Schema.Redacted` unwraps: an error that crosses to another process or a journal would show the body.
const Body = Schema.Redacted(Schema.String).annotate({
  toCodecJson: () =>
    Schema.link<Redacted.Redacted>()(Schema.String, {
      decode: SchemaGetter.transform((text) => Redacted.make(text)),
      encode: SchemaGetter.transform(String)
    })
})

const response = {
  ...call,
  /** The status of the last response. */
  status: Schema.Int,
  /** The API's own id of the request (`x-request-id`), for a conversation with its support. */
  requestId: Schema.optionalKey(Schema.String),
  /**
   * The body as it came, at most 64 KiB of it: it may hold personal data, so it must be unwrapped on purpose. It does not
   * leave the process: in JSON it is `<redacted>`.
   */
  body: Schema.optionalKey(Body)
}

const maybeResponse = { ...response, status: Schema.optionalKey(Schema.Int) }

/**
 * The input was refused: before anything was sent (`source: "client"`), or by the API (400, 409, 413, 415, 422).
 *
 * @category errors
 * @since 0.1.0
 */
export class Validation extends Schema.TaggedError<Validation>("@agentalk/core/Validation")("Validation", {
  ...maybeResponse,
  /** Who refused: this SDK, before sending, or the API. */
  source: Schema.Literals(["client", "server"]),
  /** What is wrong, and where. */
  issues: Schema.Array(Issue)
}) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return false
  }
}

/**
 * The API refused the credentials (401), or they were malformed or could not be obtained before sending.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("@agentalk/core/Unauthorized")(
  "Unauthorized",
  maybeResponse
) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return false
  }
}

/**
 * The credentials are good, but do not allow this (403): often an organization that the token may not reach.
 *
 * @category errors
 * @since 0.1.0
 */
export class Forbidden extends Schema.TaggedError<Forbidden>("@agentalk/core/Forbidden")("Forbidden", response) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return false
  }
}

/**
 * There is no such contact, field or tag (404, 410).
 *
 * **Gotchas**
 *
 * With `outcome: "unknown"`, an earlier attempt of the same call may have done its work.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotFound extends Schema.TaggedError<NotFound>("@agentalk/core/NotFound")("NotFound", response) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return false
  }
}

/**
 * Too many requests (429), or the wait for a turn would have been longer than allowed.
 *
 * @category errors
 * @since 0.1.0
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("@agentalk/core/RateLimited")("RateLimited", {
  ...maybeResponse,
  /** How long to wait before another try, where it is known. */
  retryAfter: Schema.optionalKey(Schema.Duration)
}) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return true
  }
}

/**
 * The circuit breaker refused the call before sending, for the API has been failing.
 *
 * @category errors
 * @since 0.1.0
 */
export class CircuitOpen extends Schema.TaggedError<CircuitOpen>("@agentalk/core/CircuitOpen")("CircuitOpen", {
  ...call,
  /** How long until the breaker lets a call through to probe the API. */
  retryAfter: Schema.Duration
}) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return true
  }
}

/**
 * The API failed (5xx).
 *
 * @category errors
 * @since 0.1.0
 */
export class ServerFault extends Schema.TaggedError<ServerFault>("@agentalk/core/ServerFault")("ServerFault", {
  ...response,
  /** How long the API asks to wait before another try (`Retry-After`), where it does. */
  retryAfter: Schema.optionalKey(Schema.Duration)
}) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call may succeed later: 500, 502, 503 and 504. */
  get isRetryable(): boolean {
    return this.status === 500 || (this.status >= 502 && this.status <= 504)
  }
}

/**
 * A time limit passed: that of one attempt (headers and body), that of the whole call, or the API's own (408).
 *
 * @category errors
 * @since 0.1.0
 */
export class Timeout extends Schema.TaggedError<Timeout>("@agentalk/core/Timeout")("Timeout", {
  ...maybeResponse,
  /** Which limit passed: of the attempt, of the whole call, or the server's. */
  limit: Schema.Literals(["attempt", "deadline", "server"])
}) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return true
  }
}

/**
 * There was no response: the connection was refused or reset, or DNS or TLS failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class TransportFailure extends Schema.TaggedError<TransportFailure>("@agentalk/core/TransportFailure")(
  "TransportFailure",
  {
    ...call,
    /** The system's or the transport's code, such as `ECONNRESET`. */
    code: Schema.optionalKey(Schema.String)
  }
) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return true
  }
}

/**
 * The answer is none that the API is known to give: an undeclared status, a redirect, not JSON, too large, or a body
 * that breaks its schema.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnexpectedResponse extends Schema.TaggedError<UnexpectedResponse>("@agentalk/core/UnexpectedResponse")(
  "UnexpectedResponse",
  {
    ...response,
    /** What is wrong with the body and where, if it is the body. */
    issues: Schema.optionalKey(Schema.Array(Issue))
  }
) {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return false
  }
}

/**
 * What every operation can give.
 *
 * @category errors
 * @since 0.1.0
 */
export type CallError =
  | Validation
  | Unauthorized
  | Forbidden
  | RateLimited
  | CircuitOpen
  | ServerFault
  | Timeout
  | TransportFailure
  | UnexpectedResponse

/**
 * What an operation on one contact can give: `CallError` and `NotFound`.
 *
 * @category errors
 * @since 0.1.0
 */
export type ContactError = CallError | NotFound

/**
 * Any error of this SDK.
 *
 * @category errors
 * @since 0.1.0
 */
export type AgentalkError = ContactError

/**
 * Tells an error of this SDK from any other. Tags alone cannot: `NotFound` and `Unauthorized` are also tags of
 * Effect's own HTTP errors.
 *
 * @category guards
 * @since 0.1.0
 */
export const isAgentalkError = <E>(u: E): u is E & AgentalkError => Predicate.hasProperty(u, TypeId)
