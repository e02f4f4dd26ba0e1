/** One call under way: from its input through its attempts, and the waits between them, to the value or the error. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as SchemaParser from "effect/SchemaParser"
import type * as Tracer from "effect/Tracer"
import type { CallError, Issue, Operation as OperationName, Outcome, RetryStopped } from "../AgentalkError.ts"
import { OrganizationId } from "../Settings.ts"
import { Fault, isFault, now } from "../Transport.ts"
import type { Breaker, Health } from "./breaker.ts"
import type { Budget } from "./budget.ts"
import { type Credential, type Credentials, isRotating } from "./credentials.ts"
import type { Call, Failure, Limit, Missing, Reason } from "./ending.ts"
import { exchange, type Exchange } from "./exchange.ts"
import * as Failed from "./failure.ts"
import { type Check, notData } from "./inputs.ts"
import * as Issues from "./issues.ts"
import type { Limiter } from "./limiter.ts"
import type { Find } from "./policy.ts"
import type { Read } from "./read.ts"
import { type Encoded, type makeHeaders, toRequest } from "./requests.ts"
import { isJson } from "./response.ts"
import type { Instruments } from "./instruments.ts"
import { inSpan, type Observed, observeAttempt, retried, type Tells, waited } from "./telemetry.ts"

/** An operation: what it takes, how it is sent, and how its answer is read. */
export interface Operation<I, A, E> {
  readonly operation: OperationName
  readonly check: Check<I>
  /** Throws where the input has no wire form, though it passed the check. */
  readonly encode: (input: I) => Encoded
  readonly read: (input: I) => Read<A>
  readonly onMissing: Missing<E>
  /** What a 404 means after an attempt that may have done its work; `undefined` where it stays a failure. */
  readonly doneBefore?: { readonly value: A }
}

/** Time limits, in milliseconds. */
export interface Limits {
  readonly attempt: number
  readonly deadline: number
}

/** A retry policy, its durations in milliseconds. */
export interface RetryPolicy {
  readonly attempts: number
  readonly baseDelay: number
  readonly maxDelay: number
  readonly maxRetryAfter: number
}

/** What the calls of a client share. */
export interface Shared {
  readonly baseUrl: string
  /** Its host, for the circuit breaker. */
  readonly server: string
  readonly credentials: Credentials
  readonly budget: Budget
  readonly maxBodyBytes: number
  readonly httpClient: HttpClient.HttpClient
  /** Whether that client enforces the limits of an attempt by itself. */
  readonly isOwner: boolean
  readonly headersOf: ReturnType<typeof makeHeaders>
  readonly holds: Limiter
  readonly findOrganization: Find<string | undefined>
  readonly findLimits: Find<Limits>
  readonly findPolicy: Find<RetryPolicy>
  readonly findTells: Find<Tells>
  readonly findLimiter: Find<Limiter | undefined>
  readonly findBreaker: Find<Breaker | undefined>
}

const decodeOrganization = SchemaParser.decodeUnknownResult(OrganizationId)

// Calls that were told to wait for the same moment must not all arrive in it.
const maxHintJitter = 250

/** How long to wait before another attempt: full jitter, but never less than the API asked for. */
const delayOf = (policy: RetryPolicy, attempts: number, hint: number, random: number): number => {
  const backoff = random * Math.min(policy.maxDelay, policy.baseDelay * 2 ** (attempts - 1))
  return hint === 0 ? backoff : Math.max(hint + random * maxHintJitter, backoff)
}

const severity: Readonly<Record<Outcome, number>> = { "not-applied": 0, unknown: 1, applied: 2 }

const toHealth = (exit: Exit.Exit<Exchange, unknown>): Health | undefined => {
  if (Exit.isSuccess(exit)) {
    const { body, status } = exit.value
    return { isHealthy: status < 500 && (!isFault(body) || body.kind === "size") }
  }
  const error = Result.getOrUndefined(Exit.findError(exit))
  return isFault(error) ? { isHealthy: false } : undefined
}

export class Run<I, A, E> implements Call<E>, Observed {
  readonly input: unknown
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly clock: Clock.Clock
  readonly started: number
  readonly tells: Tells
  attempts = 0
  isAssumed = false
  span: Tracer.Span | undefined = undefined

  private readonly shared: Shared
  private readonly of: Operation<I, A, E>
  private readonly instruments: Instruments
  private readonly limits: Limits
  private readonly policy: RetryPolicy
  private readonly limiter: Limiter
  private readonly breaker: Breaker | undefined
  private readonly deadline: number
  private checked!: I
  private encoded!: Encoded
  private organization: string | undefined = undefined
  /** Whose limits the attempt at hand counts against. */
  private key = ""
  private limit: Limit["kind"] = "attempt"
  private outcome: Outcome = "not-applied"
  /** What the retries have taken from the budget. */
  private spent = 0
  private isRenewed = false

