import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import type { AgentalkError, Outcome, RetryStopped } from "../src/AgentalkError.ts"
import { Contacts } from "../src/Contacts.ts"
import * as Retry from "../src/Retry.ts"
import * as Sandbox from "../src/Sandbox.ts"
import * as TimeLimit from "../src/TimeLimit.ts"
import { operationNames } from "../src/internal/operation.ts"
import {
  type AttemptResponse,
  runToEnd,
  errorOf,
  scriptedContacts,
  ok,
  refused,
  reset,
  stall,
  status,
  withRandom
} from "./Attempts.ts"
import { isDoneIfMissing, isReadOnly } from "./OperationTable.ts"
import { calls, id, json } from "./ScriptedApi.ts"

const tag = (contacts: Contacts["Service"]) => contacts.addTags(id, ["vip"])

const identity = <A>(a: A): A => a

/** The properties that describe the whole call, whatever the error's tag. */
const summaryOf = ({ attempts, outcome, retryStopped }: AgentalkError) => ({ attempts, outcome, retryStopped })

describe("the number of attempts", () => {
  const countOf = Effect.fnUntraced(function* (
    policy: <A, E, R>(call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>,
    option?: Retry.Policy
  ) {
    const { contacts, sent } = yield* scriptedContacts([status(500)], { retry: option })
    const error = yield* errorOf(policy(tag(contacts)))
    assert.strictEqual(error.attempts, sent.length)
    return error.attempts
  })
  it.effect("is three by default", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* countOf(identity), 3)
      assert.strictEqual(yield* countOf(identity, {}), 3)
      assert.strictEqual(yield* countOf(identity, { maxDelay: "1 second" }), 3)
      assert.strictEqual(yield* countOf(identity, { attempts: 5 }), 5)
    })
  )

  it.effect("is one with Retry.none", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* countOf(Retry.withPolicy(Retry.none)), 1)
      assert.strictEqual(yield* countOf(identity, Retry.none), 1)
      assert.strictEqual(yield* countOf(Retry.withPolicy(Retry.none), { attempts: 5 }), 1)
    })
  )

  it.effect("can be set for one call, and unset properties keep the client's values", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* countOf(Retry.withPolicy({ attempts: 2 }), { attempts: 5 }), 2)
      assert.strictEqual(yield* countOf(Retry.withPolicy({ baseDelay: "1 second" }), { attempts: 5 }), 5)
      const inner = Retry.withPolicy({ attempts: undefined })
      assert.strictEqual(yield* countOf((call) => Retry.withPolicy(inner(call), { attempts: 2 })), 2)
    })
  )

  it.effect("comes from a layer with Layer.provide, Layer.provideMerge and Layer.merge", () =>
    Effect.gen(function* () {
      const count = Effect.flatMap(Contacts, (contacts) =>
        Effect.map(errorOf(tag(contacts)), ({ attempts }) => attempts)
      )
      const { client } = yield* scriptedContacts([status(500)])
      const live = Layer.provide(
        AgentalkClient.layer({ token: Sandbox.token }),
        Layer.succeed(HttpClient.HttpClient, client)
      )
      const four = Retry.layer({ attempts: 4 })
      assert.strictEqual(yield* Effect.provide(count, Layer.provide(live, four)), 4)
      assert.strictEqual(yield* Effect.provide(count, Layer.provideMerge(live, four)), 4)
      assert.strictEqual(yield* Effect.provide(count, Layer.merge(live, four)), 4)
      assert.strictEqual(
        yield* count.pipe(Retry.withPolicy({ attempts: 2 }), Effect.provide(Layer.provide(live, four))),
        2
      )
    })
  )
})

