/** The settings of a client: its options, their validation, and their resolved form, which the rest of the SDK uses. */
import * as ByteSize from "effect/ByteSize"
import * as Config from "effect/Config"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Retry from "../../Retry.ts"
import { BaseUrl, defaultBaseUrl, InsecureBaseUrl, OrganizationId } from "../../Settings.ts"
import * as Telemetry from "../../Telemetry.ts"
import * as TimeLimit from "../../TimeLimit.ts"
import { ApiToken, type Token } from "../../Token.ts"
import { makeHeaders } from "../wire/request.ts"
import { isAttemptAware } from "../wire/transport.ts"
import { type Breaker, CurrentBreaker } from "./breaker.ts"
import { type Credentials, makeCredentials } from "./credentials.ts"
import { CurrentLimiter, type Limiter, makeServerLimiter } from "./limiter.ts"
import { reportBudget } from "./metrics.ts"
import * as Policy from "./policy.ts"
import { defaultRetryBudget, makeRetryBudget, type RetryBudget, type RetryPolicy } from "./retry.ts"
import type { TelemetryOptions } from "./telemetry.ts"

/**
 * The options of a client.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options {
  /** The organization API token, `{orgId}.{secret}`; see `Token`. */
  readonly token: Token
  /** The base URL of the API. Default: `https://api.agentalk.io`. Plain http is accepted for loopback only. */
  readonly baseUrl?: string | URL | undefined
  /** The organization of the calls, sent as `X-Organization-ID`. Default: none, so the token's own organization. */
  readonly organization?: string | undefined
  /** The timeout of one attempt: connecting, headers and body. Default: 30 seconds. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** The deadline of a call, including all its attempts and waits. Default: 2 minutes. */
  readonly deadline?: Duration.Input | undefined
  /** The retry policy. Default: `Retry.defaultPolicy`. */
  readonly retry?: Retry.Policy | undefined
  /**
   * The size of the client's retry budget, in tokens. A retry takes 5 tokens, or 10 after a timeout. A retry after a
   * 429 with `Retry-After` takes none. If the budget has too few tokens, a failed attempt is not retried.
   *
   * If a call succeeds after retries, the tokens that it took are returned to the budget. A call that succeeds without
   * a retry adds one token. With a size of 0, only a 429 with `Retry-After` is retried. Default: 500.
   */
  readonly retryBudget?: number | undefined
  /** The maximum size of a response body; a number is in bytes. Default: 10 MiB. */
  readonly maxBodySize?: ByteSize.Input | undefined
  /** Accepts plain http to any host, which exposes the token and every contact to the network. Default: `false`. */
  readonly dangerouslyAllowPlainHttp?: boolean | undefined
}

/** Time limits, in milliseconds. */
export interface Limits {
  readonly attempt: number
  readonly deadline: number
}

/** The resolved settings, which all calls of a client share. */
export interface Settings {
  readonly baseUrl: string
  readonly server: URL
  readonly credentials: Credentials
  readonly retryBudget: RetryBudget
  readonly maxBodyBytes: number
  readonly httpClient: HttpClient.HttpClient
  /** Whether the HTTP client enforces the limits of an attempt itself. */
  readonly isAttemptAware: boolean
  readonly headersOf: ReturnType<typeof makeHeaders>
  /** The limiter of the calls without another limiter. It enforces only the limits that the server reports. */
  readonly serverLimiter: Limiter
  readonly findOrganization: Policy.Find<string | undefined>
  readonly findLimits: Policy.Find<Limits>
  readonly findRetryPolicy: Policy.Find<RetryPolicy>
  readonly findTelemetry: Policy.Find<TelemetryOptions>
  readonly findLimiter: Policy.Find<Limiter | undefined>
  readonly findBreaker: Policy.Find<Breaker | undefined>
}

/** The organization that is set for the current fiber; `undefined` if there is none. */
export const CurrentOrganization = Policy.reference<string>("@agentalk/core/AgentalkClient/CurrentOrganization")

// --- validation ---------------------------------------------------------------------------------------------------

const invalid = (option: string, issue: SchemaIssue.Issue): Config.ConfigError =>
  new Config.ConfigError(new Schema.SchemaError(new SchemaIssue.Pointer([option], issue)))

const checkOption = <S extends Schema.ConstraintDecoder<unknown>>(option: string, schema: S, value: unknown) =>
  Effect.fromResult(Result.mapError(SchemaParser.decodeUnknownResult(schema)(value), (issue) => invalid(option, issue)))

const checkInput = <A>(option: string, parse: () => A, expected: string) =>
  Effect.try({
    try: parse,
    catch: () => invalid(option, new SchemaIssue.InvalidValue({ message: `Expected ${expected}` }))
  })

const checkDuration = (option: string, input: Duration.Input | undefined) =>
  checkInput(option, () => (input === undefined ? Infinity : Duration.toMillis(input)), "a duration")

const checkLimit = (option: string, input: Duration.Input | undefined) =>
  Effect.flatMap(checkDuration(option, input), (millis) =>
    millis > 0
      ? Effect.void
      : Effect.fail(invalid(option, new SchemaIssue.InvalidValue({ message: "Expected a duration above zero" })))
  )

