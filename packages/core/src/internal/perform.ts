/**
 * One call, from the input that a user gave to the value or the typed error that they get.
 *
 * Outside in: deadline, retry, circuit breaker, rate limiter, attempt (`exchange.ts`).
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { CallError, Issue, Outcome, RetryStopped } from "../AgentalkError.ts"
import * as Retry from "../Retry.ts"
import { OrganizationId } from "../Settings.ts"
import * as TimeLimit from "../TimeLimit.ts"
import { Fault, isAttemptOwner, isFault, now } from "../Transport.ts"
import { CurrentBreaker, type Health } from "./breaker.ts"
import type { Budget } from "./budget.ts"
import type { Call, Failure, Limit } from "./ending.ts"
import { exchange, type Exchange } from "./exchange.ts"
import * as Failed from "./failure.ts"
import { isJson } from "./response.ts"
import type { Check } from "./inputs.ts"
import * as Issues from "./issues.ts"
import { CurrentLimiter, makeHolds } from "./limiter.ts"
import * as Policy from "./policy.ts"
import type { Read } from "./read.ts"

/** What proves who calls. */
export interface Credential {
  /** The value of the `Authorization` header. */
  readonly header: string
  /** The organization of the token, in lower case. */
  readonly organization: string
}

/** A credential that never changes, or one that is obtained before each attempt; fails with what went wrong. */
export type Credentials = Credential | Effect.Effect<Credential, string>

/**
 * A request as the derived client encodes it. A call encodes its input once, so that all its attempts send the same
 * bytes, whatever becomes of the input in the meantime.
 */
export class Encoded {
  readonly _tag = "Encoded"
  readonly request: HttpClientRequest.HttpClientRequest
  constructor(request: HttpClientRequest.HttpClientRequest) {
    this.request = request
  }
}

/** The transport of the derived client: hands the request over instead of sending it. */
export const encodeOnly: HttpClient.HttpClient.With<Encoded> = HttpClient.makeWith(
  Effect.flatMap((request: HttpClientRequest.HttpClientRequest) => Effect.fail(new Encoded(request))),
  (request: HttpClientRequest.HttpClientRequest) => Effect.succeed(request)
)

/** The organization that calls are for, where somebody set it. */
export const CurrentOrganization = Policy.reference<string>("@agentalk/core/AgentalkClient/CurrentOrganization")

interface Headers {
  readonly "x-organization-id"?: string
}

/** An operation: what it takes, how it is sent, and how its answer is read. */
export interface Operation<I, A, E> extends Call<E> {
  readonly check: Check<I>
  /** Encodes the request; it fails with `Encoded`, for it is never sent from there. */
  readonly encode: (
    input: I,
    headers: Headers
  ) => Effect.Effect<unknown, Encoded | HttpClientError | Schema.SchemaError>
  readonly read: (input: I) => Read<A>
  /** What a 404 means after an attempt that may have done its work; `undefined` where it stays a failure. */
  readonly doneBefore?: { readonly value: A }
}

/** What every call of a client shares. */
export interface Client {
  readonly built: Context.Context<never>
  readonly server: string
  readonly organization: string | undefined
  readonly credentials: Credentials
  readonly limits: TimeLimit.Limits | undefined
  readonly retry: Retry.Policy | undefined
  readonly budget: Budget
  readonly maxBodyBytes: number
  readonly httpClient: HttpClient.HttpClient
}

const decodeOrganization = SchemaParser.decodeUnknownResult(OrganizationId)

const millisOf = (input: Duration.Input | undefined, otherwise: number): number =>
  input === undefined ? otherwise : Duration.toMillis(Duration.fromInputUnsafe(input))

const defaultLimits = {
  attempt: Duration.toMillis(TimeLimit.defaultLimits.attempt),
  deadline: Duration.toMillis(TimeLimit.defaultLimits.deadline)
}

/** Time limits in milliseconds. */
const applyLimits = (base: typeof defaultLimits, limits: TimeLimit.Limits): typeof defaultLimits => ({
  attempt: millisOf(limits.attempt, base.attempt),
  deadline: millisOf(limits.deadline, base.deadline)
})

const defaultPolicy = {
  attempts: Retry.defaultPolicy.attempts,
  baseDelay: Duration.toMillis(Retry.defaultPolicy.baseDelay),
  maxDelay: Duration.toMillis(Retry.defaultPolicy.maxDelay),
  maxRetryAfter: Duration.toMillis(Retry.defaultPolicy.maxRetryAfter)
}

