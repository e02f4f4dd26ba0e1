/** One call, from the input that a user gave to the value or the typed error that they get. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { CallError, Issue, Unauthorized } from "../AgentalkError.ts"
import { OrganizationId } from "../Settings.ts"
import * as TimeLimit from "../TimeLimit.ts"
import { isFault } from "../Transport.ts"
import { exchange, type Exchange } from "./exchange.ts"
import { brokenBody, type Call, fromFault, fromStatus, invalidInput, readSuccess } from "./failure.ts"
import type { Check } from "./inputs.ts"
import * as Issues from "./issues.ts"
import * as Policy from "./policy.ts"
import type { Read } from "./read.ts"

/** The organization that calls are for, where somebody set it. */
export const CurrentOrganization = Policy.reference<string>("@agentalk/core/AgentalkClient/CurrentOrganization")

interface Headers {
  readonly "x-organization-id"?: string
}

/** An operation: what it takes, how it is sent, and how its answer is read. */
export interface Operation<I, A, E> extends Call<E> {
  readonly check: Check<I>
  readonly send: (
    input: I,
    headers: Headers
  ) => Effect.Effect<HttpClientResponse, HttpClientError | Schema.SchemaError | Unauthorized>
  readonly read: (input: I) => Read<A>
}

const decodeOrganization = SchemaParser.decodeUnknownResult(OrganizationId)

/** Makes the one function through which every call goes. */
export const makePerform = (options: {
  readonly built: Context.Context<never>
  readonly organization: string | undefined
  readonly limits: TimeLimit.Limits
  readonly maxBodyBytes: number
  readonly isAttemptOwner: boolean
}) => {
  const find = Policy.makeFind(options.built)
  const findOrganization = find(CurrentOrganization, options.organization)
  // Limit by limit: a call that sets one of them keeps the client's others.
  const clientLimit = options.limits.attempt ?? Context.get(options.built, TimeLimit.CurrentLimits)?.attempt

  const limitOf = (fiber: Fiber.Fiber<unknown, unknown>): Duration.Duration => {
    const limit = fiber.getRef(TimeLimit.CurrentLimits)?.attempt ?? clientLimit
    return limit === undefined ? TimeLimit.defaultLimits.attempt : Duration.fromInputUnsafe(limit)
  }

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
      if (Result.isFailure(input)) return Effect.fail(invalidInput(operation.operation, input.failure))
      const headers = headersOf(fiber)
      if (Result.isFailure(headers)) return Effect.fail(invalidInput(operation.operation, headers.failure))
      const limit = limitOf(fiber)

      const finish = (answer: Exchange): Effect.Effect<A, CallError | E> => {
        if (answer.status < 200 || answer.status >= 300) {
          const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
          return Effect.fail(fromStatus(operation, answer, now))
        }
        const json = readSuccess(operation, answer, limit)
        if (Result.isFailure(json)) return Effect.fail(json.failure)
        return Result.match(operation.read(input.success)(json.success, answer.status), {
          onSuccess: Effect.succeed,
          onFailure: (issues) => Effect.fail(brokenBody(operation, answer, issues))
        })
      }

      return Effect.matchEffect(
        exchange(
          operation.send(input.success, headers.success),
          { millis: Duration.toMillis(limit), maxBodyBytes: options.maxBodyBytes },
          options.isAttemptOwner
        ),
        {
          onSuccess: finish,
          onFailure: (error): Effect.Effect<never, CallError | E> => {
            if (isFault(error)) return Effect.fail(fromFault(operation, error, limit))
            // What passed the check has a wire form, so the second is for inputs that change between the two.
            return Schema.isSchemaError(error)
              ? Effect.fail(invalidInput(operation.operation, Issues.fromSchema(error.issue)))
              : Effect.fail(error)
          }
        }
      )
    })
}
