import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import type { ConfigError } from "effect/Config"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { AgentalkError } from "../src/AgentalkError.ts"
import { Contacts } from "../src/Contacts.ts"
import { attributeNames, attributes } from "../src/internal/attributes.ts"
import { factsOf, operationNames } from "../src/internal/operation.ts"
import { type Operation, operations } from "../src/Operations.ts"
import * as Sandbox from "../src/Sandbox.ts"
import { sampleOf } from "./OperationTable.ts"
import { acceptedBody, callWith, contactsOver, json, make } from "./ScriptedApi.ts"

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

/** The keys that `clearField` does not treat as custom fields. */
const builtIns: ReadonlySet<string> = new Set([
  "phone",
  ...attributeNames.filter((name) => attributes[name].isClearable).flatMap((name) => attributes[name].spellings)
])

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

/** Each path parameter of each operation. */
const pathParameters = operationNames.flatMap((operation) =>
  factsOf(operation).parameters.map(({ inputName, wireName }) => ({ operation, inputName, wireName }))
)

/** The path parameters that accept text: all but the id of a contact. */
const textParameters = pathParameters.filter(({ wireName }) => wireName !== "contact_id")

/** The path of an operation with its sample values, and with `value` for one path parameter. */
const pathWith = (operation: Operation, inputName: string, value: string): string =>
  factsOf(operation).parameters.reduce<string>((path, parameter) => {
    const sent = parameter.inputName === inputName ? value : String(sampleOf(operation)[parameter.inputName])
    return path.replace(`{${parameter.wireName}}`, () => encodeURIComponent(sent))
  }, operations[operation].path)

/** Uses a value as each path parameter. Returns the parameters that were accepted and the URLs that were sent. */
const sentFor = Effect.fnUntraced(function* (value: string) {
  const { client, sent } = make(() => json(200, acceptedBody))
  const contacts = yield* contactsOver(client)
  const accepted = yield* Effect.filter(pathParameters, ({ inputName, operation }) =>
    succeeds(callWith(operation, { ...sampleOf(operation), [inputName]: value })(contacts))
  )
  return { accepted, hrefs: sent.map(({ url }) => url.href) }
})

const urlRoundTrip = (value: string) =>
  Effect.gen(function* () {
    const { accepted, hrefs } = yield* sentFor(value)
    assert.deepStrictEqual(accepted, accepted.length === 0 ? [] : textParameters)
    assert.deepStrictEqual(
      hrefs,
      accepted.map(({ inputName, operation }) => `https://api.agentalk.io${pathWith(operation, inputName, value)}`)
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
        assert.lengthOf((yield* sentFor(value)).hrefs, textParameters.length, JSON.stringify(value))
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
