import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import { EncodeError, HttpClientError, InvalidUrlError } from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import type { Outcome } from "../src/AgentalkError.ts"
import * as Transport from "../src/Transport.ts"
import { ask, calls, contactsOver, id, json, text } from "./ScriptedApi.ts"

const unsent = new Transport.Fault("network", { sent: false, code: "EOWN" })
const sent = new Transport.Fault("network", { sent: true, code: "ECONNRESET" })

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
      const error = yield* Effect.flip(ask("delete", () => Effect.fail({ cause })))
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
      assert.nestedPropertyVal(yield* ask("upsert", answer), "contact.id", id)
    })
  )

  it.effect("with a Content-Length above maxBodySize is rejected, even if the body is short", () =>
    Effect.gen(function* () {
      yield* ask("delete", declared("1000"), { maxBodySize: 1_000 })
      const error = yield* Effect.flip(ask("delete", declared("1001"), { maxBodySize: 1_000 }))
      assert.include(error.message, "larger than allowed")
    })
  )
})

describe("the limits of an attempt", () => {
  it.live("are enforced by a client that owns its attempts", () =>
    Effect.gen(function* () {
      let deadline = 0
      let init: RequestInit | undefined
      const client = Transport.ownsAttempt(
        HttpClient.make((request, _url, _signal, fiber) => {
          deadline = fiber.getRef(Transport.CurrentAttempt)?.deadline ?? 0
          init = Context.getOrUndefined(fiber.context, FetchHttpClient.RequestInit)
          return Effect.succeed(HttpClientResponse.fromWeb(request, large()))
        })
      )
      const contacts = yield* contactsOver(client, { maxBodySize: 1_000, attemptTimeout: "5 seconds" })
      const clock = yield* Clock.Clock
      const before = Transport.now(clock)
      yield* contacts.delete(id)
      assert.isAtLeast(deadline - 5_000, before)
      assert.isAtMost(deadline - 5_000, Transport.now(clock))
      assert.isUndefined(init)
    })
  )

  it.live("are enforced first by a client behind middleware, so that its error can include the response status", () =>
    Effect.gen(function* () {
      const client = HttpClient.make((request, _url, _signal, fiber) => {
        const { deadline = 0 } = fiber.getRef(Transport.CurrentAttempt) ?? {}
        const timeout = Stream.fail(new Transport.Fault("timeout", { sent: true }))
        const headOnly = new Response(Stream.toReadableStream(timeout), {
          headers: { "content-type": "application/json" }
        })
        return Effect.clockWith((clock) =>
          // A timer may fire a fraction of a millisecond early, so the delay is rounded up.
          Effect.delay(
            Effect.sync(() => HttpClientResponse.fromWeb(request, headOnly)),
            Math.ceil(deadline - Transport.now(clock)) + 1
          )
        )
      })
      const contacts = yield* contactsOver(client, { attemptTimeout: "100 millis" })
      const error = yield* Effect.flip(contacts.upsert({ phone: "+15551234567" }))
      assert.deepStrictEqual([error._tag, error.outcome], ["Timeout", "applied"])
    })
  )

  it.live("are enforced by the SDK for any other client", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ask("delete", large, { maxBodySize: 1_000 }))
      assert.include(error.message, "larger than allowed")
    })
  )
})
