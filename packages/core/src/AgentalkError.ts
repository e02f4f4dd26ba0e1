/**
 * The errors of the SDK: ten tagged errors in one flat union. The type of every operation lists the errors that it can
 * fail with.
 *
 * No error contains an HTTP client error or a request, and a response body is `Redacted`. Therefore `message`,
 * `JSON.stringify` and `Cause.pretty` contain neither the token nor personal data.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { retryReasonOf } from "./internal/wire/status.ts"
import { Issue } from "./Issue.ts"
import { Operation } from "./Operations.ts"

const TypeId = "~@agentalk/core/AgentalkError"

/**
 * Whether a failed call took effect on the server. All its attempts count:
 *
 * - `"not-applied"`: no attempt took effect. Each attempt was refused before sending, did not connect, or received a
 *   status from 400 to 499 other than 408. An operation that only reads is always `"not-applied"`.
 * - `"unknown"`: an attempt may have taken effect. Its connection broke or it timed out when a first byte may have been
 *   sent, or it received a 3xx, 408 or 5xx, or a 2xx that is not JSON or reports a failure.
 * - `"applied"`: an attempt received a 2xx with JSON or an empty body, but the result could not be read from it.
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
 * The reason why a failed call was not retried again:
 *
 * - `"not-retryable"`: a failure of this kind is never retried;
 * - `"attempts"`: the policy allows no more attempts;
 * - `"deadline"`: the next attempt would start after the deadline of the call;
 * - `"budget"`: the client's retry budget is spent, because too many of its calls fail;
 * - `"retry-after"`: the API or the rate limit requires a longer wait than the policy allows.
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

const callFields = {
  /** The method of `Contacts` that failed. */
  operation: Operation,
  /** Whether the call took effect on the server. */
  outcome: Outcome,
  /** The number of attempts; 0 if the call failed before its first attempt. The constructor's default is 1. */
  attempts: Schema.Int.pipe(Schema.withConstructorDefault(Effect.succeed(1))),
  /** The duration of the call, waits included. The constructor's default is zero. */
  elapsed: Schema.Duration.pipe(Schema.withConstructorDefault(Effect.succeed(Duration.zero))),
  /** The reason why the call was not retried again. The constructor's default is `"not-retryable"`. */
  retryStopped: RetryStopped.pipe(Schema.withConstructorDefault(Effect.succeed("not-retryable"))),
  /** Says what happened and what to do. It contains no secrets and no personal data. */
  message: Schema.String
}

// Encodes a body as `<redacted>`. The default JSON codec of `Schema.Redacted` unwraps the value, so an error that is
// encoded for a log or another process would contain the body.
const Body = Schema.Redacted(Schema.String).annotate({
  toCodecJson: () =>
    Schema.link<Redacted.Redacted>()(Schema.String, {
      decode: SchemaGetter.transform((text) => Redacted.make(text)),
      encode: SchemaGetter.transform(String)
    })
})

const responseFields = {
  ...callFields,
  /** The status of the last response. */
  status: Schema.Int,
  /** The API's id of the request, such as its header `x-request-id`. The vendor's support may ask for it. */
  requestId: Schema.optionalKey(Schema.String),
  /**
   * The first 65,536 characters of the body. It may contain personal data, so you must unwrap it with `Redacted.value`.
   * In JSON it is `<redacted>`.
   */
  body: Schema.optionalKey(Body)
}

const optionalResponseFields = { ...responseFields, status: Schema.optionalKey(Schema.Int) }

/** The getters of all errors. They are getters because a field would appear in JSON. */
interface CommonGetters {
  readonly [TypeId]: typeof TypeId
  /** Whether the same call may succeed if it is repeated later. */
  readonly isRetryable: boolean
}

/** Adds the common getters to the class of an error. */
const withCommonGetters = <Self, Class extends abstract new (...args: never) => Self>(
  errorClass: Class & (abstract new (...args: never) => Self),
  isRetryable: boolean | ((error: Self) => boolean)
): Class => {
  Object.defineProperties(errorClass.prototype, {
    [TypeId]: { get: () => TypeId },
    isRetryable: {
      get(this: Self) {
        return typeof isRetryable === "boolean" ? isRetryable : isRetryable(this)
      }
    }
  })
  return errorClass
}

/**
 * The input was refused: before anything was sent (`source: "client"`), or by the API (400, 409, 413, 415, 422).
 *
 * @category errors
 * @since 0.1.0
 */