const atLeast = (minimum: number) =>
  Schema.Int.check(
    Schema.isGreaterThanOrEqualTo(minimum, { message: `Expected a whole number of at least ${minimum}` })
  )

const checkRetry = Effect.fnUntraced(function* (retry: Retry.Policy | undefined) {
  yield* checkOption("retry", Schema.UndefinedOr(Schema.Record(Schema.String, Schema.Unknown)), retry)
  yield* checkOption("retry.attempts", atLeast(1), retry?.attempts ?? 1)
  yield* checkDuration("retry.baseDelay", retry?.baseDelay)
  yield* checkDuration("retry.maxDelay", retry?.maxDelay)
  yield* checkDuration("retry.maxRetryAfter", retry?.maxRetryAfter)
})

// --- defaults and overrides ---------------------------------------------------------------------------------------

const defaultMaxBodySize = ByteSize.fromInputUnsafe("10 MiB")

const toMillis = (input: Duration.Input | undefined, fallback: number): number =>
  input === undefined ? fallback : Duration.toMillis(Duration.fromInputUnsafe(input))

const defaultLimits: Limits = {
  attempt: Duration.toMillis(TimeLimit.defaultLimits.attempt),
  deadline: Duration.toMillis(TimeLimit.defaultLimits.deadline)
}

const overrideLimits = (base: Limits, limits: TimeLimit.Limits): Limits => ({
  attempt: toMillis(limits.attempt, base.attempt),
  deadline: toMillis(limits.deadline, base.deadline)
})

const defaultRetryPolicy: RetryPolicy = {
  attempts: Retry.defaultPolicy.attempts,
  baseDelay: Duration.toMillis(Retry.defaultPolicy.baseDelay),
  maxDelay: Duration.toMillis(Retry.defaultPolicy.maxDelay),
  maxRetryAfter: Duration.toMillis(Retry.defaultPolicy.maxRetryAfter)
}

const overrideRetryPolicy = (base: RetryPolicy, policy: Retry.Policy): RetryPolicy => ({
  attempts: policy.attempts ?? base.attempts,
  baseDelay: toMillis(policy.baseDelay, base.baseDelay),
  maxDelay: toMillis(policy.maxDelay, base.maxDelay),
  maxRetryAfter: toMillis(policy.maxRetryAfter, base.maxRetryAfter)
})

const defaultTelemetry: TelemetryOptions = { traceHeaders: false, requestDetails: false }

const overrideTelemetry = (
  base: TelemetryOptions,
  { requestDetails, traceHeaders }: Telemetry.Options
): TelemetryOptions => ({
  traceHeaders: traceHeaders ?? base.traceHeaders,
  requestDetails: requestDetails ?? base.requestDetails
})

/** Validates the options and resolves them. The `ConfigError` of an invalid option names the option, not its value. */
export const resolveSettings = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Settings, Config.ConfigError, HttpClient.HttpClient> {
  const { attemptTimeout, deadline, maxBodySize, retry, retryBudget: budget = defaultRetryBudget } = options
  const httpClient = yield* HttpClient.HttpClient
  const context: Context.Context<never> = yield* Effect.context()
  const baseUrl = yield* checkOption(
    "baseUrl",
    options.dangerouslyAllowPlainHttp === true ? InsecureBaseUrl : BaseUrl,
    yield* checkInput("baseUrl", () => String(options.baseUrl ?? defaultBaseUrl), "a URL")
  )
  const organization =
    options.organization === undefined
      ? undefined
      : yield* checkOption("organization", OrganizationId, options.organization)
  yield* checkLimit("attemptTimeout", attemptTimeout)
  yield* checkLimit("deadline", deadline)
  yield* checkRetry(retry)
  const budgetSize = yield* checkOption("retryBudget", atLeast(0), budget)
  const maxBodyBytes = yield* checkInput(
    "maxBodySize",
    () =>
      ByteSize.toNumberUnsafe(maxBodySize === undefined ? defaultMaxBodySize : ByteSize.fromInputUnsafe(maxBodySize)),
    "a size in bytes"
  )
  const credentials = yield* makeCredentials(options.token, (text) => checkOption("token", ApiToken, text))
  const server = new URL(baseUrl)
  const retryBudget = makeRetryBudget(budgetSize)
  reportBudget(retryBudget, server, context)
  const find = Policy.makeFind(context)
  const findParts = Policy.makeFindParts(context)
  return {
    baseUrl,
    server,
    credentials,
    retryBudget,
    maxBodyBytes,
    httpClient,
    isAttemptAware: isAttemptAware(httpClient),
    headersOf: makeHeaders(),
    serverLimiter: makeServerLimiter(),
    findOrganization: find(CurrentOrganization, organization),
    findLimits: findParts(
      TimeLimit.CurrentLimits,
      { attempt: attemptTimeout, deadline },
      defaultLimits,
      overrideLimits
    ),
    findRetryPolicy: findParts(Retry.CurrentPolicy, retry, defaultRetryPolicy, overrideRetryPolicy),
    findTelemetry: findParts(Telemetry.CurrentOptions, undefined, defaultTelemetry, overrideTelemetry),
    findLimiter: find(CurrentLimiter),
    findBreaker: find(CurrentBreaker)
  }
})
