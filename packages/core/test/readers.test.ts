/** Reading a response: for any JSON the reader returns a value of the declared type, or issues. */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Issue } from "../src/Issue.ts"
import { Contact, SearchPage, UpsertResult } from "../src/Contact.ts"
import { ContactFromWire } from "../src/ContactFromWire.ts"
import { contractKeys } from "../src/internal/operation.ts"
import { issuesFromBody } from "../src/internal/wire/errorBody.ts"
import { nothing, optionalContact, page, upsertResult } from "../src/internal/wire/readers.ts"
import { makeRedactor } from "../src/internal/wire/redaction.ts"
import { retryAfterOf } from "../src/internal/wire/response.ts"
import { anyJson, knownKeys, prototypeKeys } from "./AnyJson.ts"
import { readers, replaceContacts } from "./OperationTable.ts"
import { acceptedBody, id } from "./ScriptedApi.ts"

const readUpsert = (json: unknown, status: number) => upsertResult.read(json, status, undefined)
const readContact = (json: unknown, status: number) => optionalContact.read(json, status, { id })
const readNothing = (json: unknown, status: number) => nothing.read(json, status, undefined)
const readPage = (json: unknown, status: number) => page.read(json, status, undefined)

const areIssues = Schema.is(Schema.Array(Issue))

/** Whether a success has its declared type, and a failure has at least one issue. */
const isSound = <A>(is: (u: unknown) => boolean, result: Result.Result<A, ReadonlyArray<Issue>>): boolean =>
  Result.match(result, { onSuccess: is, onFailure: (issues) => issues.length > 0 && areIssues(issues) })

const before = prototypeKeys()

const decode = Schema.decodeUnknownResult(ContactFromWire)

