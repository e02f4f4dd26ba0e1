/**
 * What every call of a client shares, and the one function through which all of them go.
 *
 * A call goes, outside in, through its span, the deadline, retries, circuit breaker and rate limiter (`Run.ts`) to the
 * attempt (`exchange.ts`).
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type { CallError } from "../AgentalkError.ts"
import * as Retry from "../Retry.ts"
import * as Telemetry from "../Telemetry.ts"
import * as TimeLimit from "../TimeLimit.ts"
import { isAttemptOwner } from "../Transport.ts"
import { CurrentBreaker } from "./breaker.ts"
import type { Budget } from "./budget.ts"
import type { Credentials } from "./credentials.ts"
import { CurrentLimiter, makeHolds } from "./limiter.ts"
import * as Policy from "./policy.ts"
import { makeHeaders, routeOf } from "./requests.ts"
import { type Limits, type Operation, type RetryPolicy, Run, type Shared } from "./run.ts"
import { Instruments, showBudget } from "./instruments.ts"
import { observeCall, type Tells } from "./telemetry.ts"

/** The organization that calls are for, where somebody set it. */
export const CurrentOrganization = Policy.reference<string>("@agentalk/core/AgentalkClient/CurrentOrganization")

/** What every call of a client shares. */
export interface Client {
  readonly built: Context.Context<never>
  readonly baseUrl: string
  readonly organization: string | undefined
  readonly credentials: Credentials
  readonly limits: TimeLimit.Limits | undefined
  readonly retry: Retry.Policy | undefined
  readonly budget: Budget
  readonly maxBodyBytes: number
  readonly httpClient: HttpClient.HttpClient
}

const millisOf = (input: Duration.Input | undefined, otherwise: number): number =>
  input === undefined ? otherwise : Duration.toMillis(Duration.fromInputUnsafe(input))

const defaultLimits: Limits = {
  attempt: Duration.toMillis(TimeLimit.defaultLimits.attempt),
  deadline: Duration.toMillis(TimeLimit.defaultLimits.deadline)
}

const applyLimits = (base: Limits, limits: TimeLimit.Limits): Limits => ({
  attempt: millisOf(limits.attempt, base.attempt),
  deadline: millisOf(limits.deadline, base.deadline)
})

const defaultPolicy: RetryPolicy = {
  attempts: Retry.defaultPolicy.attempts,
  baseDelay: Duration.toMillis(Retry.defaultPolicy.baseDelay),
  maxDelay: Duration.toMillis(Retry.defaultPolicy.maxDelay),
  maxRetryAfter: Duration.toMillis(Retry.defaultPolicy.maxRetryAfter)
}

const applyPolicy = (base: RetryPolicy, policy: Retry.Policy): RetryPolicy => ({
  attempts: policy.attempts ?? base.attempts,
  baseDelay: millisOf(policy.baseDelay, base.baseDelay),
  maxDelay: millisOf(policy.maxDelay, base.maxDelay),
  maxRetryAfter: millisOf(policy.maxRetryAfter, base.maxRetryAfter)
})

const defaultTells: Tells = { traceHeaders: false, requestDetails: false }

const applyTells = (base: Tells, { requestDetails, traceHeaders }: Telemetry.Options): Tells => ({
  traceHeaders: traceHeaders ?? base.traceHeaders,
  requestDetails: requestDetails ?? base.requestDetails
})

/** Makes a method of a client from an operation. */
export type Perform = <I, A, E>(operation: Operation<I, A, E>) => (input: unknown) => Effect.Effect<A, CallError | E>

export const makePerform = (client: Client): Perform => {
  const server = new URL(client.baseUrl)
  const find = Policy.makeFind(client.built)
  const findParts = Policy.makeFindParts(client.built)
  const shared: Shared = {
    baseUrl: client.baseUrl,
    server: server.host,
    credentials: client.credentials,
    budget: client.budget,
    maxBodyBytes: client.maxBodyBytes,
    httpClient: client.httpClient,
    isOwner: isAttemptOwner(client.httpClient),
    headersOf: makeHeaders(),
    holds: makeHolds(),
    findOrganization: find(CurrentOrganization, client.organization),
    findLimits: findParts(TimeLimit.CurrentLimits, client.limits, defaultLimits, applyLimits),
    findPolicy: findParts(Retry.CurrentPolicy, client.retry, defaultPolicy, applyPolicy),
    findTells: findParts(Telemetry.CurrentOptions, undefined, defaultTells, applyTells),
    findLimiter: find(CurrentLimiter),
    findBreaker: find(CurrentBreaker)
  }
  showBudget(client.budget, server, client.built)

  return (operation) => {
    const instruments = new Instruments(operation.operation, routeOf(operation.operation), server)
    return (input) =>
      Effect.withFiber((fiber) => {
        const run = new Run(shared, operation, instruments, input, fiber)
        return observeCall(instruments, run, run.started, () => run.start())
      })
  }
}
