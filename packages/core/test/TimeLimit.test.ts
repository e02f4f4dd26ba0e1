import { assert, describe, it } from "@effect/vitest"
import type { ConfigError } from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import type { AgentalkError, Outcome } from "../src/AgentalkError.ts"
import { Contacts } from "../src/Contacts.ts"
import * as Retry from "../src/Retry.ts"
import * as Sandbox from "../src/Sandbox.ts"
import * as TimeLimit from "../src/TimeLimit.ts"
import { operationNames } from "../src/internal/operation.ts"
import { outcomeFor } from "./OperationTable.ts"
import { type Answer, calls, contactsOver, id, json, make } from "./ScriptedApi.ts"

/** A response whose body starts and never ends. */
const endless = (type: string | undefined): Response =>
  new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{"id":')) }), {
    status: 200,
    headers: type === undefined ? {} : { "content-type": type }
  })

const layerOver = (answer: () => Answer, options: Partial<AgentalkClient.Options> = {}) =>
  AgentalkClient.layer({ token: Sandbox.token, retry: Retry.none, ...options }).pipe(
    Layer.provide(Layer.succeed(HttpClient.HttpClient, make(answer).client))
  )

/** A layer over an API that never responds. */
const silent = (options?: Partial<AgentalkClient.Options>) => layerOver(() => Effect.never, options)
const remove = Effect.flatMap(Contacts, (contacts) => contacts.delete(id))
const limit = (attempt: Duration.Input) => TimeLimit.layer({ attempt })

/** Deletes a contact, with a limit for this call alone. */
const removeWithin = (attempt: Duration.Input) =>
  Effect.flatMap(Contacts, (contacts) => Effect.provide(contacts.delete(id), limit(attempt)))

/** Asserts that an effect fails with `Timeout` at exactly this time. Returns the error. */
const assertTimesOutAfter = Effect.fnUntraced(function* <A>(
  effect: Effect.Effect<A, AgentalkError | ConfigError>,
  after: Duration.Input
) {
  const fiber = yield* Effect.forkChild(Effect.flip(effect))
  yield* TestClock.adjust(Duration.subtract(Duration.fromInputUnsafe(after), Duration.millis(1)))
  assert.isUndefined(fiber.pollUnsafe())
  yield* TestClock.adjust(Duration.millis(1))
  assert.isDefined(fiber.pollUnsafe())
  const error = yield* Fiber.join(fiber)
  assert(error._tag === "Timeout")
  assert.strictEqual(error.limit, "attempt")
  assert.include(error.message, Duration.format(Duration.fromInputUnsafe(after)))
  return error
})