export class Validation extends withCommonGetters(
  Schema.TaggedError<Validation, CommonGetters>("@agentalk/core/Validation")("Validation", {
    ...optionalResponseFields,
    /** `"client"`: the SDK refused the input before sending. `"server"`: the API refused it. */
    source: Schema.Literals(["client", "server"]),
    /** The problems, with the paths of the invalid values. */
    issues: Schema.Array(Issue)
  }),
  false
) {}

/**
 * The API refused the token (401), or the token was malformed or could not be obtained.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unauthorized extends withCommonGetters(
  Schema.TaggedError<Unauthorized, CommonGetters>("@agentalk/core/Unauthorized")(
    "Unauthorized",
    optionalResponseFields
  ),
  false
) {}

/**
 * The token is valid but does not allow this call (403). Often it cannot access the organization.
 *
 * @category errors
 * @since 0.1.0
 */
export class Forbidden extends withCommonGetters(
  Schema.TaggedError<Forbidden, CommonGetters>("@agentalk/core/Forbidden")("Forbidden", responseFields),
  false
) {}

/**
 * The contact, field or tag does not exist (404, 410).
 *
 * **Gotchas**
 *
 * If `outcome` is `"unknown"`, an earlier attempt of the same call may have taken effect.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotFound extends withCommonGetters(
  Schema.TaggedError<NotFound, CommonGetters>("@agentalk/core/NotFound")("NotFound", responseFields),
  false
) {}

/**
 * Too many requests (429), or the wait for the rate limit is longer than the retry policy or the deadline allows.
 *
 * @category errors
 * @since 0.1.0
 */
export class RateLimited extends withCommonGetters(
  Schema.TaggedError<RateLimited, CommonGetters>("@agentalk/core/RateLimited")("RateLimited", {
    ...optionalResponseFields,
    /** The time to wait before the next call, if known. */
    retryAfter: Schema.optionalKey(Schema.Duration)
  }),
  true
) {}

/**
 * The circuit breaker refused the call before sending, because the API has been failing.
 *
 * @category errors
 * @since 0.1.0
 */
export class CircuitOpen extends withCommonGetters(
  Schema.TaggedError<CircuitOpen, CommonGetters>("@agentalk/core/CircuitOpen")("CircuitOpen", {
    ...callFields,
    /** The time until the breaker allows a call to probe the API. */
    retryAfter: Schema.Duration
  }),
  true
) {}

/**
 * The API failed (5xx).
 *
 * @category errors
 * @since 0.1.0
 */
export class ServerFault extends withCommonGetters(
  Schema.TaggedError<ServerFault, CommonGetters>("@agentalk/core/ServerFault")("ServerFault", {
    ...responseFields,
    /** The time that the API asks to wait (`Retry-After`), if it does. */
    retryAfter: Schema.optionalKey(Schema.Duration)
  }),
  ({ status }) => retryReasonOf(status) !== undefined
) {}

/**
 * A time limit passed: the timeout of an attempt (headers and body), the deadline of the call, or the server's own
 * limit (408).
 *
 * @category errors
 * @since 0.1.0
 */
export class Timeout extends withCommonGetters(
  Schema.TaggedError<Timeout, CommonGetters>("@agentalk/core/Timeout")("Timeout", {
    ...optionalResponseFields,
    /** The limit that passed: the timeout of an attempt, the deadline of the call, or the server's own (408). */
    limit: Schema.Literals(["attempt", "deadline", "server"])
  }),
  true
) {}

/**
 * No response was received: the connection was refused or reset, or DNS or TLS failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class TransportFailure extends withCommonGetters(
  Schema.TaggedError<TransportFailure, CommonGetters>("@agentalk/core/TransportFailure")("TransportFailure", {
    ...callFields,
    /** The system's or the transport's code, such as `ECONNRESET`. */
    code: Schema.optionalKey(Schema.String)
  }),
  true
) {}

/**
 * The response cannot be used: its status is undeclared or a redirect, or its body is cut short, too large, not JSON or
 * of an unexpected shape.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnexpectedResponse extends withCommonGetters(
  Schema.TaggedError<UnexpectedResponse, CommonGetters>("@agentalk/core/UnexpectedResponse")("UnexpectedResponse", {
    ...responseFields,
    /** The problems of the body, if the body is the reason. */
    issues: Schema.optionalKey(Schema.Array(Issue))
  }),
  false
) {}

/**
 * The errors that every operation can fail with.
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
 * The errors of an operation on one contact: `CallError` and `NotFound`.
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
 * Whether a value is an error of this SDK. The tag alone does not prove it, because `NotFound` and `Unauthorized` are
 * also tags of Effect's own HTTP errors.
 *
 * @category guards
 * @since 0.1.0
 */
export const isAgentalkError = <E>(u: E): u is E & AgentalkError => Predicate.hasProperty(u, TypeId)
