import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import type { Operation } from "../src/Operations.ts"
import type { Contacts } from "../src/Contacts.ts"
import { operationNames } from "../src/internal/operation.ts"
import {
  inputKeysOf,
  listKeysOf,
  namesContact,
  objectKeysOf,
  optionalKeysOf,
  sampleOf,
  textKeysOf
} from "./OperationTable.ts"
import { acceptedBody, type Call, calls, callWith, contactsOver, id, json, make } from "./ScriptedApi.ts"

/** The methods without their types, as plain JavaScript calls them. */
type Untyped = Readonly<Record<Operation, (...args: ReadonlyArray<unknown>) => ReturnType<Call>>>

const untyped = (contacts: Contacts["Service"]) => contacts as unknown as Untyped

const phone = "+15551234567"
const tags = ["vip"]

/** Asserts that a call fails with a client-side `Validation` and sends nothing. Returns the error. */
const rejectCall = Effect.fnUntraced(function* (operation: Operation, call: Call) {
  const { client, sent } = make(() => json(200, acceptedBody))
  const error = yield* Effect.flip(Effect.flatMap(contactsOver(client), call))
  assert.lengthOf(sent, 0)
  assert(error._tag === "Validation")
  assert.deepInclude(error, { operation, outcome: "not-applied", source: "client" })
  assert.isNotEmpty(error.issues)
  return error
})

const reject = (operation: Operation, args: ReadonlyArray<unknown>) =>
  rejectCall(operation, (contacts) => untyped(contacts)[operation](...args))

/** Asserts that an operation rejects its sample input with another value for one key. */
const rejectValue = (operation: Operation, key: string, value: unknown) =>
  rejectCall(operation, callWith(operation, { ...sampleOf(operation), [key]: value }))

/** Makes a call and returns the request that it sends. */
const send = Effect.fnUntraced(function* (call: Call) {
  const { client, sent } = make(() => json(200, acceptedBody))
  yield* Effect.flatMap(contactsOver(client), call)
  assert.lengthOf(sent, 1)
  return sent[0]!
})

describe("a valid input", () => {
  it.effect("is sent with its phone without separators and its keys in camel case", () =>
    Effect.gen(function* () {
      const input = { firstName: "Jane", lastName: "Doe", email: "jane@example.com", tags, fields: { city: "Oslo" } }
      const { body, headers, method, url } = yield* send((contacts) =>
        contacts.upsert({ phone: "+1 (555) 123-4567", ...input })
      )
      assert.deepStrictEqual([method, url.href], ["POST", "https://api.agentalk.io/api/contacts"])
      assert.deepStrictEqual(body, { phone, ...input })
      assert.strictEqual(headers["content-type"], "application/json")
    })
  )

  it.effect("is sent without its undefined values", () =>
    Effect.gen(function* () {
      for (const operation of operationNames) {
        const sample = sampleOf(operation)
        const optionalKeys = optionalKeysOf(operation).filter((key) => !Object.hasOwn(sample, key))
        const absent = Object.fromEntries(optionalKeys.map((key) => [key, undefined]))
        const { body, url } = yield* send(callWith(operation, { ...sample, ...absent }))
        const expected = yield* send(calls[operation])
        assert.deepStrictEqual([body, url.href], [expected.body, expected.url.href])
      }
      const { body } = yield* send((contacts) => contacts.upsert({ phone, firstName: undefined, fields: undefined }))
      assert.deepStrictEqual(body, { phone })
    })
  )

  it.effect("is sent with its empty values", () =>
    Effect.gen(function* () {
      const empty = { firstName: "", tags: [], fields: {} }
      assert.deepStrictEqual((yield* send((contacts) => contacts.upsert({ phone, ...empty }))).body, {
        phone,
        ...empty
      })
    })
  )

  it.effect("is sent with any JSON in its fields, and with __proto__ as a key", () =>
    Effect.gen(function* () {
      const fields = JSON.parse('{"a":null,"b":[1,{"c":true}],"__proto__":"x"}')
      const { body } = yield* send((contacts) => contacts.updateFields(id, fields))
      assert.strictEqual(JSON.stringify(body), JSON.stringify({ fields }))
    })
  )

  it.effect("of search has limit and offset in the query", () =>
    Effect.gen(function* () {
      const { url } = yield* send((contacts) => contacts.search({ name: "a b&c=d", limit: 10, offset: 0 }))
      assert.deepStrictEqual(
        [...url.searchParams].toSorted((a, b) => (a[0] < b[0] ? -1 : 1)),
        [
          ["limit", "10"],
          ["name", "a b&c=d"],
          ["offset", "0"]
        ]
      )
    })
  )

  it.effect("of search encodes a plus as %2B", () =>
    Effect.gen(function* () {
      const { url } = yield* send((contacts) => contacts.search({ phone }))
      assert.strictEqual(url.search, "?phone=%2B15551234567")
    })
  )

  it.effect("is sent with its contact id in lower case", () =>
    Effect.gen(function* () {
      const { url } = yield* send((contacts) => contacts.delete(id.toUpperCase()))
      assert.strictEqual(url.pathname, `/api/contacts/${id}`)
    })
  )
})