describe("a call", () => {
  it.effect.each([408, 429, 500, 502, 503, 504])("retries a %d and returns the second response", (code) =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([status(code), ok])
      const { result } = yield* runToEnd(tag(contacts))
      assert.isTrue(Result.isSuccess(result))
      assert.strictEqual(sent.length, 2)
    })
  )

  const finals = [300, 302, 307, 400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 425, 499, 501, 505, 520, 599]
  it.effect.each(finals)("does not retry a %d", (code) =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([status(code), ok])
      const error = yield* errorOf(tag(contacts))
      assert.strictEqual(error.retryStopped, "not-retryable")
      assert.strictEqual(sent.length, 1)
    })
  )

  it.effect.each<[string, AttemptResponse]>([
    ["a reset connection", reset],
    ["a refused connection", refused],
    ["a timeout without a response", Effect.never],
    ["a timeout in the body", stall]
  ])("retries %s and returns the second response", ([, answer]) =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([answer, ok])
      const { result } = yield* runToEnd(tag(contacts))
      assert.isTrue(Result.isSuccess(result))
      assert.strictEqual(sent.length, 2)
    })
  )

  it.effect("retries a body that breaks off if the operation only reads, and not if it writes", () =>
    Effect.gen(function* () {
      const truncated = Effect.sync(
        () =>
          new Response(Stream.toReadableStream(Stream.fail(new Error("ECONNRESET"))), {
            headers: { "content-type": "application/json" }
          })
      )
      const found = Effect.sync(() => json(200, { contacts: [] }))
      const reading = yield* scriptedContacts([truncated, found])
      assert.isTrue(Result.isSuccess((yield* runToEnd(reading.contacts.search({ name: "Jane" }))).result))
      const writing = yield* scriptedContacts([truncated, ok])
      assert.deepStrictEqual(summaryOf(yield* errorOf(tag(writing.contacts))), {
        attempts: 1,
        outcome: "applied",
        retryStopped: "not-retryable"
      })
    })
  )

  it.effect("does not retry an invalid input", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([ok])
      const error = yield* errorOf(contacts.addTags("nobody", ["vip"]))
      assert.deepStrictEqual(summaryOf(error), { attempts: 0, outcome: "not-applied", retryStopped: "not-retryable" })
      assert.strictEqual(sent.length, 0)
    })
  )
})

/** The milliseconds between the attempts of a call. `random` is the value of `Random`. */
const waitsOf = Effect.fnUntraced(function* (
  answers: ReadonlyArray<AttemptResponse>,
  policy: Retry.Policy,
  random?: number
) {
  const { contacts, times } = yield* scriptedContacts(answers)
  yield* runToEnd(tag(contacts)).pipe(Retry.withPolicy(policy), random === undefined ? identity : withRandom(random))
  return times.slice(1).map((time, index) => time - (times[index] ?? 0))
})

const almostOne = 1 - Number.EPSILON

describe("the backoff", () => {
  it.effect("is a random part of a cap that starts at 500 milliseconds and doubles up to 8 seconds", () =>
    Effect.gen(function* () {
      const policy = { attempts: 8 }
      assert.deepStrictEqual(yield* waitsOf([status(500)], policy, 0), [0, 0, 0, 0, 0, 0, 0])
      assert.deepStrictEqual(yield* waitsOf([status(500)], policy, 0.5), [250, 500, 1000, 2000, 4000, 4000, 4000])
      const longest = yield* waitsOf([status(500)], policy, almostOne)
      const caps = [500, 1000, 2000, 4000, 8000, 8000, 8000]
      for (const [index, cap] of caps.entries()) assert.closeTo(longest[index] ?? -1, cap, 0.001)
    })
  )

  it.effect("differs between calls", () =>
    Effect.gen(function* () {
      const seen = new Set<number>()
      for (let i = 0; i < 100; i++) {
        const [wait = -1] = yield* waitsOf([status(500), ok], {})
        assert.isTrue(wait >= 0 && wait < 500)
        seen.add(wait)
      }
      assert.isAbove(seen.size, 50)
    }).pipe(Random.withSeed("waits"))
  )

  it.effect("uses baseDelay and maxDelay of the policy", () =>
    Effect.gen(function* () {
      const policy = { attempts: 5, baseDelay: "20 millis", maxDelay: "100 millis" } as const
      assert.deepStrictEqual(yield* waitsOf([status(500)], policy, 0.5), [10, 20, 40, 50])
    })
  )
})