  constructor(
    shared: Shared,
    operation: Operation<I, A, E>,
    instruments: Instruments,
    input: unknown,
    fiber: Fiber.Fiber<unknown, unknown>
  ) {
    this.shared = shared
    this.of = operation
    this.instruments = instruments
    this.input = input
    this.fiber = fiber
    this.clock = fiber.getRef(Clock.Clock)
    this.limits = shared.findLimits(fiber)
    this.policy = shared.findPolicy(fiber)
    this.tells = shared.findTells(fiber)
    this.limiter = shared.findLimiter(fiber) ?? shared.holds
    this.breaker = shared.findBreaker(fiber)
    this.started = now(this.clock)
    this.deadline = this.started + this.limits.deadline
  }

  get operation(): OperationName {
    return this.of.operation
  }

  get onMissing(): Missing<E> {
    return this.of.onMissing
  }

  /** Checks and encodes the input, then makes the first attempt. */
  start(): Effect.Effect<A, CallError | E> {
    const input = this.of.check(this.input)
    if (Result.isFailure(input)) return this.refuseInput(input.failure)
    const organization = this.shared.findOrganization(this.fiber)
    if (organization !== undefined) {
      const id = decodeOrganization(organization)
      if (Result.isFailure(id)) return this.refuseInput(Issues.fromSchema(id.failure, ["organization"]))
      this.organization = id.success
    }
    this.checked = input.success
    try {
      this.encoded = this.of.encode(input.success)
    } catch {
      // An input that changed between the two.
      return this.refuseInput([notData])
    }
    return this.attempt()
  }

  /** The caller may have changed the input since it was sent. */
  get carried(): ReadonlyArray<unknown> {
    const { body } = this.encoded
    const sent: unknown = body._tag === "Uint8Array" ? JSON.parse(new TextDecoder().decode(body.body)) : this.checked
    return [sent, this.input]
  }

  private refuseInput(issues: ReadonlyArray<Issue>) {
    return Effect.fail(Failed.invalidInput(this.of.operation, issues))
  }

  // --- how it ends --------------------------------------------------------------------------------------------------

  private end(reason: Reason<CallError | E>, retryStopped: RetryStopped) {
    return Effect.fail(
      reason.toError({
        operation: this.of.operation,
        outcome: this.outcome,
        attempts: this.attempts,
        elapsed: Duration.millis(Math.round(now(this.clock) - this.started)),
        retryStopped
      })
    )
  }

  /** Ends the call before the attempt at hand was made. */
  private refuse(reason: Reason<CallError | E>, retryStopped: RetryStopped) {
    this.attempts--
    return this.end(reason, retryStopped)
  }

  // --- time ---------------------------------------------------------------------------------------------------------

  private left(): number {
    return this.deadline - now(this.clock)
  }

  /** How long an attempt that begins at some time may take. */
  private begin(at: number): number {
    const left = this.deadline - at
    this.limit = left < this.limits.attempt ? "deadline" : "attempt"
    return Math.min(left, this.limits.attempt)
  }

  private limitNow(): Limit {
    return { kind: this.limit, duration: Duration.millis(this.limits[this.limit]) }
  }

  private waits(reason: "backoff" | "rate-limit" | "retry-after", wait: Effect.Effect<void>): Effect.Effect<void>
  private waits<E>(reason: "rate-limit", wait: Effect.Effect<void, E>): Effect.Effect<void, E>
  private waits<E>(reason: "backoff" | "rate-limit" | "retry-after", wait: Effect.Effect<void, E>) {
    return Effect.suspend(() => {
      const from = now(this.clock)
      return Effect.flatMap(wait, () => waited(this.instruments, this, reason, now(this.clock) - from))
    })
  }

  // --- attempts -----------------------------------------------------------------------------------------------------

  private attempt(): Effect.Effect<A, CallError | E> {
    this.attempts++
    const { credentials } = this.shared
    if (!isRotating(credentials)) return this.attemptAs(credentials)
    return Effect.matchEffect(this.inTime(credentials.current), {
      onSuccess: (credential) => this.attemptAs(credential),
      onFailure: (error) =>
        isFault(error)
          ? this.recover(Failed.fromFault(this, error, this.limitNow()))
          : this.refuse(Failed.noCredentials(error), "not-retryable")
    })
  }

  /** Credentials count against the time of the attempt that they are for. */
  private inTime(credential: Effect.Effect<Credential, string>): Effect.Effect<Credential, string | Fault> {
    return Effect.timeoutOrElse(inSpan(credential, this.span), {
      duration: Duration.millis(this.begin(now(this.clock))),
      orElse: () => Effect.fail(new Fault("timeout", { sent: false }))
    })
  }