/** A retry policy in milliseconds. */
const applyPolicy = (base: typeof defaultPolicy, policy: Retry.Policy): typeof defaultPolicy => ({
  attempts: policy.attempts ?? base.attempts,
  baseDelay: millisOf(policy.baseDelay, base.baseDelay),
  maxDelay: millisOf(policy.maxDelay, base.maxDelay),
  maxRetryAfter: millisOf(policy.maxRetryAfter, base.maxRetryAfter)
})

// Calls that were told to wait for the same moment must not all arrive in it.
const maxHintJitter = 250

/** How long to wait before another attempt: full jitter, but never less than the API asked for. */
const delayOf = (policy: typeof defaultPolicy, attempts: number, hint: number, random: number): number => {
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

const noWireForm: Issue = { path: [], message: "Expected data that has a JSON form" }

/** Makes the one function through which every call of a client goes. */
export const makePerform = (client: Client) => {
  const find = Policy.makeFind(client.built)
  const findParts = Policy.makeFindParts(client.built)
  const findOrganization = find(CurrentOrganization, client.organization)
  const findLimits = findParts(TimeLimit.CurrentLimits, client.limits, defaultLimits, applyLimits)
  const findPolicy = findParts(Retry.CurrentPolicy, client.retry, defaultPolicy, applyPolicy)
  const findLimiter = find(CurrentLimiter)
  const findBreaker = find(CurrentBreaker)
  const holds = makeHolds()
  const isOwner = isAttemptOwner(client.httpClient)

  const headersOf = (fiber: Fiber.Fiber<unknown, unknown>): Result.Result<Headers, ReadonlyArray<Issue>> => {
    const organization = findOrganization(fiber)
    if (organization === undefined) return Result.succeed({})
    return Result.match(decodeOrganization(organization), {
      onSuccess: (id) => Result.succeed({ "x-organization-id": id }),
      onFailure: (issue) => Result.fail(Issues.fromSchema(issue, ["organization"]))
    })
  }

  return <I, A, E>(operation: Operation<I, A, E>): Effect.Effect<A, CallError | E> =>
    Effect.withFiber((fiber) => {
      const input = operation.check(operation.input)
      if (Result.isFailure(input)) return Effect.fail(Failed.invalidInput(operation.operation, input.failure))
      const headers = headersOf(fiber)
      if (Result.isFailure(headers)) return Effect.fail(Failed.invalidInput(operation.operation, headers.failure))

      const clock = fiber.getRef(Clock.Clock)
      const limits = findLimits(fiber)
      const policy = findPolicy(fiber)
      const limiter = findLimiter(fiber) ?? holds
      const breaker = findBreaker(fiber)
      const started = now(clock)
      const deadline = started + limits.deadline

      let attempts = 0
      let outcome: Outcome = "not-applied"
      let spent = 0
      let key = ""
      let limit: Limit = { kind: "attempt", duration: Duration.zero }

      const end = (failure: Failure<CallError | E>, retryStopped: RetryStopped) =>
        Effect.fail(
          failure.toError({
            operation: operation.operation,
            outcome,
            attempts,
            elapsed: Duration.millis(Math.round(now(clock) - started)),
            retryStopped
          })
        )

      /** Ends the call before the attempt at hand was made. */
      const refuse = (failure: Failure<CallError | E>, retryStopped: RetryStopped) => {
        attempts--
        return end(failure, retryStopped)
      }

      const left = (): number => deadline - now(clock)

      const limitNow = (): Limit =>
        left() < limits.attempt
          ? { kind: "deadline", duration: Duration.millis(limits.deadline) }
          : { kind: "attempt", duration: Duration.millis(limits.attempt) }

      const send = (request: HttpClientRequest.HttpClientRequest) =>
        Effect.suspend(() => {
          limit = limitNow()
          return exchange(
            client.httpClient.execute(request),
            { millis: Math.min(limits.attempt, left()), maxBodyBytes: client.maxBodyBytes },
            isOwner
          )
        })

      const attempt = (request: HttpClientRequest.HttpClientRequest): Effect.Effect<A, CallError | E> => {
        attempts++
        const { credentials } = client
        if (!Effect.isEffect(credentials)) return attemptAs(credentials, request)
        limit = limitNow()
        const inTime = Effect.timeoutOrElse(credentials, {
          duration: Duration.millis(Math.min(limits.attempt, left())),
          orElse: () => Effect.fail(new Fault("timeout", { sent: false }))
        })
        return Effect.matchEffect(inTime, {
          onSuccess: (credential) => attemptAs(credential, request),
          onFailure: (error) =>
            isFault(error)
              ? recover(Failed.fromFault(operation, error, limit), request)
              : refuse(Failed.noCredentials(error), "not-retryable")
        })
      }

      const attemptAs = (
        credential: Credential,
        request: HttpClientRequest.HttpClientRequest
      ): Effect.Effect<A, CallError | E> => {
        key = headers.success["x-organization-id"] ?? credential.organization
        const sent = send(HttpClientRequest.setHeader(request, "authorization", credential.header))
        const turn = limiter.acquire(key, Math.min(policy.maxRetryAfter, left()))
        const tried = turn === Effect.void ? sent : Effect.andThen(turn, sent)
        return Effect.matchEffect(breaker === undefined ? tried : breaker.execute(tried, client.server, toHealth), {
          onSuccess: (answer) => {
            const settled = settle(answer)
            if (Result.isFailure(settled)) return recover(settled.failure, request)
            client.budget.giveBack(spent)
            return Effect.succeed(settled.success)
          },
          onFailure: (error) => {
            if (isFault(error)) return recover(Failed.fromFault(operation, error, limit), request)
            if (error._tag === "Refused") return refuse(Failed.fromBreaker(error.retryAfter), "not-retryable")
            const isLong = Duration.toMillis(error.wait) > policy.maxRetryAfter
            return refuse(Failed.fromLimiter(error.wait, error.isAsked), isLong ? "retry-after" : "deadline")
          }
        })
      }

      const settle = (answer: Exchange): Result.Result<A, Failure<CallError | E>> => {
        const { status } = answer
        if (status < 200 || status >= 300) {
          const failure = Failed.fromStatus(operation, answer, clock.currentTimeMillisUnsafe())
          const isHint = status === 429 || status === 503
          limiter.observe(key, answer.headers, isHint ? failure.retryAfter : undefined, clock)
          // It may be gone because an earlier attempt of this very call has removed it.
          // The API says so in JSON; a page is a proxy's that knows no such route.
          const isGone = (status === 404 || status === 410) && outcome !== "not-applied" && isJson(answer.headers)
          return isGone && operation.doneBefore !== undefined
            ? Result.succeed(operation.doneBefore.value)
            : Result.fail(failure)
        }
        limiter.observe(key, answer.headers, undefined, clock)
        const json = Failed.readSuccess(operation, answer, limit)
        if (Result.isFailure(json)) return Result.fail(json.failure)
        return Result.mapError(operation.read(input.success)(json.success, status), (issues) =>
          Failed.brokenBody(operation, answer, issues)
        )
      }

      const recover = (
        failure: Failure<CallError | E>,
        request: HttpClientRequest.HttpClientRequest
      ): Effect.Effect<A, CallError | E> => {
        if (severity[failure.outcome] > severity[outcome]) outcome = failure.outcome
        const { retry, retryAfter } = failure
        if (retry === undefined) return end(failure, "not-retryable")
        // Not `>=`: what is no number allows no attempt more.
        if (!(attempts < policy.attempts)) return end(failure, "attempts")
        const hint = retryAfter === undefined ? 0 : Duration.toMillis(retryAfter)
        if (hint > policy.maxRetryAfter) return end(failure, "retry-after")
        const delay = delayOf(policy, attempts, hint, fiber.getRef(Random.Random).nextDoubleUnsafe())
        if (now(clock) + delay >= deadline) return end(failure, "deadline")
        // To wait as told is no storm.
        if (retry !== "throttled" || hint === 0) {
          const cost = client.budget.take(retry)
          if (cost === undefined) return end(failure, "budget")
          spent += cost
        }
        return Effect.andThen(
          Effect.sleep(Duration.millis(delay)),
          Effect.suspend(() => attempt(request))
        )
      }

      // What passed the check has a wire form, so a refusal here is for an input that changed between the two.
      const refuseInput = (issues: ReadonlyArray<Issue>) =>
        Effect.fail(Failed.invalidInput(operation.operation, issues))

      return Effect.matchCauseEffect(operation.encode(input.success, headers.success), {
        onSuccess: () => refuseInput([]),
        onFailure: (cause) => {
          const error = Result.getOrUndefined(Cause.findError(cause))
          if (error instanceof Encoded) return attempt(error.request)
          return refuseInput(Schema.isSchemaError(error) ? Issues.fromSchema(error.issue) : [noWireForm])
        }
      })
    })
}
