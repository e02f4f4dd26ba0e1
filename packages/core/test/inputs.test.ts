import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import type { Operation } from "../src/Operations.ts"
import type { Contacts } from "../src/Contacts.ts"
import { type Call, contactsOver, id, json, make } from "./ScriptedApi.ts"

/** The methods as plain JavaScript sees them. */
type Untyped = Readonly<Record<Operation, (...args: ReadonlyArray<unknown>) => ReturnType<Call>>>

const untyped = (contacts: Contacts["Service"]) => contacts as unknown as Untyped

const phone = "+15551234567"
const tags = ["vip"]

/** The refusal of a call, and proof that nothing was sent. */
const refuse = Effect.fnUntraced(function* (operation: Operation, args: ReadonlyArray<unknown>) {
  const { client, sent } = make(() => json(200, { id, contacts: [] }))
  const contacts = yield* contactsOver(client)
  const error = yield* Effect.flip(untyped(contacts)[operation](...args))
  assert.lengthOf(sent, 0)
  assert(error._tag === "Validation")
  assert.deepInclude(error, { operation, outcome: "not-applied", source: "client" })
  assert.isNotEmpty(error.issues)
  return error
})

/** What the API receives. */
const send = Effect.fnUntraced(function* (call: Call) {
  const { client, sent } = make(() => json(200, { id, contacts: [] }))
  yield* Effect.flatMap(contactsOver(client), call)
  assert.lengthOf(sent, 1)
  return sent[0]!
})