const circular: Record<string, unknown> = {}
circular["self"] = circular

const throwing = {
  get phone(): string {
    throw new Error("+15551234567")
  }
}

const notStrings = [null, 7, true, {}, [], () => phone, 7n, Symbol("x"), circular]
const notObjects = [undefined, null, "x", 7, 7n, [], () => 1]

describe("an invalid input", () => {
  it.effect.each<readonly [name: string, operation: Operation, args: ReadonlyArray<unknown>, path: string]>([
    ["a phone without digits", "upsert", [{ phone: "call me" }], "phone"],
    ["no phone", "upsert", [{}], "phone"],
    ["an undefined phone", "upsert", [{ phone: undefined }], "phone"],
    ["an invalid e-mail", "upsert", [{ phone, email: "jane" }], "email"],
    ["a name of null", "upsert", [{ phone, firstName: null }], "firstName"],
    ["a blank tag", "upsert", [{ phone, tags: ["vip", " "] }], "tags.1"],
    ["an empty field key", "upsert", [{ phone, fields: { "": 1 } }], "fields."],
    ["an undefined field", "upsert", [{ phone, fields: { city: undefined } }], "fields.city"],
    ["a function as a field", "updateFields", [id, { city: () => 1 }], "fields.city"],
    ["a NaN as a field", "updateFields", [id, { city: Number.NaN }], "fields.city"],
    ["a BigInt as a field", "updateFields", [id, { a: { b: [1n] } }], "fields.a"],
    ["a Map as a field", "updateFields", [id, { since: new Map() }], "fields.since"],
    ["an unknown key", "upsert", [{ phone, city: "Oslo" }], "city"],
    ["a key in snake case", "upsert", [{ phone, first_name: "Jane" }], "first_name"],
    ["an unknown key of a search", "search", [{ name: "Jane", email: "x" }], "email"],
    ["a search without name and phone", "search", [{ limit: 1 }], ""],
    ["an empty search", "search", [{}], ""],
    ["a search for undefined", "search", [{ name: undefined, phone: undefined }], ""],
    ["a search for an empty name", "search", [{ name: "" }], "name"],
    ["a search for a lone surrogate", "search", [{ phone: "\ud83d" }], "phone"],
    ["a limit of 0", "search", [{ name: "Jane", limit: 0 }], "limit"],
    ["a fractional limit", "search", [{ name: "Jane", limit: 1.5 }], "limit"],
    ["a limit of infinity", "search", [{ name: "Jane", limit: Infinity }], "limit"],
    ["a limit that is a string", "search", [{ name: "Jane", limit: "10" }], "limit"],
    ["a negative offset", "search", [{ name: "Jane", offset: -1 }], "offset"],
    ["an id that is not a UUID", "delete", ["42"], "id"],
    ["an empty id", "delete", [""], "id"],
    ["an id with a path", "delete", [`${id}/tags`], "id"],
    ["an id with a line break", "delete", [`${id}\n`], "id"],
    ["tags that are not a list", "addTags", [id, "vip"], "tags"],
    ["a tag that is not a string", "addTags", [id, [7]], "tags.0"],
    ["a missing tag", "removeTag", [id], "tagIdOrName"],
    ["an empty key", "clearField", [id, ""], "key"],
    ["a getter that throws", "upsert", [throwing], ""],
    ["circular fields", "updateFields", [id, circular], "fields.self"]
  ])("fails with an issue for %s", ([, operation, args, path]) =>
    Effect.gen(function* () {
      const { issues } = yield* reject(operation, args)
      assert.include(
        issues.map((issue) => issue.path.join(".")),
        path
      )
    })
  )

  it.effect("fails with all its issues at once", () =>
    Effect.gen(function* () {
      const { issues, message } = yield* reject("upsert", [{ phone: "x", email: "y", tags: [""], color: "red" }])
      const paths = issues.map((issue) => issue.path.join("."))
      for (const path of ["phone", "email", "tags.0", "color"]) assert.include(paths, path)
      assert.match(message, /^Contacts\.upsert: the input was refused before sending: .+\(.*phone.*\)\.$/)
    })
  )

  it.effect("fails with an issue for each missing and each unknown key, up to 50 issues", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>((yield* reject("upsert", [{ city: "Oslo" }])).issues, [
        { path: ["city"], message: "Unknown key" },
        { path: ["phone"], message: "Required" }
      ])
      const blank = Array.from({ length: 51 }, () => " ")
      assert.lengthOf((yield* reject("addTags", [id, blank])).issues, 50)
    })
  )

  it.effect("fails with Validation for a value of the wrong type in any position", () =>
    Effect.gen(function* () {
      for (const operation of operationNames) {
        for (const bad of notStrings) {
          for (const key of textKeysOf(operation)) yield* rejectValue(operation, key, bad)
          for (const key of listKeysOf(operation)) yield* rejectValue(operation, key, [bad])
          if (!namesContact(operation)) yield* reject(operation, [bad])
        }
        for (const bad of notObjects) {
          for (const key of objectKeysOf(operation)) {
            const isAbsent = bad === undefined && optionalKeysOf(operation).includes(key)
            if (!isAbsent) yield* rejectValue(operation, key, bad)
          }
          if (!namesContact(operation)) yield* reject(operation, [bad])
        }
      }
    })
  )

  it.effect.each([100, 2_000, 5_000, 10_000, 50_000])(
    "of depth %d is either rejected or sent, never a defect",
    (depth) =>
      Effect.gen(function* () {
        let deep: unknown = 1
        for (let i = 0; i < depth; i++) deep = [deep]
        const { client, sent } = make(() => json(400, { deep: ["Too deep."] }))
        const contacts = yield* contactsOver(client)
        const error = yield* Effect.flip(untyped(contacts).updateFields(id, { deep }))
        assert(error._tag === "Validation")
        assert.strictEqual(error.source, sent.length === 0 ? "client" : "server")
      })
  )

  const secret = "Zaphod-7261"

  it.effect.each<readonly [operation: Operation, args: ReadonlyArray<unknown>]>([
    ...operationNames.map((operation) => [operation, inputKeysOf(operation).map(() => secret)] as const),
    ["upsert", [{ phone: secret, email: secret, tags: [{ secret }], fields: secret, firstName: [secret] }]],
    ["upsert", [{ phone, fields: { city: new Set([secret]) } }]],
    ["search", [{ name: { secret }, phone: [secret], limit: secret, offset: secret }]],
    ["delete", [secret]],
    ["updateFields", [secret, secret]],
    ["clearField", [secret, `${secret}/../x`]],
    ["removeTag", [id, `${secret}/..`]],
    ["addTags", [id, [{ secret }, secret, ""]]]
  ])("of %s fails with an error that omits the value", ([operation, args]) =>
    Effect.gen(function* () {
      const error = yield* reject(operation, args)
      assert.notInclude(JSON.stringify(error) + error.message, secret)
    })
  )
})

