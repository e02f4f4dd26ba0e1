import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import type { ConfigError } from "effect/Config"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { AgentalkError } from "../src/AgentalkError.ts"
import { Contacts } from "../src/Contacts.ts"
import * as Sandbox from "../src/Sandbox.ts"
import { contactsOver, id, json, make } from "./ScriptedApi.ts"

const parts = ["/", "\\", ".", "..", "%", "%2e", "%2F", "%00", "?", "#", ";", "&", "+", " ", "\u0000", "\r\n", "\u007f"]
const letters = ["a", "é", "e\u0301", "🎉", "\ud83d", "\udc00", "\u202e", "__proto__", "tags", "search", "null", "İ"]

/** Text made of characters that have a meaning in a URL, a router or a store. */
const hostile = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(Schema.Literals([...parts, ...letters])), { maxLength: 6 }),
  (chosen) => chosen.join("")
)

const table = [
  ...parts,
  ...letters,
  "",
  "a/b",
  "a//b",
  "../search",
  "..%2f..",
  "%2e%2e",
  "a?b=c#d",
  "a b",
  "a+b",
  "100%",
  "*",
  ":field_key",
  "{tag}",
  "constructor",
  "toString",
  "x".repeat(5_000)
]

/** Returns true if a call succeeds, and false if its input fails validation. Asserts that nothing else happens. */
const succeeds = Effect.fnUntraced(function* <A>(effect: Effect.Effect<A, AgentalkError>) {
  const result = yield* Effect.result(effect)
  if (Result.isSuccess(result)) return true
  assert.strictEqual(result.failure._tag, "Validation")
  assert.deepInclude(result.failure, { source: "client", outcome: "not-applied" })
  return false
})

const seeds = [
  { phone: "+15550000001", tags: ["keep", "tags", "search"], fields: { keep: 1, fields: 2 } },
  { phone: "+15550000002", tags: ["keep", "a", "b"], fields: { keep: 1, a: 2 } }
]

/** Adds a tag and removes it by name. Afterwards the contact is as before, or the tag is still there if it was refused. */
const tagRoundTrip = (tag: string) =>
  Effect.gen(function* () {
    const { contacts, seed } = yield* Sandbox.State
    const [one, two] = yield* seed(seeds)
    const hadTag = one!.tags!.some(({ name }) => name === tag)
    const api = yield* Contacts
    const isAdded = yield* succeeds(api.addTags(one!.id, [tag]))
    yield* succeeds(api.addTags(two!.id, [tag]))
    const [oneBefore, twoBefore] = yield* contacts()
    const names = oneBefore!.tags!.map(({ name }) => name)
    assert.strictEqual(names.includes(tag), isAdded)

    if (!isAdded) return
    const isRemoved = yield* succeeds(api.removeTag(one!.id, tag))
    const [oneAfter, twoAfter] = yield* contacts()
    assert.deepStrictEqual(twoAfter, twoBefore)
    const tags = oneBefore!.tags!.filter(({ name }) => !isRemoved || name !== tag)
    assert.deepStrictEqual(oneAfter, Object.assign({}, oneBefore, { tags }))
    if (isRemoved && !hadTag) assert.deepStrictEqual(oneAfter, one)
  }).pipe(Effect.provide(Sandbox.layer))

const builtIns = new Set(["phone", "email", "firstName", "first_name", "lastName", "last_name"])

/** Sets a custom field and clears it by key. Afterwards it is gone, or it is still there if the key was refused. */
const fieldRoundTrip = (key: string) =>
  Effect.gen(function* () {
    if (builtIns.has(key)) return
    const { contacts, seed } = yield* Sandbox.State
    const [one, two] = yield* seed(seeds)
    const api = yield* Contacts
    const isSet = yield* succeeds(api.updateFields(one!.id, Object.fromEntries([[key, "mine"]])))
    const [set] = yield* contacts()
    assert.strictEqual(Object.hasOwn(set!.fields!, key) && Reflect.get(set!.fields!, key) === "mine", isSet)

    if (!isSet) return
    const isCleared = yield* succeeds(api.clearField(one!.id, key))
    const [oneAfter, twoAfter] = yield* contacts()
    assert.deepStrictEqual(twoAfter, two)
    const fields = Object.entries(set!.fields!).filter(([name]) => !isCleared || name !== key)
    assert.deepStrictEqual(Object.entries(oneAfter!.fields!), fields)
  }).pipe(Effect.provide(Sandbox.layer))

