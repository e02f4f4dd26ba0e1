/**
 * One call: its input, its attempts and the waits between them, and its result or error.
 *
 * The layers of a call, from the outside in, are the span, the deadline, the retries, the circuit breaker, the rate
 * limiter and the attempt (`attempt.ts`).
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as SchemaParser from "effect/SchemaParser"
import type * as Tracer from "effect/Tracer"
import type { ContactError, Outcome, RetryStopped } from "../../AgentalkError.ts"
import type { Issue } from "../../Issue.ts"
import type { Operation } from "../../Operations.ts"
import { OrganizationId } from "../../Settings.ts"
import { monotonicMillis } from "../clock.ts"
import type { Reader } from "../wire/readers.ts"
import { type EncodedRequest, toRequest } from "../wire/request.ts"
import { type Check, notData } from "../wire/requestValidation.ts"
import { type AttemptResult, isJson } from "../wire/response.ts"
import { fromSchema } from "../wire/schemaIssues.ts"
import { isTransportFault, TransportFault } from "../wire/transport.ts"
import { makeAttempt } from "./attempt.ts"
import type { Breaker, Health } from "./breaker.ts"
import { type Credential, isRotating } from "./credentials.ts"
import {
  circuitOpen,
  type ErrorContext,
  failedStatus,
  invalidInput,
  noCredentials,
  noResponse,
  readSuccess,
  unexpectedShape,
  waitTooLong
} from "./errors.ts"
import type { Limiter } from "./limiter.ts"
import type { OperationMetrics, WaitReason } from "./metrics.ts"
import { delayOf, type RetryPolicy } from "./retry.ts"
import type { Limits, Settings } from "./settings.ts"
import type { AttemptFailure, Failure, TimeLimit } from "./summary.ts"
import {
  inSpan,
  observeAttempt,
  type ObservedCall,
  recordRepeat,
  recordWait,
  type TelemetryOptions
} from "./telemetry.ts"

/** The parts of an operation that its calls use. */
export interface CallDefinition {
  readonly operation: Operation
  readonly check: Check<unknown>
  /** Throws if the input cannot be encoded although it passed the check. */
  readonly encode: (input: unknown) => EncodedRequest
  readonly response: Reader<unknown, unknown>
  readonly isDoneIfMissing: boolean
}

/** The rest of a call. It succeeds with the result of the call, or fails with its error. */
type Step = Effect.Effect<unknown, ContactError>

const decodeOrganization = SchemaParser.decodeUnknownResult(OrganizationId)

// The outcome of a call is the most severe outcome of its attempts.
const severity: Readonly<Record<Outcome, number>> = { "not-applied": 0, unknown: 1, applied: 2 }

/** Reads the server's health from an attempt. A response that is only too large is healthy. */
const toHealth = (exit: Exit.Exit<AttemptResult, unknown>): Health | undefined => {
  if (Exit.isSuccess(exit)) {
    const { body, status } = exit.value
    return { isHealthy: status < 500 && (!isTransportFault(body) || body.kind === "size") }
  }
  const error = Result.getOrUndefined(Exit.findError(exit))
  return isTransportFault(error) ? { isHealthy: false } : undefined
}

/** A call in progress. */
export class Call implements ErrorContext, ObservedCall {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly clock: Clock.Clock
  readonly started: number
  readonly telemetry: TelemetryOptions
  attempts = 0
  isAssumed = false
  span: Tracer.Span | undefined = undefined

  private readonly settings: Settings
  private readonly definition: CallDefinition
  private readonly metrics: OperationMetrics
  private readonly input: unknown
  private readonly limits: Limits
  private readonly policy: RetryPolicy
  private readonly limiter: Limiter
  private readonly breaker: Breaker | undefined
  private readonly deadline: number
  private checked: unknown = undefined
  private encoded!: EncodedRequest
  /** The organization that is sent as `X-Organization-ID`, if any. */
  private organization: string | undefined = undefined
  /** The organization whose rate limit the current attempt uses. */
  private limiterKey = ""
  /** The limit that ends the current attempt: its timeout, or the deadline of the call. */
  private limit: TimeLimit["kind"] = "attempt"
  private outcome: Outcome = "not-applied"
  /** The tokens that the retries of this call took from the retry budget. */
  private budgetTaken = 0
  private isTokenRenewed = false

  constructor(
    settings: Settings,
    definition: CallDefinition,
    metrics: OperationMetrics,
    input: unknown,
    fiber: Fiber.Fiber<unknown, unknown>
  ) {
    this.settings = settings
    this.definition = definition
    this.metrics = metrics
    this.input = input
    this.fiber = fiber
    this.clock = fiber.getRef(Clock.Clock)
    this.limits = settings.findLimits(fiber)
    this.policy = settings.findRetryPolicy(fiber)
    this.telemetry = settings.findTelemetry(fiber)
    this.limiter = settings.findLimiter(fiber) ?? settings.serverLimiter
    this.breaker = settings.findBreaker(fiber)
    this.started = this.now()
    this.deadline = this.started + this.limits.deadline
  }

