import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, TransportError } from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import type { Outcome } from "../src/AgentalkError.ts"
import { Contacts } from "../src/Contacts.ts"
import * as Sandbox from "../src/Sandbox.ts"
import { usesDefaultClock } from "../src/internal/clock.ts"
import * as Transport from "../src/internal/wire/transport.ts"
import { operationNames } from "../src/internal/operation.ts"
import { outcomeFor } from "./OperationTable.ts"
import { acceptedBody, callOnce, calls, contactsOver, id, json, make, text } from "./ScriptedApi.ts"

const padded = (length: number) => `{"id":"1"}${" ".repeat(length - 10)}`

const jsonType = { "content-type": "application/json" }

describe("a response body", () => {
  it.effect("may have at most 10 MiB by default", () =>
    Effect.gen(function* () {
      yield* callOnce("upsert", () => text(200, padded(10_485_760), jsonType))
      const error = yield* Effect.flip(callOnce("upsert", () => text(200, padded(10_485_761), jsonType)))
      assert.deepInclude(error, { _tag: "UnexpectedResponse", outcome: "applied" })
      assert.include(error.message, "larger than allowed")
    })
  )

  it.effect.each<readonly [name: string, type: string, outcome: Outcome]>([
    ["JSON", "application/json", "applied"],
    ["HTML", "text/html", "unknown"]
  ])("of %s is cancelled once it exceeds maxBodySize", ([, type, outcome]) =>
    Effect.gen(function* () {
      for (const operation of operationNames) {
        let pulled = 0
        let isCancelled = false
        const chunks = new ReadableStream(
          {
            pull: (controller) => {
              pulled++
              controller.enqueue(new Uint8Array(100))
            },
            cancel: () => {
              isCancelled = true
            }
          },
          { highWaterMark: 0 }
        )
        const answer = () => new Response(chunks, { status: 200, headers: { "content-type": type } })
        const error = yield* Effect.flip(callOnce(operation, answer, { maxBodySize: "1 KiB" }))
        assert.strictEqual(error._tag, "UnexpectedResponse")
        assert.strictEqual(error.outcome, outcomeFor(operation, outcome))
        assert.isAtMost(pulled, 12)
        assert.isTrue(isCancelled)
      }
    })
  )

  it.effect("with a Content-Length above maxBodySize is cancelled without being read", () =>
    Effect.gen(function* () {
      let isCancelled = false
      const chunks = new ReadableStream(
        {
          pull: (controller) => controller.enqueue(new Uint8Array(1)),
          cancel: () => {
            isCancelled = true
          }
        },
        { highWaterMark: 0 }
      )
      const headers = { ...jsonType, "content-length": "2000" }
      const error = yield* Effect.flip(
        callOnce("delete", () => new Response(chunks, { status: 200, headers }), { maxBodySize: 1_000 })
      )
      assert.deepInclude(error, { _tag: "UnexpectedResponse", outcome: "applied" })
      assert.isTrue(isCancelled)
    })
  )

  it.effect("above maxBodySize does not change the error of a 4xx or 5xx status", () =>
    Effect.gen(function* () {
      for (const status of [400, 401, 404, 500]) {
        const large = () => text(status, "x".repeat(2_000), { "content-type": "text/plain" })
        const error = yield* Effect.flip(callOnce("delete", large, { maxBodySize: 1_000 }))
        assert.strictEqual("status" in error && error.status, status)
        assert.isUndefined("body" in error ? error.body : undefined)
      }
    })
  )

  it.effect("cut in the middle of a character fails with UnexpectedResponse", () =>
    Effect.gen(function* () {
      const bytes = new TextEncoder().encode('{"id":"é"}').slice(0, 8)
      const error = yield* Effect.flip(callOnce("upsert", () => new Response(bytes, { headers: jsonType })))
      assert.deepInclude(error, { _tag: "UnexpectedResponse", outcome: "applied" })
    })
  )

  it.effect("that breaks off fails with UnexpectedResponse", () =>
    Effect.gen(function* () {
      const breaksOff = new ReadableStream({ pull: (controller) => controller.error(new Error("ECONNRESET")) })
      const error = yield* Effect.flip(callOnce("delete", () => new Response(breaksOff, { headers: jsonType })))
      assert.deepInclude(error, { _tag: "UnexpectedResponse", outcome: "applied" })
      assert.include(error.message, "cut short")
    })
  )
})

/** `Contacts` over Effect's `FetchHttpClient`, with this `fetch`. */
const over = (fetch: (url: URL, init: RequestInit) => Response, init: RequestInit = {}) =>
  AgentalkClient.layer({ token: Sandbox.token }).pipe(
    Layer.provide(FetchHttpClient.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        // The real `fetch` returns a promise.
        Layer.succeed(FetchHttpClient.Fetch, ((url: URL, init: RequestInit) =>
          Promise.resolve(fetch(url, init))) as unknown as typeof globalThis.fetch),
        Layer.succeed(FetchHttpClient.RequestInit, init)
      )
    )
  )