describe("an attempt times out", () => {
  it.effect.each<
    readonly [name: string, effect: Effect.Effect<void, AgentalkError | ConfigError>, after: Duration.Input]
  >([
    ["after 30 seconds by default", remove.pipe(Effect.provide(silent())), "30 seconds"],
    ["after the client option", remove.pipe(Effect.provide(silent({ attemptTimeout: "2 seconds" }))), "2 seconds"],
    [
      "after a limit from Layer.provide",
      remove.pipe(Effect.provide(Layer.provide(silent(), limit("3 seconds")))),
      "3 seconds"
    ],
    [
      "after a limit from Layer.provideMerge",
      remove.pipe(Effect.provide(Layer.provideMerge(silent(), limit("4 seconds")))),
      "4 seconds"
    ],
    ["after a limit from Effect.provide", removeWithin("5 seconds").pipe(Effect.provide(silent())), "5 seconds"],
    [
      "after a limit from withLimits in a pipe",
      remove.pipe(TimeLimit.withLimits({ attempt: "6 seconds" }), Effect.provide(silent())),
      "6 seconds"
    ],
    [
      "after a limit from withLimits with the call as its argument",
      TimeLimit.withLimits(remove.pipe(Effect.provide(silent())), { attempt: "6 seconds" }),
      "6 seconds"
    ],
    [
      "after the limit of the call, which takes precedence over the client option",
      removeWithin("7 seconds").pipe(Effect.provide(silent({ attemptTimeout: "2 seconds" }))),
      "7 seconds"
    ],
    [
      "after the client option, which takes precedence over the layer",
      remove.pipe(Effect.provide(Layer.provide(silent({ attemptTimeout: "8 seconds" }), limit("2 seconds")))),
      "8 seconds"
    ],
    [
      "after the default if the limit of the call is empty",
      remove.pipe(TimeLimit.withLimits({}), Effect.provide(silent())),
      "30 seconds"
    ],
    [
      "after the client option if the limit of the call is empty",
      remove.pipe(TimeLimit.withLimits({}), Effect.provide(silent({ attemptTimeout: "9 seconds" }))),
      "9 seconds"
    ],
    [
      "after the layer's limit if the limit of the call is empty",
      remove.pipe(TimeLimit.withLimits({}), Effect.provide(Layer.provide(silent(), limit("10 seconds")))),
      "10 seconds"
    ],
    ["after a limit in milliseconds", remove.pipe(Effect.provide(silent({ attemptTimeout: 1_500 }))), 1_500]
  ])("%s", ([, effect, after]) => assertTimesOutAfter(effect, after))

  it.effect("after its own limit if another call has a shorter one", () =>
    Effect.gen(function* () {
      const contacts = yield* Contacts
      const short = yield* Effect.forkChild(
        Effect.flip(contacts.delete(id)).pipe(TimeLimit.withLimits({ attempt: "1 second" }))
      )
      const long = yield* Effect.forkChild(Effect.flip(contacts.delete(id)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(short))._tag, "Timeout")
      assert.isUndefined(long.pollUnsafe())
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual((yield* Fiber.join(long))._tag, "Timeout")
    }).pipe(Effect.provide(silent()))
  )
})

describe("a timeout", () => {
  it.effect.each<readonly [name: string, answer: () => Answer, outcome: Outcome, status: number | undefined]>([
    ["without a response", () => Effect.never, "unknown", undefined],
    ["in a JSON body", () => endless("application/json"), "applied", 200],
    ["in an HTML body", () => endless("text/html"), "unknown", 200],
    ["in a body without a content type", () => endless(undefined), "unknown", 200]
  ])("has the outcome of the stage that it interrupts: %s", ([, answer, outcome, status]) =>
    Effect.gen(function* () {
      for (const operation of operationNames) {
        const contacts = yield* contactsOver(make(answer).client)
        const error = yield* assertTimesOutAfter(calls[operation](contacts), "30 seconds")
        assert.strictEqual(error.operation, operation)
        assert.strictEqual(error.outcome, outcomeFor(operation, outcome))
        assert.strictEqual(error.status, status)
        assert.isTrue(error.isRetryable)
      }
    })
  )

  it.effect("in the body of a 400 fails with the error of the status", () =>
    Effect.gen(function* () {
      const { client } = make(() => new Response(endless("application/json").body, { status: 400 }))
      const contacts = yield* contactsOver(client)
      const fiber = yield* Effect.forkChild(Effect.flip(contacts.delete(id)))
      yield* TestClock.adjust("30 seconds")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "Validation", status: 400, outcome: "not-applied" })
    })
  )

  it.effect("interrupts the request", () =>
    Effect.gen(function* () {
      let isInterrupted = false
      const hang = Effect.onInterrupt(Effect.never, () => Effect.sync(() => (isInterrupted = true)))
      const contacts = yield* contactsOver(make(() => hang).client)
      yield* assertTimesOutAfter(contacts.delete(id), "30 seconds")
      assert.isTrue(isInterrupted)
    })
  )

  it.effect("does not affect a response that arrives in time", () =>
    Effect.gen(function* () {
      const { client } = make(() => Effect.delay(Effect.succeed(json(200, { id: "1" })), "29 seconds"))
      const contacts = yield* contactsOver(client)
      const fiber = yield* Effect.forkChild(contacts.upsert({ phone: "+15551234567" }))
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).contact.id, "1")
    })
  )
})