describe("Retry-After", () => {
  // Fri, 15 Jan 2027 08:00:00 GMT
  const soon = 1_800_000_000_000
  const hints: ReadonlyArray<readonly [name: string, headers: Record<string, string>, millis: number]> = [
    ["in seconds", { "retry-after": "7" }, 7000],
    ["as a date", { "retry-after": "Fri, 15 Jan 2027 08:00:09 GMT" }, 9000],
    ["in milliseconds", { "retry-after-ms": "1234" }, 1234],
    ["in milliseconds, which takes precedence over seconds", { "retry-after-ms": "2500", "retry-after": "30" }, 2500],
    ["of a minute", { "retry-after": "60" }, 60_000]
  ]
  for (const code of [429, 503]) {
    it.effect.each(hints)(`${code}: %s, is a minimum with up to 250 ms of jitter`, ([, headers, millis]) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(soon)
        let longest = 0
        for (const random of [0, 0.3, almostOne]) {
          const [wait = -1] = yield* waitsOf([status(code, headers), ok], {}, random).pipe(
            Effect.tap(() => TestClock.setTime(soon))
          )
          assert.isAtLeast(wait, millis)
          assert.isAtMost(wait, millis + 250)
          longest = wait
        }
        // Jitter spreads calls that received the same `Retry-After`.
        assert.isAtLeast(longest, millis + 200)
      })
    )
  }

  it.effect.each(["soon", "-1", "", "1.5.2", "Thu, 01 Jan 1970 00:00:00 GMT"])("%j is ignored", (text) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(soon)
      assert.deepStrictEqual(yield* waitsOf([status(503, { "retry-after": text }), ok], {}, 0.5), [250])
    })
  )

  it.effect("is ignored if the backoff is longer", () =>
    Effect.gen(function* () {
      const policy = { baseDelay: "6 seconds" } as const
      assert.deepStrictEqual(yield* waitsOf([status(503, { "retry-after": "1" }), ok], policy, 0.5), [3000])
    })
  )

  it.effect.each<[number, AgentalkError["_tag"], Outcome]>([
    [429, "RateLimited", "not-applied"],
    [503, "ServerFault", "unknown"]
  ])("%d: a wait above a minute fails the call immediately with retryAfter", ([code, tag_, outcome]) =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([status(code, { "retry-after": "61" }), ok])
      const { millis, result } = yield* runToEnd(tag(contacts))
      assert.strictEqual(millis, 0)
      assert.strictEqual(sent.length, 1)
      assert.isTrue(Result.isFailure(result))
      if (Result.isSuccess(result)) return
      const error = result.failure
      assert.strictEqual(error._tag, tag_)
      assert.deepStrictEqual(summaryOf(error), { attempts: 1, outcome, retryStopped: "retry-after" })
      assert.deepStrictEqual(Reflect.get(error, "retryAfter"), Duration.seconds(61))
      assert.match(error.message, /asks to wait 1m 1s\. The wait is longer than the retry policy allows\./)
    })
  )

  it.effect("above maxRetryAfter fails the call immediately, and up to maxRetryAfter is waited for", () =>
    Effect.gen(function* () {
      const answers = [status(429, { "retry-after": "90" }), ok]
      const short = yield* scriptedContacts(answers)
      const error = yield* errorOf(tag(short.contacts)).pipe(Retry.withPolicy({ maxRetryAfter: "89 seconds" }))
      assert.deepStrictEqual(summaryOf(error), { attempts: 1, outcome: "not-applied", retryStopped: "retry-after" })
      assert.deepStrictEqual(yield* waitsOf(answers, { maxRetryAfter: "90 seconds" }, 0), [90_000])
    })
  )

  it.effect("beyond the deadline fails the call immediately", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([status(429, { "retry-after": "30" }), ok])
      const { millis, result } = yield* runToEnd(tag(contacts)).pipe(TimeLimit.withLimits({ deadline: "29 seconds" }))
      assert.strictEqual(millis, 0)
      assert.deepInclude(Result.isFailure(result) ? result.failure : undefined, {
        _tag: "RateLimited",
        attempts: 1,
        retryStopped: "deadline",
        retryAfter: Duration.seconds(30)
      })
    })
  )
})