describe("an input that is sent", () => {
  it.effect("has its phone without separators, and its keys in camel case", () =>
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

  it.effect("leaves out what is undefined", () =>
    Effect.gen(function* () {
      const nothing = {
        firstName: undefined,
        lastName: undefined,
        email: undefined,
        tags: undefined,
        fields: undefined
      }
      assert.deepStrictEqual((yield* send((contacts) => contacts.upsert({ phone, ...nothing }))).body, { phone })
      const { url } = yield* send((contacts) =>
        contacts.search({ name: "Jane", phone: undefined, limit: undefined, offset: undefined })
      )
      assert.strictEqual(url.search, "?name=Jane")
    })
  )

  it.effect("keeps what is empty but given", () =>
    Effect.gen(function* () {
      const empty = { firstName: "", tags: [], fields: {} }
      assert.deepStrictEqual((yield* send((contacts) => contacts.upsert({ phone, ...empty }))).body, {
        phone,
        ...empty
      })
    })
  )

  it.effect("keeps every JSON of a field, and __proto__ as a key", () =>
    Effect.gen(function* () {
      const fields = JSON.parse('{"a":null,"b":[1,{"c":true}],"__proto__":"x"}')
      const { body } = yield* send((contacts) => contacts.updateFields(id, fields))
      assert.strictEqual(JSON.stringify(body), JSON.stringify({ fields }))
    })
  )

  it.effect("has limit and offset in the query", () =>
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

  it.effect("spells a plus as %2B", () =>
    Effect.gen(function* () {
      const { url } = yield* send((contacts) => contacts.search({ phone }))
      assert.strictEqual(url.search, "?phone=%2B15551234567")
    })
  )

  it.effect("names its contact in lower case", () =>
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

const notText = [null, 7, true, {}, [], () => phone, 7n, Symbol("x"), circular]

describe("an input that is refused", () => {
  it.effect.each<readonly [name: string, operation: Operation, args: ReadonlyArray<unknown>, path: string]>([
    ["a phone that is none", "upsert", [{ phone: "call me" }], "phone"],
    ["no phone", "upsert", [{}], "phone"],
    ["an undefined phone", "upsert", [{ phone: undefined }], "phone"],
    ["an e-mail that is none", "upsert", [{ phone, email: "jane" }], "email"],
    ["a name of null", "upsert", [{ phone, firstName: null }], "firstName"],
    ["a blank tag", "upsert", [{ phone, tags: ["vip", " "] }], "tags.1"],
    ["an empty field key", "upsert", [{ phone, fields: { "": 1 } }], "fields."],
    ["an undefined field", "upsert", [{ phone, fields: { city: undefined } }], "fields.city"],
    ["a function as a field", "updateFields", [id, { city: () => 1 }], "fields.city"],
    ["a NaN as a field", "updateFields", [id, { city: Number.NaN }], "fields.city"],
    ["a BigInt as a field", "updateFields", [id, { a: { b: [1n] } }], "fields.a"],
    ["a map as a field", "updateFields", [id, { since: new Map() }], "fields.since"],
    ["an unknown key", "upsert", [{ phone, city: "Oslo" }], "city"],
    ["a key in snake case", "upsert", [{ phone, first_name: "Jane" }], "first_name"],
    ["an unknown key of a search", "search", [{ name: "Jane", email: "x" }], "email"],
    ["a search without name and phone", "search", [{ limit: 1 }], ""],
    ["a search for nothing", "search", [{}], ""],
    ["a search for undefined", "search", [{ name: undefined, phone: undefined }], ""],
    ["a search for an empty name", "search", [{ name: "" }], "name"],
    ["a search for a lone surrogate", "search", [{ phone: "\ud83d" }], "phone"],
    ["a limit of 0", "search", [{ name: "Jane", limit: 0 }], "limit"],
    ["a limit that is no whole number", "search", [{ name: "Jane", limit: 1.5 }], "limit"],
    ["a limit of infinity", "search", [{ name: "Jane", limit: Infinity }], "limit"],
    ["a limit of text", "search", [{ name: "Jane", limit: "10" }], "limit"],
    ["a negative offset", "search", [{ name: "Jane", offset: -1 }], "offset"],
    ["an id that is no UUID", "delete", ["42"], "id"],
    ["an empty id", "delete", [""], "id"],
    ["an id with a path", "delete", [`${id}/tags`], "id"],
    ["an id with a line break", "delete", [`${id}\n`], "id"],
    ["tags that are no list", "addTags", [id, "vip"], "tags"],
    ["a tag that is no text", "addTags", [id, [7]], "tags.0"],
    ["a tag that is missing", "removeTag", [id], "tagIdOrName"],
    ["a key that is empty", "clearField", [id, ""], "key"],
    ["a getter that throws", "upsert", [throwing], ""],
    ["fields that contain themselves", "updateFields", [id, circular], "fields.self"]
  ])("%s", ([, operation, args, path]) =>
    Effect.gen(function* () {
      const { issues } = yield* refuse(operation, args)
      assert.include(
        issues.map((issue) => issue.path.join(".")),
        path
      )
    })
  )

  it.effect("is told about all at once", () =>
    Effect.gen(function* () {
      const { issues, message } = yield* refuse("upsert", [{ phone: "x", email: "y", tags: [""], color: "red" }])
      const places = issues.map((issue) => issue.path.join("."))
      for (const place of ["phone", "email", "tags.0", "color"]) assert.include(places, place)
      assert.match(message, /^Contacts\.upsert: the input was refused before sending: .+\(.*phone.*\)\.$/)
    })
  )

  it.effect("says which key is missing and which is too much, and not more than 50 of them", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>((yield* refuse("upsert", [{ city: "Oslo" }])).issues, [
        { path: ["city"], message: "Unknown key" },
        { path: ["phone"], message: "Required" }
      ])
      const blank = Array.from({ length: 51 }, () => " ")
      assert.lengthOf((yield* refuse("addTags", [id, blank])).issues, 50)
    })
  )

  it.effect("has a wrong type, wherever it stands", () =>
    Effect.gen(function* () {
      for (const bad of notText) {
        yield* refuse("upsert", [bad])
        yield* refuse("upsert", [{ phone: bad }])
        yield* refuse("upsert", [{ phone, lastName: bad }])
        yield* refuse("upsert", [{ phone, tags: [bad] }])
        yield* refuse("search", [bad])
        yield* refuse("search", [{ name: bad }])
        yield* refuse("delete", [bad])
        yield* refuse("clearField", [id, bad])
        yield* refuse("removeTag", [id, bad])
        yield* refuse("addTags", [id, [bad]])
      }
      for (const bad of [undefined, null, "x", 7, 7n, [], () => 1]) {
        yield* refuse("updateFields", [id, bad])
        yield* refuse("upsert", [bad])
        yield* refuse("search", [bad])
      }
    })
  )

  it.effect.each([100, 2_000, 5_000, 10_000, 50_000])("is either refused or sent when it is %d deep", (depth) =>
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
    ["upsert", [{ phone: secret, email: secret, tags: [{ secret }], fields: secret, firstName: [secret] }]],
    ["upsert", [secret]],
    ["upsert", [{ phone, fields: { city: new Set([secret]) } }]],
    ["search", [{ name: { secret }, phone: [secret], limit: secret, offset: secret }]],
    ["delete", [secret]],
    ["updateFields", [secret, secret]],
    ["clearField", [secret, `${secret}/../x`]],
    ["removeTag", [id, `${secret}/..`]],
    ["addTags", [id, [{ secret }, secret, ""]]]
  ])("%s says nothing of the value", ([operation, args]) =>
    Effect.gen(function* () {
      const error = yield* refuse(operation, args)
      assert.notInclude(JSON.stringify(error) + error.message, secret)
    })
  )
})

describe("what is sent is what was checked", () => {
  const evil = { toJSON: () => "changed" }

  it.effect.each<readonly [name: string, more: () => object, expected: object]>([
    ["a list with a form of its own", () => ({ tags: Object.assign(["vip"], evil) }), { tags: ["vip"] }],
    [
      "fields with a hidden form of their own",
      () => ({ fields: Object.defineProperty({ a: 1 }, "toJSON", { value: evil.toJSON }) }),
      { fields: { a: 1 } }
    ],
    [
      "a getter that gives something else each time",
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

  it.effect("what fields hold, and not what becomes of it when it is written", () =>
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

  it.effect("fields as they are, however deep", () =>
    Effect.gen(function* () {
      let deep: Json = "end"
      for (let level = 0; level < 300; level++) deep = level % 2 === 0 ? [deep] : { deep }
      const { body } = yield* send((contacts) => contacts.updateFields(id, { deep }))
      assert.deepStrictEqual(body, { fields: { deep } })
    })
  )

  it.effect("nothing of what is bytes, which would be refused one by one", () =>
    Effect.gen(function* () {
      const bytes = new Uint8Array(1_000_000)
      assert.lengthOf((yield* refuse("upsert", [bytes])).issues, 1)
      const { issues } = yield* refuse("updateFields", [id, bytes])
      assert.deepStrictEqual(issues, [{ path: ["fields"], message: "Expected a plain object of fields by key" }])
    })
  )

  it.effect("an instance of a class, with its getters", () =>
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

  it.effect("or nothing is sent, where it has no JSON form any more", () =>
    Effect.gen(function* () {
      const sealed = Object.defineProperty({ a: 1 }, "toJSON", {
        get: () => {
          throw new Error("gone")
        }
      })
      class Person {
        readonly phone = phone
        readonly fields = { home: sealed }
      }
      const error = yield* refuse("upsert", [new Person()])
      assert.deepStrictEqual(error.issues, [{ path: [], message: "Expected data that has a JSON form" }])
    })
  )
})
