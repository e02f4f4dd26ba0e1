import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { type AgentalkError, CircuitOpen, isAgentalkError, type Outcome } from "../src/AgentalkError.ts"
import type { Operation } from "../src/Operations.ts"
import { operationNames } from "../src/internal/operation.ts"
import { isReadOnly, namesContact, outcomeFor, returnsContacts } from "./OperationTable.ts"
import { type Answer, callOnce, json, text } from "./ScriptedApi.ts"

const onOneContact = operationNames.filter(namesContact)
const others = operationNames.filter((operation) => !namesContact(operation))

/** The error of an operation whose request receives this answer. */
const fail = (operation: Operation, answer: () => Answer) => Effect.flip(callOnce(operation, answer))

/** Reads a property that only some errors have. */
const get = (error: AgentalkError, key: string): unknown => Reflect.get(error, key)

describe("a status", () => {
  type Row = readonly [
    status: number,
    tag: AgentalkError["_tag"],
    outcome: Outcome,
    isRetryable: boolean,
    operations?: ReadonlyArray<Operation>
  ]
  const statuses: ReadonlyArray<Row> = [
    [400, "Validation", "not-applied", false],
    [401, "Unauthorized", "not-applied", false],
    [402, "UnexpectedResponse", "not-applied", false],
    [403, "Forbidden", "not-applied", false],
    [404, "NotFound", "not-applied", false, onOneContact],
    [404, "UnexpectedResponse", "not-applied", false, others],
    [405, "UnexpectedResponse", "not-applied", false],
    [407, "UnexpectedResponse", "not-applied", false],
    [408, "Timeout", "unknown", true],
    [409, "Validation", "not-applied", false],
    [410, "NotFound", "not-applied", false, onOneContact],
    [410, "UnexpectedResponse", "not-applied", false, others],
    [413, "Validation", "not-applied", false],
    [415, "Validation", "not-applied", false],
    [418, "UnexpectedResponse", "not-applied", false],
    [422, "Validation", "not-applied", false],
    [429, "RateLimited", "not-applied", true],
    [499, "UnexpectedResponse", "not-applied", false],
    [500, "ServerFault", "unknown", true],
    [501, "ServerFault", "unknown", false],
    [502, "ServerFault", "unknown", true],
    [503, "ServerFault", "unknown", true],
    [504, "ServerFault", "unknown", true],
    [520, "ServerFault", "unknown", false],
    [599, "ServerFault", "unknown", false],
    [300, "UnexpectedResponse", "unknown", false],
    [301, "UnexpectedResponse", "unknown", false],
    [302, "UnexpectedResponse", "unknown", false],
    [304, "UnexpectedResponse", "unknown", false],
    [307, "UnexpectedResponse", "unknown", false],
    [308, "UnexpectedResponse", "unknown", false]
  ]

  it.effect.each(statuses)("%d fails with %s", ([status, tag, outcome, isRetryable, only = operationNames]) =>
    Effect.gen(function* () {
      for (const operation of only) {
        const headers = { "content-type": "application/json", "x-request-id": "req_1", location: "/elsewhere" }
        const error = yield* fail(operation, () => text(status, status === 304 ? null : "{}", headers))
        assert.strictEqual(error._tag, tag)
        assert.strictEqual(error.operation, operation)
        assert.strictEqual(error.outcome, outcomeFor(operation, outcome))
        assert.strictEqual(error.isRetryable, isRetryable)
        assert.strictEqual(get(error, "status"), status)
        assert.strictEqual(get(error, "requestId"), "req_1")
        assert.include(error.message, `Contacts.${operation}: `)
        assert.include(error.message, `(${status})`)
        assert.strictEqual(error.message.includes("may have taken effect"), error.outcome === "unknown")
        assert.isTrue(isAgentalkError(error))
      }
    })
  )

  it.effect("404 for an operation that names no contact mentions the base URL in the message", () =>
    Effect.gen(function* () {
      for (const operation of others) assert.include((yield* fail(operation, () => json(404, {}))).message, "base URL")
    })
  )

  it.effect("400 sets the source server, and 408 sets the limit server", () =>
    Effect.gen(function* () {
      assert.strictEqual(get(yield* fail("upsert", () => json(400, {})), "source"), "server")
      assert.strictEqual(get(yield* fail("upsert", () => json(408, {})), "limit"), "server")
    })
  )

  it.effect("produces an error with the redacted body, cut at 64 KiB", () =>
    Effect.gen(function* () {
      for (const status of [400, 401, 403, 404, 408, 429, 500, 302]) {
        const body = get(yield* fail("delete", () => text(status, "x".repeat(100_000))), "body")
        assert.isTrue(Redacted.isRedacted(body))
        assert.strictEqual(Redacted.value(body as Redacted.Redacted), "x".repeat(65_536))
        assert.isUndefined(get(yield* fail("delete", () => text(status, "")), "body"))
      }
    })
  )
})

