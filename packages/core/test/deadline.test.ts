import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import type { AgentalkError } from "../src/AgentalkError.ts"
import { Contacts } from "../src/Contacts.ts"
import * as Sandbox from "../src/Sandbox.ts"
import * as TimeLimit from "../src/TimeLimit.ts"
import {
  type AttemptResponse,
  runToEnd,
  scriptedContacts,
  ok,
  refused,
  reset,
  stall,
  status,
  withRandom
} from "./Attempts.ts"
import { id } from "./ScriptedApi.ts"

const tag = (contacts: Contacts["Service"]) => contacts.addTags(id, ["vip"])

/** Runs a call and returns its duration and, if it failed, the properties of its error. */
const summaryOf = <A, R>(call: Effect.Effect<A, AgentalkError, R>) =>
  Effect.map(runToEnd(call), ({ millis, result }) => ({
    millis,
    ...(Result.isFailure(result) && {
      tag: result.failure._tag,
      limit: Reflect.get(result.failure, "limit"),
      attempts: result.failure.attempts,
      outcome: result.failure.outcome,
      retryStopped: result.failure.retryStopped,
      message: result.failure.message
    })
  }))

describe("the deadline", () => {
  it.effect("comes from the call, a layer or the client option, independent of the attempt timeout", () =>
    Effect.gen(function* () {
      const { client } = yield* scriptedContacts([Effect.never])
      const live = AgentalkClient.layer({ token: Sandbox.token, deadline: "9 seconds" }).pipe(
        Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
      )
      const millis = Effect.flatMap(Contacts, (contacts) => Effect.map(summaryOf(tag(contacts)), (end) => end.millis))
      const twoSeconds = TimeLimit.layer({ deadline: "2 seconds" })
      assert.strictEqual(yield* Effect.provide(millis, live), 9000)
      assert.strictEqual(yield* Effect.provide(millis, Layer.merge(live, twoSeconds)), 2000)
      assert.strictEqual(
        yield* millis.pipe(TimeLimit.withLimits({ deadline: "3 seconds" }), Effect.provide(live)),
        3000
      )
      assert.strictEqual(
        yield* millis.pipe(TimeLimit.withLimits({ attempt: "10 seconds" }), Effect.provide(live)),
        9000
      )
    })
  )

  it.effect("includes the wait for a token, and nothing is sent after it", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([ok], { token: Effect.never })
      const end = yield* summaryOf(tag(contacts)).pipe(TimeLimit.withLimits({ deadline: "5 seconds" }))
      assert.deepInclude(end, { millis: 5000, tag: "Timeout", limit: "deadline", outcome: "not-applied" })
      assert.strictEqual(sent.length, 0)
    })
  )

  it.effect.each<[string, AttemptResponse]>([
    ["no responses", Effect.never],
    ["bodies that never end", stall]
  ])("is 2 minutes by default for all attempts and waits together: %s", ([, answer]) =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([answer], { retry: { attempts: 100 } })
      const end = yield* summaryOf(tag(contacts)).pipe(withRandom(0))
      assert.deepStrictEqual(times, [0, 30_000, 60_000, 90_000])
      assert.deepInclude(end, { millis: 120_000, tag: "Timeout", attempts: 4, retryStopped: "deadline" })
    })
  )

  it.effect.each<[string, AttemptResponse]>([
    ["no response", Effect.never],
    ["a body that never ends", stall]
  ])("ends the last attempt early, and the message contains it: %s", ([, answer]) =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([answer])
      const limits = TimeLimit.withLimits({ attempt: "30 seconds", deadline: "40 seconds" })
      const end = yield* summaryOf(tag(contacts)).pipe(limits, withRandom(0))
      assert.deepStrictEqual(times, [0, 30_000])
      assert.deepInclude(end, { millis: 40_000, limit: "deadline", attempts: 2, retryStopped: "deadline" })
      assert.match(end.message ?? "", /40s/)
    })
  )

  it.effect("ends the first attempt if it is shorter than the attempt timeout", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([Effect.never])
      const end = yield* summaryOf(tag(contacts)).pipe(TimeLimit.withLimits({ deadline: "5 seconds" }))
      assert.deepInclude(end, { millis: 5000, limit: "deadline", attempts: 1, retryStopped: "deadline" })
    })
  )

  it.effect("ends the call before a backoff that would reach it", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([status(500)])
      const limits = TimeLimit.withLimits({ deadline: "700 millis" })
      const end = yield* summaryOf(tag(contacts)).pipe(limits, withRandom(0.5))
      assert.deepInclude(end, { millis: 250, tag: "ServerFault", attempts: 2, retryStopped: "deadline" })
    })
  )

  it.effect("is never exceeded, and neither is the number of attempts, for any sequence of responses", () =>
    Effect.gen(function* () {
      const answers = [
        ok,
        status(500),
        status(503, { "retry-after": "3" }),
        status(429, { "retry-after": "1" }),
        status(429, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "4" }),
        status(404),
        reset,
        refused,
        stall,
        Effect.never,
        Effect.delay(ok, "2 seconds"),
        Effect.delay(status(502), "900 millis")
      ]
      for (let run = 0; run < 300; run++) {
        const deadline = yield* Random.nextIntBetween(1, 20_000)
        const attempt = yield* Random.nextIntBetween(1, 5000)
        const attempts = yield* Random.nextIntBetween(1, 8)
        const sequence = yield* Effect.replicateEffect(
          Effect.flatMap(Random.shuffle(answers), ([first]) => Effect.succeed(first ?? ok)),
          8
        )
        const { contacts, sent } = yield* scriptedContacts(sequence, {
          deadline,
          attemptTimeout: attempt,
          retry: { attempts }
        })
        const end = yield* summaryOf(tag(contacts))
        assert.isAtMost(end.millis, deadline + 0.001)
        assert.isAtMost(sent.length, attempts)
        if (end.attempts !== undefined) assert.strictEqual(end.attempts, sent.length)
      }
    }).pipe(Random.withSeed("deadlines"))
  )
})
