/** Reading an answer: whatever JSON it is, there is a value of the promised type or there are issues. */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Issue } from "../src/AgentalkError.ts"
import { Contact, ContactFromWire, SearchPage, UpsertResult } from "../src/Contact.ts"
import * as Issues from "../src/internal/issues.ts"
import * as Read from "../src/internal/read.ts"
import { makeRedactor } from "../src/internal/redact.ts"
import { retryAfterOf } from "../src/internal/response.ts"
import { anyJson, prototypeKeys } from "./AnyJson.ts"
import { id } from "./ScriptedApi.ts"

const areIssues = Schema.is(Schema.Array(Issue))

/** Whether a result is of its type, and a failure tells issues. */
const isSound = <A>(is: (u: unknown) => boolean, result: Result.Result<A, ReadonlyArray<Issue>>): boolean =>
  Result.match(result, { onSuccess: is, onFailure: (issues) => issues.length > 0 && areIssues(issues) })

const before = prototypeKeys()

const known = new Set(
  "id contactId contact_id phone firstName first_name lastName last_name email tags fields isNew is_new".split(" ")
)

describe("any JSON", () => {
  const isContact = Schema.is(Contact)
  const decode = Schema.decodeUnknownResult(ContactFromWire)

  it.prop(
    "is read as what each operation promises, or refused with issues",
    { json: anyJson, status: Schema.Literals([200, 201, 202, 299]) },
    ({ json, status }) => {
      for (const body of [json, undefined]) {
        assert.isTrue(isSound(Schema.is(UpsertResult), Read.upserted(body, status)))
        assert.isTrue(isSound(Schema.is(Schema.Option(Contact)), Read.contact(id)(body, status)))
        assert.isTrue(isSound((value) => value === undefined, Read.nothing(body, status)))
        assert.isTrue(isSound(Schema.is(SearchPage), Read.page(body, status)))
      }
      assert.deepStrictEqual(prototypeKeys(), before)
    },
    { arbitrary: { runs: 400 } }
  )

  it.prop(
    "that is a contact keeps every key that this version does not know",
    { json: anyJson },
    ({ json }) => {
      const wire: object = { ...(json as object), id: "1" }
      const decoded = decode(wire)
      if (Result.isFailure(decoded)) return
      assert.isTrue(isContact(decoded.success))
      const unknown = Object.entries(wire).filter(([key]) => !known.has(key))
      assert.deepStrictEqual(Object.entries(decoded.success.extra), unknown)
      assert.strictEqual(Object.getPrototypeOf(decoded.success.extra), Object.prototype)
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "that is an error body tells at most 50 issues, each of at most 200 characters, and never throws",
    { json: anyJson, input: anyJson },
    ({ input, json }) => {
      const issues = Issues.fromBody(json, makeRedactor(input, "org.secret", undefined))
      assert.isTrue(areIssues(issues))
      assert.isAtMost(issues.length, 50)
      for (const { message } of issues) {
        assert.isAtMost(Array.from(message).length, 200)
        assert.notStrictEqual(message.trim(), "")
      }
      assert.deepStrictEqual(prototypeKeys(), before)
    },
    { arbitrary: { runs: 300 } }
  )
})

describe("a wait that the API asks for", () => {
  it.prop(
    "is none, or at least nothing and at most 366 days, whatever the headers say",
    { millis: Schema.String, seconds: Schema.String, digits: Schema.Int, now: Schema.Int },
    ({ digits, millis, now, seconds }) => {
      const asked = [
        { "retry-after-ms": millis, "retry-after": seconds },
        { "retry-after": String(digits) },
        { "retry-after-ms": `${digits}` },
        { "retry-after": "9".repeat(400) },
        { "retry-after": DateTime.toDateUtc(DateTime.makeUnsafe(Math.abs(digits) % 1e13)).toUTCString() }
      ]
      for (const headers of asked) {
        const retryAfter = retryAfterOf(Headers.fromInput(headers), now)
        if (retryAfter === undefined) continue
        const wait = Duration.toMillis(retryAfter)
        assert.isTrue(wait >= 0 && wait <= 366 * 24 * 3_600_000, String(wait))
      }
    }
  )
})

describe("an answer of an operation on one contact", () => {
  it("never gives a contact without an id", () => {
    const read = Read.contact(id)({ contact: { phone: "+15551234567" } }, 200)
    assert.deepStrictEqual(read, Result.succeed(Option.none()))
  })
})
