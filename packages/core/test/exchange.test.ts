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

describe("what a broken connection says", () => {
  it.effect.each<readonly [name: string, cause: unknown, outcome: Outcome, code: string | undefined]>([
    ["several faults, none of them sent", { errors: [unsent, unsent] }, "not-applied", "EOWN"],
    ["several faults, one of them sent", { errors: [sent, unsent] }, "unknown", "ECONNRESET"],
    ["several errors, the first without a code", { errors: [{}, { code: "ECONNRESET" }] }, "unknown", "ECONNRESET"],
    ["no errors, but a cause", { errors: [], cause: { code: "ECONNREFUSED" } }, "not-applied", "ECONNREFUSED"],
    ["a name that cannot be looked up", { syscall: "getaddrinfo", code: "EAI_FAIL" }, "not-applied", "EAI_FAIL"],
    ["words before a code", { code: "Jane ECONNREFUSED" }, "unknown", undefined],
    ["words after a code", { code: "ECONNREFUSED Jane" }, "unknown", undefined],
    ["a list for a code", { code: ["ECONNREFUSED"] }, "unknown", undefined],
    ["nothing", null, "unknown", undefined]
  ])("is told of %s", ([, cause, outcome, code]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ask("delete", () => Effect.fail({ cause })))
      assert.deepInclude(error, { _tag: "TransportFailure", outcome })
      assert.strictEqual("code" in error ? error.code : undefined, code)
    })
  )

  it.effect("is that nothing was sent where no request could be built", () =>
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

/** An empty object, declared to be so long. */
const declared = (length: string) => () => text(200, "{}", { ...jsonType, "content-length": length })

describe("a body", () => {
  it.effect("is put together from its chunks", () =>
    Effect.gen(function* () {
      const chunks = ['{"i', 'd":"', id, '"}'].map((part) => new TextEncoder().encode(part))
      const answer = () => new Response(Stream.toReadableStream(Stream.fromIterable(chunks)), { headers: jsonType })
      assert.nestedPropertyVal(yield* ask("upsert", answer), "contact.id", id)
    })
  )

  it.effect("that is declared larger than allowed is refused, however much comes", () =>
    Effect.gen(function* () {
      yield* ask("delete", declared("1000"), { maxBodySize: 1_000 })
      const error = yield* Effect.flip(ask("delete", declared("1001"), { maxBodySize: 1_000 }))
      assert.include(error.message, "larger than allowed")
    })
  )
})

describe("the limits of an attempt", () => {
  it.live("are left to a client that enforces them", () =>
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

  it.live("are left to one behind a middleware, which may know of a head", () =>
    Effect.gen(function* () {
      const client = HttpClient.make((request, _url, _signal, fiber) => {
        const { deadline = 0 } = fiber.getRef(Transport.CurrentAttempt) ?? {}
        const timeout = Stream.fail(new Transport.Fault("timeout", { sent: true }))
        const half = new Response(Stream.toReadableStream(timeout), { headers: { "content-type": "application/json" } })
        return Effect.clockWith((clock) =>
          // A timer may be early by a part of a millisecond, and is set anew.
          Effect.delay(
            Effect.sync(() => HttpClientResponse.fromWeb(request, half)),
            Math.ceil(deadline - Transport.now(clock)) + 1
          )
        )
      })
      const contacts = yield* contactsOver(client, { attemptTimeout: "100 millis" })
      const error = yield* Effect.flip(contacts.upsert({ phone: "+15551234567" }))
      assert.deepStrictEqual([error._tag, error.outcome], ["Timeout", "applied"])
    })
  )

  it.live("are kept for any other", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ask("delete", large, { maxBodySize: 1_000 }))
      assert.include(error.message, "larger than allowed")
    })
  )
})