describe("the request id", () => {
  it.effect.each<readonly [headers: Record<string, string>, id: string | undefined]>([
    [{ "x-request-id": "abc-1.2:3+4/5=_" }, "abc-1.2:3+4/5=_"],
    [{ "X-Request-Id": "a" }, "a"],
    [{ "request-id": "b" }, "b"],
    [{ "x-correlation-id": "c" }, "c"],
    [{ "x-request-id": "a", "request-id": "b" }, "a"],
    [{ "x-request-id": "jane@example.com" }, undefined],
    [{ "x-request-id": "not an id" }, undefined],
    [{ "x-request-id": "a".repeat(129) }, undefined],
    [{}, undefined]
  ])("of %j is %s", ([headers, id]) =>
    Effect.gen(function* () {
      assert.strictEqual(get(yield* fail("delete", () => json(500, {}, headers)), "requestId"), id)
    })
  )
})

describe("Retry-After", () => {
  const noon = Date.UTC(2030, 0, 1, 12)

  it.effect.each<readonly [headers: Record<string, string>, millis: number | undefined]>([
    [{ "retry-after": "5" }, 5_000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "86400" }, 86_400_000],
    [{ "retry-after": "Tue, 01 Jan 2030 12:00:30 GMT" }, 30_000],
    [{ "retry-after": "Tue, 01 Jan 2030 11:59:00 GMT" }, 0],
    [{ "retry-after-ms": "250" }, 250],
    [{ "retry-after-ms": "1.5" }, 1.5],
    [{ "retry-after-ms": "250", "retry-after": "5" }, 250],
    [{ "retry-after-ms": "1.25" }, 1.25],
    [{ "retry-after-ms": "soon", "retry-after": "5" }, 5_000],
    [{ "retry-after-ms": "in 250", "retry-after": "5" }, 5_000],
    [{ "retry-after-ms": "250 ms", "retry-after": "5" }, 5_000],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-5" }, undefined],
    [{}, undefined]
  ])("%j", ([headers, millis]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon)
      for (const status of [429, 500, 503]) {
        const retryAfter = get(yield* fail("delete", () => json(status, {}, headers)), "retryAfter")
        const actual = retryAfter === undefined ? undefined : Duration.toMillis(retryAfter as Duration.Duration)
        assert.strictEqual(actual, millis)
      }
    })
  )
})