/** Uses a value as tag, field key and contact id. Returns which calls succeeded and the URLs that were sent. */
const sentFor = Effect.fnUntraced(function* (value: string) {
  const { client, sent } = make(() => json(200, {}))
  const contacts = yield* contactsOver(client)
  const successes = [
    yield* succeeds(contacts.removeTag(id, value)),
    yield* succeeds(contacts.clearField(id, value)),
    yield* succeeds(contacts.delete(value))
  ]
  return { successes, hrefs: sent.map(({ url }) => url.href) }
})

const urlRoundTrip = (value: string) =>
  Effect.gen(function* () {
    const { hrefs, successes } = yield* sentFor(value)
    assert.isFalse(successes[2])
    assert.strictEqual(successes[0], successes[1])
    const path = `https://api.agentalk.io/api/contacts/${id}`
    assert.deepStrictEqual(
      hrefs,
      successes[0] ? [`${path}/tags/${encodeURIComponent(value)}`, `${path}/fields/${encodeURIComponent(value)}`] : []
    )
  })

const queryRoundTrip = (value: string) =>
  Effect.gen(function* () {
    const { client, sent } = make(() => json(200, { contacts: [] }))
    const contacts = yield* contactsOver(client)
    const isSent = yield* succeeds(contacts.search({ name: value, phone: value }))
    assert.lengthOf(sent, isSent ? 1 : 0)
    for (const { url } of sent) {
      assert.strictEqual(url.pathname + url.hash, "/api/contacts/search")
      assert.deepStrictEqual([...url.searchParams.getAll("name"), ...url.searchParams.getAll("phone")], [value, value])
      assert.strictEqual(url.searchParams.size, 2)
    }
  })

describe("a value in a request addresses exactly its own resource, or nothing is sent", () => {
  const trips: ReadonlyArray<
    readonly [string, (value: string) => Effect.Effect<void, Schema.SchemaError | ConfigError>]
  > = [
    ["a tag", tagRoundTrip],
    ["a field key", fieldRoundTrip],
    ["a URL", urlRoundTrip],
    ["a query", queryRoundTrip]
  ]

  describe.each(trips)("as %s", (_, trip) => {
    it.effect("for each value of the table", () => Effect.forEach(table, trip, { discard: true }))
    it.effect.prop("for any hostile text", [hostile], ([value]) => trip(value), { arbitrary: { runs: 80 } })
    it.effect.prop("for any text", [Schema.String], ([value]) => trip(value), { arbitrary: { runs: 40 } })
  })

  it.effect("and a value that could address another resource fails validation", () =>
    Effect.gen(function* () {
      for (const value of ["", ".", "..", "/", "a//b", "../search", "..\\x", "\ud83d", "a/"]) {
        assert.deepStrictEqual((yield* sentFor(value)).hrefs, [], JSON.stringify(value))
      }
      for (const value of ["a/b", "100%", "%2e%2e", "a?b=c#d", "...", " ", "\u0000"]) {
        assert.lengthOf((yield* sentFor(value)).hrefs, 2, JSON.stringify(value))
      }
    })
  )
})

describe("a plus", () => {
  it.effect("in a searched phone is received as a plus", () =>
    Effect.gen(function* () {
      const { seed } = yield* Sandbox.State
      yield* seed([{ phone: "+15551234567" }, { phone: "+15559999999" }])
      const { contacts } = yield* (yield* Contacts).search({ phone: "+15551234567" })
      assert.deepStrictEqual(
        contacts.map(({ phone }) => phone),
        ["+15551234567"]
      )
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("in a searched name is not decoded to a space", () =>
    Effect.gen(function* () {
      const { seed } = yield* Sandbox.State
      yield* seed([
        { phone: "+15551234567", firstName: "a+b" },
        { phone: "+15559999999", firstName: "a b" }
      ])
      const api = yield* Contacts
      const pages = yield* Effect.forEach(["a+b", "a b", "a%2Bb"], (name) => api.search({ name }))
      const found = pages.map(({ contacts }) => contacts.map(({ firstName }) => firstName))
      assert.deepStrictEqual(found, [["a+b"], ["a b"], []])
    }).pipe(Effect.provide(Sandbox.layer))
  )
})