describe("the final error", () => {
  it.effect("contains the number of attempts, the elapsed time and the reason that retries stopped", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 day")
      const { contacts } = yield* scriptedContacts([Effect.delay(status(500), "2 seconds")])
      const error = yield* errorOf(tag(contacts)).pipe(withRandom(0.5))
      assert.deepStrictEqual(summaryOf(error), { attempts: 3, outcome: "unknown", retryStopped: "attempts" })
      assert.deepStrictEqual(error.elapsed, Duration.millis(2000 + 250 + 2000 + 500 + 2000))
      assert.match(error.message, /3 attempts in 6s 750ms\.$/)
    })
  )

  const sequences: ReadonlyArray<
    readonly [
      name: string,
      answers: ReadonlyArray<AttemptResponse>,
      tag: AgentalkError["_tag"],
      outcome: Outcome,
      RetryStopped
    ]
  > = [
    ["500, 400", [status(500), status(400)], "Validation", "unknown", "not-retryable"],
    ["500, 404", [status(500), status(404)], "NotFound", "unknown", "not-retryable"],
    ["reset, 401", [reset, status(401)], "Unauthorized", "unknown", "not-retryable"],
    ["no response, 429", [Effect.never, status(429)], "RateLimited", "unknown", "attempts"],
    ["408, 429, 403", [status(408), status(429), status(403)], "Forbidden", "unknown", "not-retryable"],
    ["500, refused", [status(500), refused], "TransportFailure", "unknown", "attempts"],
    ["stall, 404", [stall, status(404)], "NotFound", "applied", "not-retryable"],
    ["stall, 500", [stall, status(500)], "ServerFault", "applied", "attempts"],
    ["refused, 400", [refused, status(400)], "Validation", "not-applied", "not-retryable"],
    ["refused, refused, refused", [refused], "TransportFailure", "not-applied", "attempts"],
    ["429, 429, 429", [status(429)], "RateLimited", "not-applied", "attempts"],
    ["429, 404", [status(429), status(404)], "NotFound", "not-applied", "not-retryable"]
  ]
  it.effect.each(sequences)("has the worst outcome of all attempts: %s", ([, answers, tag_, outcome, retryStopped]) =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts(answers)
      const error = yield* errorOf(tag(contacts))
      assert.strictEqual(error._tag, tag_)
      assert.deepStrictEqual(summaryOf(error), { attempts: sent.length, outcome, retryStopped })
    })
  )

  it.effect("of an operation that only reads always has the outcome not-applied", () =>
    Effect.gen(function* () {
      for (const operation of operationNames.filter(isReadOnly)) {
        for (const [, answers] of sequences) {
          const { contacts } = yield* scriptedContacts(answers)
          assert.strictEqual((yield* errorOf(calls[operation](contacts))).outcome, "not-applied")
        }
      }
    })
  )

  it.effect("is absent after 500, 404 only if the operation is done if the contact is missing", () =>
    Effect.gen(function* () {
      for (const operation of operationNames) {
        const { contacts } = yield* scriptedContacts([status(500), status(404)])
        const { result } = yield* runToEnd(calls[operation](contacts))
        assert.strictEqual(Result.isSuccess(result), isDoneIfMissing(operation), operation)
      }
    })
  )

  it.effect.each<[string, ReadonlyArray<AttemptResponse>]>([
    ["500, 200", [status(500), ok]],
    ["reset, stall, 200", [reset, stall, ok]]
  ])("is absent if the last attempt succeeds: %s", ([, answers]) =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts(answers)
      assert.isTrue(Result.isSuccess((yield* runToEnd(tag(contacts))).result))
    })
  )

  const deleted = Effect.fnUntraced(function* (answers: ReadonlyArray<AttemptResponse>) {
    const { contacts } = yield* scriptedContacts(answers)
    return (yield* runToEnd(contacts.delete(id))).result
  })

  it.effect("of a delete is absent only if a 404 follows an attempt of unknown outcome", () =>
    Effect.gen(function* () {
      for (const first of [status(500), status(408), reset, Effect.never, stall]) {
        assert.isTrue(Result.isSuccess(yield* deleted([first, status(404)])))
        assert.isTrue(Result.isSuccess(yield* deleted([first, status(410)])))
      }
      for (const first of [refused, status(429)]) {
        const result = yield* deleted([first, status(404)])
        assert.strictEqual(Result.isFailure(result) ? result.failure._tag : "", "NotFound")
      }
      for (const code of [400, 401, 403, 405, 409, 501]) {
        const result = yield* deleted([status(500), status(code)])
        assert.deepInclude(Result.isFailure(result) ? result.failure : undefined, { status: code, outcome: "unknown" })
      }
    })
  )
})

/** `"success"`, or the error's tag and the reason that retries stopped. */
const resultOf = (result: Result.Result<unknown, AgentalkError>) =>
  Result.isSuccess(result) ? "success" : `${result.failure._tag} ${result.failure.retryStopped}`