  get operation(): Operation {
    return this.definition.operation
  }

  /** Returns the input as it was sent, and as it is now. They differ if the caller changed the input meanwhile. */
  sentValues(): ReadonlyArray<unknown> {
    const { body } = this.encoded
    const sent: unknown = body._tag === "Uint8Array" ? JSON.parse(new TextDecoder().decode(body.body)) : this.checked
    return [sent, this.input]
  }

  /** Checks and encodes the input, then makes the first attempt. */
  start(): Step {
    const { check, encode } = this.definition
    const input = check(this.input)
    if (Result.isFailure(input)) return this.refuseInput(input.failure)
    const organization = this.settings.findOrganization(this.fiber)
    if (organization !== undefined) {
      const id = decodeOrganization(organization)
      if (Result.isFailure(id)) return this.refuseInput(fromSchema(id.failure, ["organization"]))
      this.organization = id.success
    }
    this.checked = input.success
    try {
      this.encoded = encode(input.success)
    } catch {
      // The input changed after its check.
      return this.refuseInput([notData])
    }
    return this.attempt()
  }

  private refuseInput(issues: ReadonlyArray<Issue>) {
    return Effect.fail(invalidInput(this.operation, issues))
  }

  // --- failures -----------------------------------------------------------------------------------------------------

  private fail(failure: Failure<ContactError>, retryStopped: RetryStopped) {
    return Effect.fail(
      failure.toError({
        operation: this.operation,
        outcome: this.outcome,
        attempts: this.attempts,
        elapsed: Duration.millis(Math.round(this.now() - this.started)),
        retryStopped
      })
    )
  }

  /** Fails the call without counting the current attempt, which was not sent. */
  private failUnsent(failure: Failure<ContactError>, retryStopped: RetryStopped) {
    this.attempts--
    return this.fail(failure, retryStopped)
  }

  // --- time ---------------------------------------------------------------------------------------------------------

  private now(): number {
    return monotonicMillis(this.clock)
  }

  /** Returns the timeout of an attempt that starts at a given time, and stores which limit determines it. */
  private timeoutAt(start: number): number {
    const left = this.deadline - start
    this.limit = left < this.limits.attempt ? "deadline" : "attempt"
    return Math.min(left, this.limits.attempt)
  }

  private get currentLimit(): TimeLimit {
    return { kind: this.limit, duration: Duration.millis(this.limits[this.limit]) }
  }

  /** Waits and records the wait. */
  private wait<E = never>(reason: WaitReason, wait: Effect.Effect<void, E>): Effect.Effect<void, E> {
    return Effect.suspend(() => {
      const start = this.now()
      return Effect.flatMap(wait, () => recordWait(this.metrics, this, reason, this.now() - start))
    })
  }

  // --- attempts -----------------------------------------------------------------------------------------------------

  private attempt(): Step {
    this.attempts++
    const { credentials } = this.settings
    if (!isRotating(credentials)) return this.attemptWith(credentials)
    return Effect.matchEffect(this.obtain(credentials.current), {
      onSuccess: (credential) => this.attemptWith(credential),
      onFailure: (error) =>
        isTransportFault(error)
          ? this.recover(noResponse(this.operation, error, this.currentLimit))
          : this.failUnsent(noCredentials(error), "not-retryable")
    })
  }

  /** Obtains a credential within the timeout of its attempt. */
  private obtain(credential: Effect.Effect<Credential, string>): Effect.Effect<Credential, string | TransportFault> {
    return Effect.timeoutOrElse(inSpan(credential, this.span), {
      duration: Duration.millis(this.timeoutAt(this.now())),
      orElse: () => Effect.fail(new TransportFault("timeout", { sent: false }))
    })
  }

  private attemptWith(credential: Credential): Step {
    this.limiterKey = this.organization ?? credential.organization
    const sent = this.send(credential)
    const permit = this.limiter.acquire(this.limiterKey, this.policy.maxRetryAfter, this.deadline)
    const limited =
      permit === Effect.void ? sent : Effect.andThen(this.wait("rate-limit", inSpan(permit, this.span)), sent)
    const { breaker, settings, span } = this
    const guarded =
      breaker === undefined ? limited : inSpan(breaker.execute(limited, settings.server.host, toHealth), span)
    return Effect.matchEffect(guarded, {
      onSuccess: (result) => this.settle(result, credential),
      onFailure: (error) => {
        if (isTransportFault(error)) return this.recover(noResponse(this.operation, error, this.currentLimit))
        if (error._tag === "CircuitRefusal") return this.failUnsent(circuitOpen(error.retryAfter), "not-retryable")
        const isLong = Duration.toMillis(error.wait) > this.policy.maxRetryAfter
        return this.failUnsent(waitTooLong(error.wait, error.isServerHint), isLong ? "retry-after" : "deadline")
      }
    })
  }