describe("fetch", () => {
  it.effect("is called with redirect: manual and the other options of RequestInit", () => {
    const inits: Array<RequestInit> = []
    const layer = over(
      (_, init) => {
        inits.push(init)
        return new Response(null, { status: 302, headers: { location: "https://evil.example" } })
      },
      { redirect: "follow", credentials: "omit" }
    )
    return Effect.gen(function* () {
      const contacts = yield* Contacts
      for (const operation of operationNames) {
        const error = yield* Effect.flip(calls[operation](contacts))
        assert.strictEqual(error._tag, "UnexpectedResponse")
        assert.strictEqual(error.outcome, outcomeFor(operation, "unknown"))
      }
      assert.lengthOf(inits, operationNames.length)
      for (const { credentials, redirect } of inits) assert.deepEqual([redirect, credentials], ["manual", "omit"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("is called with an abort signal", () => {
    const inits: Array<RequestInit> = []
    const layer = over((_, init) => {
      inits.push(init)
      return new Response("{}", { headers: jsonType })
    })
    return Effect.gen(function* () {
      yield* (yield* Contacts).delete(id)
      assert.instanceOf(inits[0]?.signal, AbortSignal)
    }).pipe(Effect.provide(layer))
  })
})

describe("an HTTP client of Effect", () => {
  it.effect("creates no span of its own, and sends no trace headers", () =>
    Effect.gen(function* () {
      const names: Array<string> = []
      const tracer = Tracer.make({
        span: (options) => {
          names.push(options.name)
          return new Tracer.NativeSpan(options)
        }
      })
      const { client, sent } = make(() => json(200, acceptedBody))
      const contacts = yield* contactsOver(client)
      yield* Effect.forEach(operationNames, (operation) => calls[operation](contacts)).pipe(
        Effect.withSpan("caller"),
        Effect.provideService(Tracer.Tracer, tracer)
      )
      assert.notInclude(names.join(), "http")
      assert.include(names, "caller")
      for (const { headers } of sent) {
        for (const name of ["traceparent", "b3", "tracestate"]) assert.notProperty(headers, name)
      }
    })
  )
})

describe("an HTTP client of this SDK", () => {
  it("is recognized as the owner of its attempts, unless middleware wraps it", () => {
    const { client } = make(() => json(200, {}))
    assert.isFalse(Transport.isAttemptAware(client))
    assert.strictEqual(Transport.markAttemptAware(client), client)
    assert.isTrue(Transport.isAttemptAware(client))
    assert.isFalse(Transport.isAttemptAware(HttpClient.filterStatusOk(client)))
  })

  it.live("receives the limits of the attempt, and its faults become typed errors", () =>
    Effect.gen(function* () {
      const attempts: Array<Transport.Attempt | undefined> = []
      const faults = [
        new Transport.TransportFault("timeout", { sent: true }),
        new Transport.TransportFault("timeout", { sent: false }),
        new Transport.TransportFault("network", { sent: true, code: "ECONNRESET" }),
        new Transport.TransportFault("network", { sent: false, code: "ECONNREFUSED" })
      ]
      const client = Transport.markAttemptAware(
        HttpClient.make((request, _url, _signal, fiber) => {
          attempts.push(fiber.getRef(Transport.CurrentAttempt))
          const cause = faults[attempts.length - 1]
          return cause === undefined
            ? Effect.succeed(HttpClientResponse.fromWeb(request, json(200, {})))
            : Effect.fail(new HttpClientError({ reason: new TransportError({ request, cause }) }))
        })
      )
      const contacts = yield* contactsOver(client, { maxBodySize: 1_000, attemptTimeout: "5 seconds" })
      const errors = yield* Effect.forEach(faults, () => Effect.flip(contacts.delete(id)))
      yield* contacts.delete(id)
      assert.deepStrictEqual(
        errors.map((error) => [error._tag, error.outcome]),
        [
          ["Timeout", "unknown"],
          ["Timeout", "not-applied"],
          ["TransportFailure", "unknown"],
          ["TransportFailure", "not-applied"]
        ]
      )
      const millisLeft = attempts.map((attempt) => attempt!.deadline - performance.now())
      for (const attempt of attempts) assert.strictEqual(attempt?.maxBodyBytes, 1_000)
      for (const millis of millisLeft) assert.isTrue(Number.isFinite(millis))
    })
  )
})

it.effect("usesDefaultClock is false in a fiber with another clock", () =>
  Effect.withFiber((fiber) =>
    Effect.sync(() => {
      assert.isFalse(usesDefaultClock(fiber))
      assert.isTrue(Effect.runSync(Effect.withFiber((other) => Effect.succeed(usesDefaultClock(other)))))
    })
  )
)