describe("any JSON", () => {
  const isContact = Schema.is(Contact)

  it.prop(
    "is decoded to the result type of each kind of operation, or fails with issues",
    { json: anyJson, status: Schema.Literals([200, 201, 202, 299]) },
    ({ json, status }) => {
      for (const body of [json, undefined]) {
        assert.isTrue(isSound(Schema.is(UpsertResult), readUpsert(body, status)))
        assert.isTrue(isSound(Schema.is(Schema.Option(Contact)), readContact(body, status)))
        assert.isTrue(isSound((value) => value === undefined, readNothing(body, status)))
        assert.isTrue(isSound(Schema.is(SearchPage), readPage(body, status)))
      }
      assert.deepStrictEqual(prototypeKeys(), before)
    },
    { arbitrary: { runs: 400 } }
  )

  it.prop(
    "is read by every reader of the operations table to a result with valid contacts, or fails with issues",
    { json: anyJson, status: Schema.Literals([200, 201, 202, 299]) },
    ({ json, status }) => {
      for (const [reader, input] of readers) {
        // Random JSON is rarely a contact or a page.
        const likely = { ...(json as object), id: "1", contacts: [{ ...(json as object), id: "2" }] }
        for (const body of [json, undefined, likely]) {
          const areContacts = (result: unknown) => {
            const contacts: Array<unknown> = []
            reader.mapContacts(result, (contact) => contacts.push(contact))
            return contacts.every(isContact)
          }
          assert.isTrue(isSound(areContacts, reader.read(body, status, input)))
        }
      }
      assert.deepStrictEqual(prototypeKeys(), before)
    },
    { arbitrary: { runs: 400 } }
  )

  it.prop(
    "that is a contact keeps every unknown key",
    { json: anyJson },
    ({ json }) => {
      const wire: object = { ...(json as object), id: "1" }
      const decoded = decode(wire)
      if (Result.isFailure(decoded)) return
      assert.isTrue(isContact(decoded.success))
      const unknown = Object.entries(wire).filter(([key]) => !knownKeys.has(key))
      assert.deepStrictEqual(Object.entries(decoded.success.extra), unknown)
      assert.strictEqual(Object.getPrototypeOf(decoded.success.extra), Object.prototype)
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "that is an error body produces at most 50 issues of at most 200 characters, and never throws",
    { json: anyJson, input: anyJson },
    ({ input, json }) => {
      const issues = issuesFromBody(json, makeRedactor([input], "org.secret", undefined), contractKeys)
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

describe("Retry-After", () => {
  it.prop(
    "is undefined, or between zero and 366 days, for any header value",
    { millis: Schema.String, seconds: Schema.String, digits: Schema.Int, now: Schema.Int },
    ({ digits, millis, now, seconds }) => {
      const variants = [
        { "retry-after-ms": millis, "retry-after": seconds },
        { "retry-after": String(digits) },
        { "retry-after-ms": `${digits}` },
        { "retry-after": "9".repeat(400) },
        { "retry-after": DateTime.toDateUtc(DateTime.makeUnsafe(Math.abs(digits) % 1e13)).toUTCString() }
      ]
      for (const headers of variants) {
        const retryAfter = retryAfterOf(Headers.fromInput(headers), now)
        if (retryAfter === undefined) continue
        const wait = Duration.toMillis(retryAfter)
        assert.isTrue(wait >= 0 && wait <= 366 * 24 * 3_600_000, String(wait))
      }
    }
  )
})

describe("a reader", () => {
  const notAnObject = Result.fail([{ path: [], message: "Expected an object" }])

  it.each<readonly [name: string, result: () => unknown, expected: unknown]>([
    ["upsert from a list", () => readUpsert([], 200), notAnObject],
    ["upsert from null", () => readUpsert(null, 200), notAnObject],
    [
      "upsert from an object without an id",
      () => readUpsert({}, 200),
      Result.fail([{ path: ["id"], message: "Required" }])
    ],
    [
      "upsert from an empty body",
      () => readUpsert(undefined, 200),
      Result.fail([{ path: ["id"], message: "Required" }])
    ],
    ["an operation on one contact from text", () => readContact("done", 200), notAnObject],
    ["delete from a number", () => readNothing(1, 200), notAnObject],
    ["delete from null", () => readNothing(null, 200), Result.void],
    ["delete from an empty body", () => readNothing(undefined, 200), Result.void],
    ["an operation on one contact from null", () => readContact(null, 200), Result.succeed(Option.none())],
    [
      "an operation on one contact from an empty body",
      () => readContact(undefined, 200),
      Result.succeed(Option.none())
    ],
    ["search from null", () => readPage(null, 200), notAnObject],
    [
      "search from an object without a list",
      () => readPage({}, 200),
      Result.fail([{ path: ["contacts"], message: "Required" }])
    ]
  ])("returns a value, or a path and a message, for %s", (_, read, expected) => {
    assert.deepStrictEqual(read(), expected)
  })

  it.each([
    ["an object that cannot be converted to a string", '{"toString":1,"valueOf":1}'],
    ["an object", "{}"],
    ["a list", "[1]"],
    ["false", "false"],
    ["nested deeper than the call stack", "[".repeat(50_000) + "]".repeat(50_000)]
  ])("fails with the path of a tag whose id is %s", (_, tagId) => {
    const result = readUpsert(JSON.parse(`{"id":"1","tags":[{"name":"vip","id":${tagId}}]}`), 200)
    assert(Result.isFailure(result))
    assert.deepStrictEqual(result.failure[0]?.path, ["tags", 0, "id"])
  })

  it("fails with the path of a tag that is null", () => {
    const result = readUpsert({ id, tags: ["vip", null] }, 200)
    assert(Result.isFailure(result))
    assert.deepStrictEqual(result.failure[0]?.path.slice(0, 2), ["tags", 1])
  })

  it("accepts unknown data that is nested deeper than the call stack", () => {
    let deep: unknown = 1
    for (let depth = 0; depth < 1_000_000; depth++) deep = [deep]
    assert.isTrue(Result.isSuccess(readUpsert({ id, deep }, 200)))
    assert.isTrue(Result.isSuccess(readPage({ contacts: [{ id, fields: { deep } }] }, 200)))
  })
})

const summary = ({ id }: Contact) => ({ summary: id })

describe("every reader of the operations table", () => {
  it("applies a function to every contact in a result", () => {
    for (const [reader, input] of readers) {
      for (const body of [acceptedBody, { ...acceptedBody, total: 1, isNew: true }]) {
        const result = Result.getOrThrow(reader.read(body, 200, input))
        assert.deepStrictEqual(reader.mapContacts(result, summary), replaceContacts(result, summary))
      }
    }
  })
})

describe("the search for nested values", () => {
  const under = (key: string, depth: number, value: object): object =>
    depth === 0 ? value : { [key]: under(key, depth - 1, value) }

  it("finds a contact at most two levels deep, and a list at most one level deep", () => {
    const depths = [0, 1, 2, 3]
    const read = depths.map((depth) => readUpsert(under("data", depth, { id }), 200))
    assert.deepStrictEqual(read.map(Result.isSuccess), [true, true, true, false])
    const listed = depths.map((depth) => readPage(under("data", depth, { contacts: [] }), 200))
    assert.deepStrictEqual(listed.map(Result.isSuccess), [true, true, false, false])
    const withIsNew = depths.map((depth) => readUpsert({ id, ...under("contact", depth, { isNew: true }) }, 200))
    assert.deepStrictEqual(
      withIsNew.map((each) => Result.getOrThrow(each).isNew),
      [true, true, true, false]
    )
  })

  it.each(["id", "contactId", "contact_id"])("finds the id of a contact as %s beside the contact", (key) => {
    const { contact } = Result.getOrThrow(readUpsert({ [key]: "1", contact: { phone: "+15551234567" } }, 200))
    assert.strictEqual(contact.id, "1")
  })

  it.each(["id", "contactId", "contact_id"])("accepts an object with only %s as the requested contact", (key) => {
    assert.isTrue(Option.isSome(Result.getOrThrow(readContact({ [key]: id.toUpperCase() }, 200))))
    // An `id` can belong to a tag, but `contactId` and `contact_id` always belong to a contact.
    const other = Result.getOrThrow(readContact({ [key]: "7" }, 200))
    assert.strictEqual(Option.isSome(other), key !== "id")
  })
})

describe("a decoded contact", () => {
  it("has plain data properties for all unknown keys", () => {
    const wire: unknown = JSON.parse('{"id":"1","__proto__":1,"other":2}')
    const { extra } = Result.getOrThrow(decode(wire))
    for (const key of ["__proto__", "other"]) {
      const { value: _, ...descriptor } = Object.getOwnPropertyDescriptor(extra, key)!
      assert.deepStrictEqual(descriptor, { configurable: true, enumerable: true, writable: true })
    }
  })

  it("is encoded with a tag as a string if the tag has no id", () => {
    const contact = Result.getOrThrow(decode({ id: "1", tags: ["vip", { id: 7, name: "new" }] }))
    const wire = Schema.encodeUnknownResult(ContactFromWire)(contact)
    assert.deepStrictEqual(wire, Result.succeed({ id: "1", tags: ["vip", { name: "new", id: "7" }] }))
  })

  it.each([null, undefined, 7, "1", []])("cannot come from %j, which fails without throwing", (wire) => {
    assert.isTrue(Result.isFailure(decode(wire)))
  })
})

describe("the response to an operation on one contact", () => {
  it("is decoded to None if the contact has no id", () => {
    const read = readContact({ contact: { phone: "+15551234567" } }, 200)
    assert.deepStrictEqual(read, Result.succeed(Option.none()))
  })
})