describe("the body that is sent equals the input that was validated", () => {
  const withToJson = { toJSON: () => "changed" }

  it.effect.each<readonly [name: string, more: () => object, expected: object]>([
    ["for a list with toJSON", () => ({ tags: Object.assign(["vip"], withToJson) }), { tags: ["vip"] }],
    [
      "for fields with a non-enumerable toJSON",
      () => ({ fields: Object.defineProperty({ a: 1 }, "toJSON", { value: withToJson.toJSON }) }),
      { fields: { a: 1 } }
    ],
    [
      "for a getter that returns a different value each time",
      () => {
        let count = 0
        return {
          fields: {
            get a() {
              return count++
            }
          }
        }
      },
      { fields: { a: 0 } }
    ]
  ])("%s", ([, more, expected]) =>
    Effect.gen(function* () {
      const { client, sent } = make(() => json(200, { id }))
      const contacts = yield* contactsOver(client)
      yield* contacts.upsert({ phone, ...more() })
      assert.deepStrictEqual(sent[0]?.body, { phone, ...expected })
    })
  )

  it.effect("for fields whose nested values have toJSON or a changing getter", () =>
    Effect.gen(function* () {
      const toJSON = { value: () => "changed" }
      let reads = 0
      const fields = {
        object: Object.defineProperty({ a: 1 }, "toJSON", toJSON),
        list: Object.defineProperty([1], "toJSON", toJSON),
        deep: [{ list: Object.defineProperty([2], "toJSON", toJSON) }],
        getter: {
          get a() {
            return reads++ > 0 ? "changed" : 1
          }
        }
      }
      const { body } = yield* send((contacts) => contacts.updateFields(id, fields))
      assert.deepStrictEqual(body, { fields: { object: { a: 1 }, list: [1], deep: [{ list: [2] }], getter: { a: 1 } } })
    })
  )

  it.effect("for fields that are 300 levels deep", () =>
    Effect.gen(function* () {
      let deep: Json = "end"
      for (let level = 0; level < 300; level++) deep = level % 2 === 0 ? [deep] : { deep }
      const { body } = yield* send((contacts) => contacts.updateFields(id, { deep }))
      assert.deepStrictEqual(body, { fields: { deep } })
    })
  )

  it.effect("and a byte array fails with one issue instead of one for each byte", () =>
    Effect.gen(function* () {
      const bytes = new Uint8Array(1_000_000)
      assert.lengthOf((yield* reject("upsert", [bytes])).issues, 1)
      const { issues } = yield* reject("updateFields", [id, bytes])
      assert.deepStrictEqual(issues, [{ path: ["fields"], message: "Expected a plain object of fields by key" }])
    })
  )

  it.effect("for an instance of a class with getters", () =>
    Effect.gen(function* () {
      class Person {
        readonly phone = phone
        get firstName() {
          return "Jane"
        }
      }
      const { body } = yield* send((contacts) => contacts.upsert(new Person()))
      assert.deepStrictEqual(body, { phone, firstName: "Jane" })
    })
  )

  it.effect("and an input without a JSON form fails with Validation", () =>
    Effect.gen(function* () {
      const withoutJsonForm = Object.defineProperty({ a: 1 }, "toJSON", {
        get: () => {
          throw new Error("gone")
        }
      })
      class Person {
        readonly phone = phone
        readonly fields = { home: withoutJsonForm }
      }
      const error = yield* reject("upsert", [new Person()])
      assert.deepStrictEqual(error.issues, [{ path: [], message: "Expected data that has a JSON form" }])
    })
  )
})