describe("a success", () => {
  const jsonType = { "content-type": "application/json; charset=utf-8" }
  const withoutContact: ReadonlyArray<readonly [name: string, answer: () => Response]> = [
    ["success: true", () => json(200, { success: true })],
    ["a message", () => json(200, { message: "Contact deleted" })],
    ["{}", () => json(200, {})],
    ["null", () => json(200, null)],
    ["an empty 200", () => text(200, "")],
    ["an empty 200 with a JSON content type", () => text(200, "", jsonType)],
    ["an empty 200 with an HTML content type", () => text(200, "\n", { "content-type": "text/html" })],
    ["an empty 202", () => text(202, null)],
    ["a 202", () => json(202, { status: "queued" })],
    ["a 204", () => text(204, null)],
    ["a 205", () => text(205, null)]
  ]

  it.effect.each(withoutContact)("of %s is a success for every write to one contact", ([, answer]) =>
    Effect.gen(function* () {
      const writes = onOneContact.filter((operation) => !isReadOnly(operation))
      for (const operation of writes) yield* callOnce(operation, answer)
    })
  )

  it.effect.each(withoutContact)("of %s fails upsert with UnexpectedResponse, because it has no id", ([, answer]) =>
    Effect.gen(function* () {
      const error = yield* fail("upsert", answer)
      assert.strictEqual(error._tag, "UnexpectedResponse")
      assert.strictEqual(error.outcome, "applied")
      assert.include(error.message, "Find the contact with search({ phone })")
    })
  )

  it.effect.each<readonly [name: string, outcome: Outcome, answer: () => Response]>([
    ["truncated JSON", "applied", () => text(200, '{"contact": {"id": "1', jsonType)],
    ["a JSON string", "applied", () => json(200, "ok")],
    ["a JSON list", "applied", () => json(200, [])],
    ["a JSON number", "applied", () => json(201, 1)],
    ["truncated problem JSON", "applied", () => text(200, "{", { "content-type": "application/problem+json" })],
    ["HTML", "unknown", () => text(200, "<html>Log in</html>", { "content-type": "text/html" })],
    [
      "HTML with application/json as a parameter",
      "unknown",
      () => text(200, "OK", { "content-type": "text/html;x=application/json" })
    ],
    ["several JSON texts", "unknown", () => text(200, "{}\n{}", { "content-type": "application/json-seq" })],
    ["plain text", "unknown", () => text(200, "OK", { "content-type": "text/plain" })],
    ["JSON with a text content type", "unknown", () => json(200, { id: "1" }, { "content-type": "text/plain" })],
    ["text without a content type", "unknown", () => text(200, "OK")]
  ])("of %s fails with UnexpectedResponse and the outcome %s", ([, outcome, answer]) =>
    Effect.gen(function* () {
      for (const operation of operationNames) {
        const error = yield* fail(operation, answer)
        assert.strictEqual(error._tag, "UnexpectedResponse")
        assert.strictEqual(error.outcome, outcomeFor(operation, outcome))
      }
    })
  )

  it.effect("of contacts of another shape fails every operation that returns contacts", () =>
    Effect.gen(function* () {
      const contact = { id: "1", phone: 5 }
      for (const operation of operationNames.filter(returnsContacts)) {
        const error = yield* fail(operation, () => json(200, { contact, contacts: [contact] }))
        assert.deepInclude(error, { _tag: "UnexpectedResponse", outcome: outcomeFor(operation, "applied") })
        assert.deepStrictEqual("issues" in error && error.issues?.map(({ path }) => path.at(-1)), ["phone"])
      }
    })
  )

  it.effect("of JSON without a content type is decoded", () => callOnce("upsert", () => text(200, '{"id":"1"}')))

  it.effect("that does not match its schema fails with issues and their paths", () =>
    Effect.gen(function* () {
      const error = yield* fail("upsert", () => json(200, { id: "1", email: 5, tags: [{ id: 1 }] }))
      assert(error._tag === "UnexpectedResponse")
      const paths = error.issues?.map(({ path }) => path.join("."))
      assert.isTrue(paths?.includes("email") || paths?.includes("tags.0.name"), String(paths))
    })
  )
})

const coded = (code: string) => Object.assign(new Error("boom +15551234567"), { code })
const wrapped = (cause: unknown) => new TypeError("fetch failed", { cause })

