import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import * as CircuitBreaker from "../src/CircuitBreaker.ts"
import { Contacts } from "../src/Contacts.ts"
import * as Retry from "../src/Retry.ts"
import * as Sandbox from "../src/Sandbox.ts"
import {
  type AttemptResponse,
  runToEnd,
  errorOf,
  scriptedContacts,
  ok,
  refused,
  reset,
  unresponsiveRedis,
  stall,
  status
} from "./Attempts.ts"
import { id, json } from "./ScriptedApi.ts"

const once = Retry.withPolicy(Retry.none)
const tag = (contacts: Contacts["Service"]) => contacts.addTags(id, ["vip"])

/** Makes a call with one attempt, and returns `"success"` or the tag of its error. The attempt timeout is 30 seconds. */
const tagOf = Effect.fnUntraced(function* (contacts: Contacts["Service"]) {
  const fiber = yield* Effect.forkChild(Effect.result(once(tag(contacts))))
  yield* TestClock.adjust("30 seconds")
  const result = yield* Fiber.join(fiber)
  return Result.isSuccess(result) ? "success" : result.failure._tag
})

const threeFailures = CircuitBreaker.layer({ failures: 3, openDuration: "20 seconds" })

describe("the circuit breaker", () => {
  it.effect.each<[string, AttemptResponse]>([
    ["500", status(500)],
    ["501", status(501)],
    ["connection reset", reset],
    ["connection refused", refused],
    ["no response", Effect.never],
    ["a body that never ends", stall]
  ])("opens after three failures in a row: %s", ([, answer]) =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([answer])
      for (let i = 0; i < 3; i++) assert.notStrictEqual(yield* tagOf(contacts), "CircuitOpen")
      assert.strictEqual(yield* tagOf(contacts), "CircuitOpen")
      assert.strictEqual(sent.length, 3)
    }).pipe(Effect.provide(CircuitBreaker.layer({ failures: 3, openDuration: "1 day" })))
  )

  it.effect("fails calls with CircuitOpen and retryAfter while it is open, and sends nothing", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([status(500)])
      yield* Effect.replicateEffect(Effect.exit(once(tag(contacts))), 3)
      yield* TestClock.adjust("5 seconds")
      const error = yield* Effect.flip(tag(contacts))
      assert.deepInclude(error, {
        _tag: "CircuitOpen",
        operation: "addTags",
        attempts: 0,
        outcome: "not-applied",
        retryStopped: "not-retryable",
        retryAfter: Duration.seconds(15)
      })
      assert.isTrue(error.isRetryable)
      assert.strictEqual(sent.length, 3)
      // The circuit belongs to the server, so other operations fail as well.
      assert.strictEqual((yield* Effect.flip(contacts.search({ name: "Jane" })))._tag, "CircuitOpen")
    }).pipe(Effect.provide(threeFailures))
  )

  it.effect("stays closed while the server returns statuses below 500", () =>
    Effect.gen(function* () {
      const tooLarge = Effect.sync(() => json(200, { padding: "x".repeat(1_000) }))
      const answers = [tooLarge, ...[400, 401, 403, 404, 408, 409, 429, 302].map((code) => status(code))]
      const { contacts, sent } = yield* scriptedContacts(answers, { maxBodySize: 1_000 })
      for (const _ of answers) assert.notStrictEqual(yield* tagOf(contacts), "CircuitOpen")
      assert.strictEqual(sent.length, answers.length)
    }).pipe(Effect.provide(CircuitBreaker.layer({ failures: 1, openDuration: "1 day" })))
  )

  it.effect("stays closed if a success or a 404 separates the failures", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([
        status(500),
        status(500),
        ok,
        status(500),
        reset,
        status(404),
        status(500),
        ok
      ])
      for (let i = 0; i < 8; i++) assert.notStrictEqual(yield* tagOf(contacts), "CircuitOpen")
      assert.strictEqual(sent.length, 8)
    }).pipe(Effect.provide(threeFailures))
  )

  it.effect("does not count interrupted calls or invalid inputs as failures", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([Effect.never, Effect.never, ok])
      for (let i = 0; i < 2; i++) {
        const fiber = yield* Effect.forkChild(tag(contacts))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
      }
      yield* Effect.flip(contacts.addTags("nobody", []))
      yield* tag(contacts)
    }).pipe(Effect.provide(CircuitBreaker.layer({ failures: 1 })))
  )

  it.effect("lets one probe at a time through when half-open, and closes when the probe succeeds", () =>
    Effect.gen(function* () {
      const answered = yield* Deferred.make<void>()
      const probe = Effect.andThen(Deferred.await(answered), ok)
      const { contacts, sent } = yield* scriptedContacts([status(500), status(500), status(500), probe, ok])
      yield* Effect.replicateEffect(Effect.exit(once(tag(contacts))), 3)
      yield* TestClock.adjust("19999 millis")
      assert.strictEqual((yield* Effect.flip(tag(contacts)))._tag, "CircuitOpen")
      yield* TestClock.adjust("1 millis")
      const probing = yield* Effect.forkChild(tag(contacts))
      yield* TestClock.adjust("1 millis")
      for (let i = 0; i < 5; i++) assert.strictEqual((yield* Effect.flip(tag(contacts)))._tag, "CircuitOpen")
      assert.strictEqual(sent.length, 4)
      yield* Deferred.succeed(answered, undefined)
      yield* Fiber.join(probing)
      yield* Effect.replicateEffect(tag(contacts), 5)
      assert.strictEqual(sent.length, 9)
    }).pipe(Effect.provide(threeFailures))
  )

  it.effect("opens again when the probe fails", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([status(500)])
      yield* Effect.replicateEffect(Effect.exit(once(tag(contacts))), 3)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* Effect.flip(once(tag(contacts))))._tag, "ServerFault")
      const error = yield* Effect.flip(tag(contacts))
      assert.deepInclude(error, { _tag: "CircuitOpen", retryAfter: Duration.seconds(20) })
      assert.strictEqual(sent.length, 4)
    }).pipe(Effect.provide(threeFailures))
  )

  it.effect("lets another call probe after the first probe is interrupted", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([status(500), status(500), status(500), Effect.never, ok])
      yield* Effect.replicateEffect(Effect.exit(once(tag(contacts))), 3)
      yield* TestClock.adjust("20 seconds")
      const probing = yield* Effect.forkChild(tag(contacts))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(probing)
      yield* tag(contacts)
    }).pipe(Effect.provide(threeFailures))
  )

  it.effect("ends the retries of a call if it opens during that call, and keeps the outcome of earlier attempts", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([status(500)])
      const error = yield* errorOf(Retry.withPolicy({ attempts: 10 })(tag(contacts)))
      assert.deepInclude(error, {
        _tag: "CircuitOpen",
        attempts: 3,
        outcome: "unknown",
        retryStopped: "not-retryable"
      })
      assert.strictEqual(sent.length, 3)
    }).pipe(Effect.provide(threeFailures))
  )

  it.effect("is off by default, and on with Layer.provide, Layer.provideMerge and Layer.merge", () =>
    Effect.gen(function* () {
      const breaker = CircuitBreaker.layer({ failures: 1, openDuration: "1 day" })
      const secondError = Effect.fnUntraced(function* (
        provide: (live: Layer.Layer<Contacts>) => Layer.Layer<Contacts>
      ) {
        const { client } = yield* scriptedContacts([status(500)])
        const live = AgentalkClient.layer({ token: Sandbox.token }).pipe(
          Layer.provide(Layer.succeed(HttpClient.HttpClient, client)),
          Layer.orDie
        )
        const twice = Effect.flatMap(Contacts, (contacts) =>
          Effect.andThen(Effect.exit(once(tag(contacts))), Effect.flip(once(tag(contacts))))
        )
        return (yield* Effect.provide(twice, provide(live)))._tag
      })
      assert.strictEqual(yield* secondError((live) => live), "ServerFault")
      assert.strictEqual(yield* secondError(Layer.provide(breaker)), "CircuitOpen")
      assert.strictEqual(yield* secondError(Layer.provideMerge(breaker)), "CircuitOpen")
      assert.strictEqual(yield* secondError(Layer.merge(breaker)), "CircuitOpen")
    })
  )

  it.effect("keeps a separate circuit for each base URL", () =>
    Effect.gen(function* () {
      const failing = yield* scriptedContacts([status(500)])
      const healthy = yield* scriptedContacts([ok], { baseUrl: "https://eu.agentalk.example" })
      assert.strictEqual(yield* tagOf(failing.contacts), "ServerFault")
      assert.strictEqual((yield* Effect.flip(tag(failing.contacts)))._tag, "CircuitOpen")
      yield* tag(healthy.contacts)
    }).pipe(Effect.provide(CircuitBreaker.layer({ failures: 1, openDuration: "1 day" })))
  )
})

it.effect.each<readonly [prefix: string | undefined, key: string]>([
  [undefined, "circuitbreaker:agentalk:"],
  ["acme:", "acme:agentalk:"]
])("with the prefix %s, a Redis that never responds delays a call by 500 ms", ([prefix, key]) => {
  const { commands, layer } = unresponsiveRedis()
  return Effect.gen(function* () {
    const { contacts } = yield* scriptedContacts([ok])
    const { millis, result } = yield* runToEnd(tag(contacts))
    assert.deepStrictEqual([millis, result._tag], [500, "Success"])
    assert.include(String(commands[0]), key)
  }).pipe(Effect.provide(CircuitBreaker.layerRedis({ prefix }).pipe(Layer.provide(layer))))
})