  private attemptAs(credential: Credential): Effect.Effect<A, CallError | E> {
    this.key = this.organization ?? credential.organization
    const sent = this.send(credential)
    const turn = this.limiter.acquire(this.key, this.policy.maxRetryAfter, this.deadline)
    const tried = turn === Effect.void ? sent : Effect.andThen(this.waits("rate-limit", inSpan(turn, this.span)), sent)
    const { breaker, span } = this
    const guarded = breaker === undefined ? tried : inSpan(breaker.execute(tried, this.shared.server, toHealth), span)
    return Effect.matchEffect(guarded, {
      onSuccess: (answer) => this.settle(answer, credential),
      onFailure: (error) => {
        if (isFault(error)) return this.recover(Failed.fromFault(this, error, this.limitNow()))
        if (error._tag === "Refused") return this.refuse(Failed.fromBreaker(error.retryAfter), "not-retryable")
        const isLong = Duration.toMillis(error.wait) > this.policy.maxRetryAfter
        return this.refuse(Failed.fromLimiter(error.wait, error.isAsked), isLong ? "retry-after" : "deadline")
      }
    })
  }

  private send({ header }: Credential): Effect.Effect<Exchange, Fault> {
    const { baseUrl, headersOf, httpClient, isOwner, maxBodyBytes } = this.shared
    const request = toRequest(this.encoded, baseUrl, headersOf(this.encoded, header, this.organization))
    return observeAttempt(this.instruments, this, request, (request, fiber, at, span) =>
      exchange(fiber, httpClient.execute(request), { at, millis: this.begin(at), maxBodyBytes }, isOwner, span)
    )
  }

  // --- answers ------------------------------------------------------------------------------------------------------

  private settle(answer: Exchange, credential: Credential): Effect.Effect<A, CallError | E> {
    const settled = this.read(answer)
    if (Result.isSuccess(settled)) {
      this.shared.budget.giveBack(this.spent)
      return Effect.succeed(settled.success)
    }
    return answer.status === 401 ? this.renew(settled.failure, credential) : this.recover(settled.failure)
  }

  private read(answer: Exchange): Result.Result<A, Failure<CallError | E>> {
    const { status } = answer
    if (status < 200 || status >= 300) {
      const failure = Failed.fromStatus(this, answer, this.clock.currentTimeMillisUnsafe())
      const isHint = status === 429 || status === 503
      this.limiter.observe(this.key, answer.headers, isHint ? failure.retryAfter : undefined, this.clock)
      // It may be gone because an earlier attempt of this very call has removed it.
      // The API says so in JSON; a page is a proxy's that knows no such route.
      const isGone = (status === 404 || status === 410) && this.outcome !== "not-applied" && isJson(answer.headers)
      if (!isGone || this.of.doneBefore === undefined) return Result.fail(failure)
      this.isAssumed = true
      return Result.succeed(this.of.doneBefore.value)
    }
    this.limiter.observe(this.key, answer.headers, undefined, this.clock)
    const json = Failed.readSuccess(this, answer, this.limitNow())
    if (Result.isFailure(json)) return Result.fail(json.failure)
    return Result.mapError(this.of.read(this.checked)(json.success, status), (issues) =>
      Failed.brokenBody(this, answer, issues)
    )
  }

  /** A refused token may have been replaced in the meantime: once in a call another one is tried. */
  private renew(failure: Failure<CallError | E>, refused: Credential): Effect.Effect<A, CallError | E> {
    const { credentials } = this.shared
    if (!isRotating(credentials) || this.isRenewed) return this.recover(failure)
    this.isRenewed = true
    return Effect.matchEffect(this.inTime(credentials.renew(refused)), {
      onSuccess: (credential) => {
        if (credential.header === refused.header) return this.recover(failure)
        retried(this.instruments, this, "unauthorized")
        this.attempts++
        return this.attemptAs(credential)
      },
      onFailure: () => this.recover(failure)
    })
  }

  private recover(failure: Failure<CallError | E>): Effect.Effect<A, CallError | E> {
    if (severity[failure.outcome] > severity[this.outcome]) this.outcome = failure.outcome
    const { policy } = this
    const { retry, retryAfter } = failure
    if (retry === undefined) return this.end(failure, "not-retryable")
    // Not `>=`: what is no number allows no attempt more.
    if (!(this.attempts < policy.attempts)) return this.end(failure, "attempts")
    const hint = retryAfter === undefined ? 0 : Duration.toMillis(retryAfter)
    if (hint > policy.maxRetryAfter) return this.end(failure, "retry-after")
    const delay = delayOf(policy, this.attempts, hint, this.fiber.getRef(Random.Random).nextDoubleUnsafe())
    if (delay >= this.left()) return this.end(failure, "deadline")
    // To wait as told is no storm.
    if (retry !== "throttled" || hint === 0) {
      const cost = this.shared.budget.take(retry)
      if (cost === undefined) return this.end(failure, "budget")
      this.spent += cost
    }
    retried(this.instruments, this, retry)
    return Effect.andThen(
      this.waits(hint === 0 ? "backoff" : "retry-after", Effect.sleep(Duration.millis(delay))),
      Effect.suspend(() => this.attempt())
    )
  }
}