describe("a transport error", () => {
  const unsent = [
    "ECONNREFUSED",
    "ENOTFOUND",
    "EAI_AGAIN",
    "CERT_HAS_EXPIRED",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UND_ERR_CONNECT_TIMEOUT"
  ]

  it.effect.each<readonly [name: string, cause: unknown, outcome: Outcome, code: string | undefined]>([
    ...unsent.map((code) => [code, coded(code), "not-applied", code] as const),
    ["ECONNRESET", coded("ECONNRESET"), "unknown", "ECONNRESET"],
    ["EPIPE", coded("EPIPE"), "unknown", "EPIPE"],
    ["UND_ERR_SOCKET", coded("UND_ERR_SOCKET"), "unknown", "UND_ERR_SOCKET"],
    ["a nested ECONNREFUSED", wrapped(wrapped(coded("ECONNREFUSED"))), "not-applied", "ECONNREFUSED"],
    ["a nested ECONNRESET", wrapped(coded("ECONNRESET")), "unknown", "ECONNRESET"],
    [
      "ECONNREFUSED from every address",
      wrapped(new AggregateError([coded("ECONNREFUSED"), coded("ECONNREFUSED")])),
      "not-applied",
      "ECONNREFUSED"
    ],
    [
      "ECONNREFUSED from one address and ECONNRESET from another",
      wrapped(new AggregateError([coded("ECONNREFUSED"), coded("ECONNRESET")])),
      "unknown",
      "ECONNREFUSED"
    ],
    [
      "a timeout while connecting",
      Object.assign(coded("ETIMEDOUT"), { syscall: "connect" }),
      "not-applied",
      "ETIMEDOUT"
    ],
    ["a timeout while reading", Object.assign(coded("ETIMEDOUT"), { syscall: "read" }), "unknown", "ETIMEDOUT"],
    ["an error without a code", new Error("boom"), "unknown", undefined],
    ["a code that contains a phone number", coded("+15551234567"), "unknown", undefined],
    ["a code that is a number", Object.assign(new Error("boom"), { code: 20 }), "unknown", undefined],
    ["a string", "boom", "unknown", undefined],
    ["undefined", undefined, "unknown", undefined]
  ])("with the cause %s fails with TransportFailure", ([, cause, outcome, code]) =>
    Effect.gen(function* () {
      for (const operation of operationNames) {
        const error = yield* fail(operation, () => Effect.fail({ cause }))
        assert.strictEqual(error._tag, "TransportFailure")
        assert.strictEqual(error.outcome, outcomeFor(operation, outcome))
        assert.strictEqual(get(error, "code"), code)
        assert.isTrue(error.isRetryable)
        if (code !== undefined) assert.include(error.message, code)
        assert.include(error.message, outcome === "unknown" ? "the connection broke" : "no connection could be made")
      }
    })
  )

  it.effect("with a circular cause fails with TransportFailure", () =>
    Effect.gen(function* () {
      const circle: { cause?: unknown } = new Error("round")
      circle.cause = circle
      assert.strictEqual((yield* fail("delete", () => Effect.fail({ cause: circle })))._tag, "TransportFailure")
    })
  )
})

describe("isAgentalkError", () => {
  it.effect("accepts all ten errors", () =>
    Effect.gen(function* () {
      const errors = [
        ...(yield* Effect.forEach([400, 401, 403, 404, 408, 429, 500, 302], (status) =>
          fail("delete", () => json(status, {}))
        )),
        yield* fail("delete", () => Effect.fail({ cause: new Error("boom") })),
        new CircuitOpen({ operation: "delete", outcome: "not-applied", message: "", retryAfter: Duration.zero })
      ]
      assert.strictEqual(new Set(errors.map((error) => error._tag)).size, 10)
      for (const error of errors) {
        assert.isTrue(isAgentalkError(error), error._tag)
        assert.strictEqual(get(error, "~@agentalk/core/AgentalkError"), "~@agentalk/core/AgentalkError", error._tag)
      }
      // `CircuitOpen` is retryable because the circuit closes again.
      assert.isTrue(errors.at(-1)?.isRetryable)
    })
  )

  it.each([
    ["Effect's own NotFound", new HttpApiError.NotFound()],
    ["Effect's own Unauthorized", new HttpApiError.Unauthorized()],
    ["an object with a tag", { _tag: "NotFound", operation: "delete", outcome: "not-applied", message: "" }],
    ["an Error", new Error("NotFound")],
    ["null", null],
    ["undefined", undefined],
    ["text", "NotFound"]
  ])("rejects %s", (_, value) => {
    assert.isFalse(isAgentalkError(value))
  })
})