describe("the retry budget", () => {
  const withBudget = Effect.fnUntraced(function* (retryBudget: number, ...answers: ReadonlyArray<AttemptResponse>) {
    const { contacts, sent } = yield* scriptedContacts(answers, { retryBudget })
    return { call: Effect.map(runToEnd(tag(contacts)), ({ result }) => result), sent }
  })

  it.effect("spends 5 tokens on a retry, and returns the original error when no tokens are left", () =>
    Effect.gen(function* () {
      const { call, sent } = yield* withBudget(14, status(500))
      assert.strictEqual(resultOf(yield* call), "ServerFault attempts")
      assert.strictEqual(sent.length, 3)
      const result = yield* call
      assert.strictEqual(sent.length, 4)
      assert.isTrue(Result.isFailure(result))
      if (Result.isSuccess(result)) return
      assert.deepStrictEqual(summaryOf(result.failure), { attempts: 1, outcome: "unknown", retryStopped: "budget" })
      assert.match(
        result.failure.message,
        /the API failed \(500\)\. No further attempt was made, because the retry budget is spent/
      )
    })
  )

  it.effect("spends 10 tokens on a retry after a timeout", () =>
    Effect.gen(function* () {
      for (const timeout of [Effect.never, status(408), stall]) {
        const { call, sent } = yield* withBudget(19, timeout)
        assert.strictEqual(resultOf(yield* call), "Timeout budget")
        assert.strictEqual(sent.length, 2)
      }
    })
  )

  it.effect("regains all tokens of a call if its retry succeeds", () =>
    Effect.gen(function* () {
      const twoRetries = [status(500), Effect.never, ok]
      const { call, sent } = yield* withBudget(15, ...twoRetries, ...twoRetries, ...twoRetries)
      for (let i = 1; i <= 3; i++) {
        assert.strictEqual(resultOf(yield* call), "success")
        assert.strictEqual(sent.length, 3 * i)
      }
    })
  )

  it.effect("regains 1 token if a call succeeds without a retry, up to its size", () =>
    Effect.gen(function* () {
      const fails = [status(500), status(400)]
      const { call, sent } = yield* withBudget(
        5,
        ok,
        ok,
        ...fails,
        ok,
        ok,
        ok,
        ok,
        status(500),
        ok,
        ...fails,
        status(500)
      )
      yield* call
      yield* call
      assert.strictEqual(resultOf(yield* call), "Validation not-retryable")
      assert.strictEqual(sent.length, 4)
      for (let i = 0; i < 4; i++) yield* call
      assert.strictEqual(resultOf(yield* call), "ServerFault budget")
      yield* call
      assert.strictEqual(resultOf(yield* call), "Validation not-retryable")
      assert.strictEqual(resultOf(yield* call), "ServerFault budget")
    })
  )

  it.effect("spends nothing on a 429 with Retry-After", () =>
    Effect.gen(function* () {
      const withRetryAfter = status(429, { "retry-after": "1" })
      const { call } = yield* withBudget(0, withRetryAfter, withRetryAfter, ok)
      assert.strictEqual(resultOf(yield* call), "success")
      const without = yield* withBudget(0, status(429), ok)
      assert.strictEqual(resultOf(yield* without.call), "RateLimited budget")
      // A 503 spends tokens even with `Retry-After`, because the server is failing.
      const failing = yield* withBudget(0, status(503, { "retry-after": "1" }), ok)
      assert.strictEqual(resultOf(yield* failing.call), "ServerFault budget")
    })
  )

  it.effect("is separate for each client, and holds 500 tokens by default", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([status(500)])
      for (let i = 0; i < 60; i++) yield* runToEnd(tag(contacts))
      assert.strictEqual(sent.length, 60 + 500 / 5)
      const other = yield* scriptedContacts([status(500)])
      assert.strictEqual((yield* errorOf(tag(other.contacts))).attempts, 3)
    })
  )
})

describe("an attempt", () => {
  it.effect("reads the token again", () =>
    Effect.gen(function* () {
      let reads = 0
      const token = Effect.sync(() => Redacted.make(`${Sandbox.organization}.secret${++reads}`))
      const { contacts, sent } = yield* scriptedContacts([status(500), Effect.never, ok], { token })
      yield* runToEnd(tag(contacts))
      assert.deepStrictEqual(
        sent.map(({ headers }) => headers["authorization"]?.replace(/^Bearer .*\./, "")),
        ["secret1", "secret2", "secret3"]
      )
    })
  )

  it.effect("aborts its request immediately if the call is interrupted", () =>
    Effect.gen(function* () {
      const aborted = yield* Deferred.make<boolean>()
      const { contacts, sent } = yield* scriptedContacts([
        Effect.onInterrupt(Effect.never, () => Deferred.succeed(aborted, true))
      ])
      const fiber = yield* Effect.forkChild(tag(contacts))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(yield* Deferred.await(aborted))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(sent.length, 1)
    })
  )

  it.effect("is not sent if the call is interrupted while it waits", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([status(429, { "retry-after": "50" }), ok])
      const fiber = yield* Effect.forkChild(tag(contacts))
      yield* TestClock.adjust("49 seconds")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(sent.length, 1)
    })
  )
})
