/** Regression tests for defects that adversarial inputs, responses and settings revealed. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import * as Retry from "../src/Retry.ts"
import * as Sandbox from "../src/Sandbox.ts"
import * as TimeLimit from "../src/TimeLimit.ts"
import { runToEnd, scriptedContacts, ok, status } from "./Attempts.ts"
import { callOnce, contactsOver, id, json, make, text } from "./ScriptedApi.ts"

describe("an error body", () => {
  it.effect.each([
    ["many escapes", "%40".repeat(300)],
    ["more escapes than the redactor searches", "%40".repeat(50_000)],
    ["many dots", "a.".repeat(500)],
    ["many at signs", "@".repeat(1_000)],
    ["many digits and spaces", "1 ".repeat(500)]
  ])("with %s is read within the test timeout", ([, echo]) =>
    Effect.gen(function* () {
      const detail = Array.from({ length: 50 }, () => echo)
      const error = yield* Effect.flip(callOnce("search", () => json(400, { detail })))
      assert(error._tag === "Validation")
      assert.strictEqual(error.issues.length, 50)
    })
  )

  it.effect("is read within the test timeout if the request has thousands of tags", () =>
    Effect.gen(function* () {
      const tags = Array.from({ length: 2_000 }, (_, index) => `aaaaaa${index}`)
      const detail = Array.from({ length: 50 }, () => "a".repeat(1_000))
      const error = yield* Effect.flip(
        callOnce(
          (contacts) => contacts.addTags(id, tags),
          () => json(400, { detail })
        )
      )
      assert.strictEqual(error._tag, "Validation")
    })
  )

  it.effect.each<readonly [name: string, firstName: string, body: unknown, secret: string]>([
    ["a letter that becomes two characters in lower case", "İbrahim", { detail: "İbrahim is not allowed" }, "İbrahim"],
    ["another Unicode normalization form", "Jose\u0301", { detail: "José is not allowed" }, "José"],
    ["other white space", "Jane\t Doe", { detail: "Jane Doe is not allowed" }, "Jane"],
    ["a part of a name", "Jane Doe", { detail: "Doe is not allowed" }, "Doe"],
    ["the beginning of a name", "Wolfeschlegelsteinhausen", { detail: "'Wolfeschlegel…' is too long" }, "Wolfe"],
    ["a name as a key", "Jane", { Jane: ["bad"] }, "Jane"],
    ["a name in the field of an issue", "Jane", { errors: [{ field: "tags.Jane", message: "bad" }] }, "Jane"]
  ])("does not leak %s into the error", ([, firstName, body, secret]) =>
    Effect.gen(function* () {
      const upsert = callOnce(
        (contacts) => contacts.upsert({ phone: "+15551234567", firstName }),
        () => json(400, body)
      )
      const error = yield* Effect.flip(upsert)
      assert.notInclude(JSON.stringify(error), secret)
      assert.notInclude(error.message, secret)
    })
  )

  it.effect("of a response whose request id is a phone number produces an error without requestId", () =>
    Effect.gen(function* () {
      const headers = { "x-request-id": "+15551234567" }
      const error = yield* Effect.flip(callOnce("upsert", () => json(500, {}, headers)))
      assert(error._tag === "ServerFault")
      assert.isUndefined(error.requestId)
    })
  )
})

describe("a call", () => {
  it.effect("sends the same body on a retry, even if the input changes between the attempts", () =>
    Effect.gen(function* () {
      const inner: Record<string, unknown> = { a: 1 }
      const { client, sent } = make((_, index) => {
        inner["a"] = 10n
        return json(index === 0 ? 503 : 200, {})
      })
      const contacts = yield* contactsOver(client, { retry: { baseDelay: "1 millis" } })
      yield* runToEnd(contacts.updateFields(id, { x: inner as never }))
      assert.deepStrictEqual(
        sent.map(({ body }) => body),
        [{ fields: { x: { a: 1 } } }, { fields: { x: { a: 1 } } }]
      )
    })
  )

  it.effect("has the outcome unknown if a proxy's HTML page returns 404 after a 503", () =>
    Effect.gen(function* () {
      const page = Effect.sync(() => text(404, "<h1>no route</h1>", { "content-type": "text/html" }))
      const { contacts } = yield* scriptedContacts([status(503), page])
      const { result } = yield* runToEnd(contacts.delete(id))
      assert(result._tag === "Failure" && result.failure._tag === "NotFound")
      assert.strictEqual(result.failure.outcome, "unknown")
    })
  )

  it.effect("has the outcome unknown if a 200 contains success: false or ok: false", () =>
    Effect.gen(function* () {
      for (const denial of [{ success: false }, { ok: false }]) {
        const error = yield* Effect.flip(callOnce("addTags", () => json(200, { ...denial, error: "No such contact" })))
        assert(error._tag === "UnexpectedResponse")
        assert.strictEqual(error.outcome, "unknown")
        assert.deepStrictEqual(error.issues, [{ path: [], message: "No such contact" }])
      }
      yield* callOnce("addTags", () => json(200, { ok: true }))
    })
  )

  it.effect("has the outcome unknown if the token fails after an attempt that received a 503", () =>
    Effect.gen(function* () {
      const tokens = [Effect.succeed(Sandbox.token), Effect.fail("sealed")]
      const token = Effect.suspend(() => tokens.shift() ?? Effect.fail("sealed"))
      const { contacts } = yield* scriptedContacts([status(503)], { token })
      const { result } = yield* runToEnd(contacts.delete(id))
      assert(result._tag === "Failure" && result.failure._tag === "Unauthorized")
      assert.deepStrictEqual([result.failure.outcome, result.failure.attempts], ["unknown", 1])
      assert.notInclude(result.failure.message, "Nothing was sent")
    })
  )

  it.effect("has the outcome not-applied and zero attempts if the token cannot be obtained", () =>
    Effect.gen(function* () {
      const contacts = yield* contactsOver(make(() => json(200, {})).client, { token: Effect.fail("sealed") })
      const error = yield* Effect.flip(contacts.delete(id))
      assert.deepStrictEqual([error._tag, error.outcome, error.attempts], ["Unauthorized", "not-applied", 0])
    })
  )
})

describe("a rate limit reset", () => {
  it.effect.each<readonly [name: string, headers: Record<string, string>, millis: number]>([
    ["in milliseconds since 1970", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000000500" }, 500],
    ["in a thousand years", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "31536000000" }, 3_600_000]
  ])("%s delays calls for an hour at most", ([, headers, millis]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_800_000_000_000)
      const { contacts } = yield* scriptedContacts([status(200, headers), ok], { retry: { maxRetryAfter: "2 hours" } })
      yield* contacts.delete(id)
      const fiber = yield* Effect.forkChild(TimeLimit.withLimits(contacts.delete(id), { deadline: "3 hours" }))
      yield* TestClock.adjust(Duration.millis(millis - 1))
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.isDefined(fiber.pollUnsafe())
    })
  )
})

describe("settings", () => {
  it.effect.each([
    ["a base URL with a lone question mark", { baseUrl: "http://localhost/?" }],
    ["a base URL with a lone number sign", { baseUrl: "http://localhost/#" }],
    ["an attempt timeout of zero", { attemptTimeout: 0 }],
    ["a deadline of zero", { deadline: "0 seconds" }],
    ["zero attempts", { retry: { attempts: 0 } }],
    ["a retry budget of NaN", { retryBudget: Number.NaN }]
  ] as ReadonlyArray<readonly [string, Partial<AgentalkClient.Options>]>)("reject %s", ([, options]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(contactsOver(make(() => json(200, {})).client, options))
      assert.strictEqual(error._tag, "ConfigError")
    })
  )

  it.effect("do not fall back to the client's organization if withOrganization receives undefined or null", () =>
    Effect.gen(function* () {
      const { client, sent } = make(() => json(200, {}))
      const contacts = yield* contactsOver(client, { organization: Sandbox.organization })
      for (const missing of [undefined, null]) {
        const error = yield* Effect.flip(AgentalkClient.withOrganization(contacts.delete(id), missing as never))
        assert.strictEqual(error._tag, "Validation")
      }
      assert.deepStrictEqual(sent, [])
    })
  )

  it.effect("of a nested withPolicy or withLimits override only the properties that they set", () =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([status(503)])
      const tuned = Retry.withPolicy(contacts.delete(id), { baseDelay: "1 millis" })
      yield* runToEnd(Retry.withPolicy(tuned, Retry.none))
      assert.strictEqual(times.length, 1)

      const silent = yield* scriptedContacts([Effect.never])
      const attempt = TimeLimit.withLimits(silent.contacts.delete(id), { attempt: "2 seconds" })
      const { millis } = yield* runToEnd(TimeLimit.withLimits(attempt, { deadline: "500 millis" }))
      assert.strictEqual(millis, Duration.toMillis("500 millis"))
    })
  )

  it.effect("reject a token that is not Redacted, and the error omits it", () =>
    Effect.gen(function* () {
      const plain = Redacted.value(Sandbox.token)
      const { client } = make(() => json(200, {}))
      const error = yield* Effect.flip(contactsOver(client, { token: plain as never }))
      assert.notInclude(String(error), "sandbox")
      const contacts = yield* contactsOver(client, { token: Effect.succeed(plain as never) })
      assert.strictEqual((yield* Effect.flip(contacts.delete(id)))._tag, "Unauthorized")
    })
  )
})

describe("fields", () => {
  it.effect.each([
    ["a Map", new Map([["a", 1]])],
    ["URLSearchParams", new URLSearchParams({ a: "1" })],
    ["a Set", new Set(["a"])]
  ])("that are %s fail with Validation instead of being sent as an empty object", ([, fields]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        callOnce(
          (contacts) => contacts.updateFields(id, fields as never),
          () => json(200, {})
        )
      )
      assert.strictEqual(error._tag, "Validation")
      assert.strictEqual(error.attempts, 0)
    })
  )
})
