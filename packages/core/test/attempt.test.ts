import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import { EncodeError, HttpClientError, InvalidUrlError, TransportError } from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { AgentalkError, Outcome } from "../src/AgentalkError.ts"
import { monotonicMillis } from "../src/internal/clock.ts"
import * as Transport from "../src/internal/wire/transport.ts"
import { callOnce, calls, contactsOver, id, json, text } from "./ScriptedApi.ts"

const unsent = new Transport.TransportFault("network", { sent: false, code: "EOWN" })
const sent = new Transport.TransportFault("network", { sent: true, code: "ECONNRESET" })

const jsonType = { "content-type": "application/json" }

const large = () => json(200, { padding: "x".repeat(2_000) })

describe("a TransportFailure", () => {
  it.effect.each<readonly [name: string, cause: unknown, outcome: Outcome, code: string | undefined]>([
    ["several faults with sent: false", { errors: [unsent, unsent] }, "not-applied", "EOWN"],
    ["several faults, one with sent: true", { errors: [sent, unsent] }, "unknown", "ECONNRESET"],
    ["several errors, the first without a code", { errors: [{}, { code: "ECONNRESET" }] }, "unknown", "ECONNRESET"],
    [
      "an empty list of errors and a cause",
      { errors: [], cause: { code: "ECONNREFUSED" } },
      "not-applied",
      "ECONNREFUSED"
    ],
    ["a failed DNS lookup", { syscall: "getaddrinfo", code: "EAI_FAIL" }, "not-applied", "EAI_FAIL"],
    ["a code with text before it", { code: "Jane ECONNREFUSED" }, "unknown", undefined],
    ["a code with text after it", { code: "ECONNREFUSED Jane" }, "unknown", undefined],
    ["a code that is a list", { code: ["ECONNREFUSED"] }, "unknown", undefined],
    ["null", null, "unknown", undefined]
  ])("has the outcome and code of %s", ([, cause, outcome, code]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(callOnce("delete", () => Effect.fail({ cause })))
      assert.deepInclude(error, { _tag: "TransportFailure", outcome })
      assert.strictEqual("code" in error ? error.code : undefined, code)
    })
  )

  it.effect("has the outcome not-applied if the request could not be built", () =>
    Effect.gen(function* () {
      for (const Reason of [InvalidUrlError, EncodeError]) {
        const client = HttpClient.make((request) =>
          Effect.fail(new HttpClientError({ reason: new Reason({ request }) }))
        )
        const error = yield* Effect.flip(Effect.flatMap(contactsOver(client), calls.delete))
        assert.deepInclude(error, { _tag: "TransportFailure", outcome: "not-applied" })
      }
    })
  )
})

/** A response with the body `{}` and this `Content-Length`. */
const declared = (length: string) => () => text(200, "{}", { ...jsonType, "content-length": length })

describe("a body", () => {
  it.effect("is assembled from its chunks", () =>
    Effect.gen(function* () {
      const chunks = ['{"i', 'd":"', id, '"}'].map((part) => new TextEncoder().encode(part))
      const answer = () => new Response(Stream.toReadableStream(Stream.fromIterable(chunks)), { headers: jsonType })
      assert.nestedPropertyVal(yield* callOnce("upsert", answer), "contact.id", id)
    })
  )

  it.effect("with a Content-Length above maxBodySize is rejected, even if the body is short", () =>
    Effect.gen(function* () {
      yield* callOnce("delete", declared("1000"), { maxBodySize: 1_000 })
      const error = yield* Effect.flip(callOnce("delete", declared("1001"), { maxBodySize: 1_000 }))
      assert.include(error.message, "larger than allowed")
    })
  )
})

/** What a transport returns when its own timer fires. */
const timedOut = (request: HttpClientRequest, { head, isSent }: Transport.RequestState) => {
  const fault = new Transport.TransportFault("timeout", { sent: isSent })
  if (head === undefined) {
    return Effect.fail(new HttpClientError({ reason: new TransportError({ request, cause: fault }) }))
  }
  const body = Stream.toReadableStream(Stream.fail(fault))
  return Effect.succeed(HttpClientResponse.fromWeb(request, new Response(body, { headers: head.headers })))
}

describe("the limits of an attempt", () => {
  it.live("are enforced by a client that owns its attempts", () =>
    Effect.gen(function* () {
      let deadline = 0
      let init: RequestInit | undefined
      const client = Transport.markAttemptAware(
        HttpClient.make((request, _url, _signal, fiber) => {
          deadline = fiber.getRef(Transport.CurrentAttempt)?.deadline ?? 0
          init = Context.getOrUndefined(fiber.context, FetchHttpClient.RequestInit)
          return Effect.succeed(HttpClientResponse.fromWeb(request, large()))
        })
      )
      const contacts = yield* contactsOver(client, { maxBodySize: 1_000, attemptTimeout: "5 seconds" })
      const clock = yield* Clock.Clock
      const before = monotonicMillis(clock)
      yield* contacts.delete(id)
      assert.isAtLeast(deadline - 5_000, before)
      assert.isAtMost(deadline - 5_000, monotonicMillis(clock))
      assert.isUndefined(init)
    })
  )

  describe("of a transport behind middleware", () => {
    const head: Transport.ResponseHead = {
      status: 200,
      headers: Headers.fromInput({ "content-type": "application/json" })
    }
    const states: ReadonlyArray<readonly [string, Transport.RequestState, AgentalkError["outcome"]]> = [
      ["is queued", { isSent: false, head: undefined }, "not-applied"],
      ["is sent", { isSent: true, head: undefined }, "unknown"],
      ["has received a head", { isSent: true, head }, "applied"]
    ]

    const upsertOver = Effect.fnUntraced(function* (
      onTimeout: (request: HttpClientRequest) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError>,
      ...reported: ReadonlyArray<Transport.RequestState>
    ) {
      const client = HttpClient.make((request, _url, _signal, fiber) => {
        const attempt = fiber.getRef(Transport.CurrentAttempt)
        for (const state of reported) attempt?.onDispatch(state)
        return onTimeout(request)
      })
      const contacts = yield* contactsOver(client, { attemptTimeout: "1 second" })
      const fiber = yield* Effect.forkChild(Effect.flip(contacts.upsert({ phone: "+15551234567" })))
      yield* TestClock.adjust("1 second")
      const { _tag, outcome } = yield* Fiber.join(fiber)
      return [_tag, outcome]
    })

    it.effect.each(states)("a request that %s has the same outcome whichever timer fires first", ([, state, outcome]) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* upsertOver(() => Effect.never, state), ["Timeout", outcome])
        assert.deepStrictEqual(yield* upsertOver((request) => timedOut(request, state), state), ["Timeout", outcome])
      })
    )

    it.effect("an earlier request that was sent counts, even if the last one was not", () =>
      Effect.gen(function* () {
        const sent = { isSent: true, head: undefined }
        const queued = { isSent: false, head: undefined }
        assert.deepStrictEqual(yield* upsertOver(() => Effect.never, sent, queued), ["Timeout", "unknown"])
        assert.deepStrictEqual(yield* upsertOver((request) => timedOut(request, queued), sent, queued), [
          "Timeout",
          "unknown"
        ])
      })
    )
  })

  it.live("are enforced by the SDK for any other client", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(callOnce("delete", large, { maxBodySize: 1_000 }))
      assert.include(error.message, "larger than allowed")
    })
  )
})