  private send({ header }: Credential): Effect.Effect<AttemptResult, TransportFault> {
    const { baseUrl, headersOf, httpClient, isAttemptAware, maxBodyBytes } = this.settings
    const request = toRequest(this.encoded, baseUrl, headersOf(this.encoded, header, this.organization))
    return observeAttempt(this.metrics, this, request, (request, fiber, start, span) =>
      makeAttempt(
        fiber,
        httpClient,
        request,
        { start, timeout: this.timeoutAt(start), maxBodyBytes },
        isAttemptAware,
        span
      )
    )
  }

  // --- responses ----------------------------------------------------------------------------------------------------

  private settle(result: AttemptResult, credential: Credential): Step {
    const settled = this.read(result)
    if (Result.isSuccess(settled)) {
      this.settings.retryBudget.refund(this.budgetTaken)
      return Effect.succeed(settled.success)
    }
    return result.status === 401 ? this.renewToken(settled.failure, credential) : this.recover(settled.failure)
  }

  private read(result: AttemptResult): Result.Result<unknown, AttemptFailure<ContactError>> {
    const { status } = result
    if (status < 200 || status >= 300) return this.readFailure(result)
    this.limiter.observe(this.limiterKey, result.headers, undefined, this.clock)
    const json = readSuccess(this, result, this.currentLimit)
    if (Result.isFailure(json)) return Result.fail(json.failure)
    return Result.mapError(this.definition.response.read(json.success, status, this.checked), (issues) =>
      unexpectedShape(this, result, issues)
    )
  }

  private readFailure(result: AttemptResult): Result.Result<unknown, AttemptFailure<ContactError>> {
    const { headers, status } = result
    const failure = failedStatus(this, result, this.clock.currentTimeMillisUnsafe())
    const isHint = status === 429 || status === 503
    this.limiter.observe(this.limiterKey, headers, isHint ? failure.retryAfter : undefined, this.clock)
    // An earlier attempt of this call may have taken effect. The response must be JSON, because an HTML page comes from
    // a proxy that does not know the path.
    const isDone =
      this.definition.isDoneIfMissing &&
      (status === 404 || status === 410) &&
      this.outcome !== "not-applied" &&
      isJson(headers)
    if (!isDone) return Result.fail(failure)
    this.isAssumed = true
    return Result.succeed(undefined)
  }

  /** Repeats the attempt with another token after the API refused one, at most once per call. */
  private renewToken(failure: AttemptFailure<ContactError>, refused: Credential): Step {
    const { credentials } = this.settings
    if (!isRotating(credentials) || this.isTokenRenewed) return this.recover(failure)
    this.isTokenRenewed = true
    return Effect.matchEffect(this.obtain(credentials.renew(refused)), {
      onSuccess: (credential) => {
        if (credential.header === refused.header) return this.recover(failure)
        recordRepeat(this.metrics, this, "unauthorized")
        this.attempts++
        return this.attemptWith(credential)
      },
      onFailure: () => this.recover(failure)
    })
  }

  /** Retries after a failed attempt, or fails the call. */
  private recover(failure: AttemptFailure<ContactError>): Step {
    if (severity[failure.outcome] > severity[this.outcome]) this.outcome = failure.outcome
    const { policy } = this
    const { retry, retryAfter } = failure
    if (retry === undefined) return this.fail(failure, "not-retryable")
    // `!(a < b)` also stops if `attempts` is `NaN`.
    if (!(this.attempts < policy.attempts)) return this.fail(failure, "attempts")
    const hint = retryAfter === undefined ? 0 : Duration.toMillis(retryAfter)
    if (hint > policy.maxRetryAfter) return this.fail(failure, "retry-after")
    const delay = delayOf(policy, this.attempts, hint, this.fiber.getRef(Random.Random).nextDoubleUnsafe())
    if (delay >= this.deadline - this.now()) return this.fail(failure, "deadline")
    // A retry that waits for the `Retry-After` of a 429 takes no tokens.
    if (retry !== "throttled" || hint === 0) {
      const cost = this.settings.retryBudget.take(retry)
      if (cost === undefined) return this.fail(failure, "budget")
      this.budgetTaken += cost
    }
    recordRepeat(this.metrics, this, retry)
    return Effect.andThen(
      this.wait(hint === 0 ? "backoff" : "retry-after", Effect.sleep(Duration.millis(delay))),
      Effect.suspend(() => this.attempt())
    )
  }
}
