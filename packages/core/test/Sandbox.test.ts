import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Struct from "effect/Struct"
import type { Contact } from "../src/Contact.ts"
import { Contacts } from "../src/Contacts.ts"
import { attributeNames, attributes } from "../src/internal/attributes.ts"
import * as Sandbox from "../src/Sandbox.ts"

const orgB = "bbbbbbbb-0000-4000-8000-000000000002"
const missingId = "00000000-0000-4000-8000-000000000000"
const phone = "+15551234567"

const contacts = Effect.flatMap(Sandbox.State, (state) => state.contacts())
const seed = (...inputs: Parameters<Sandbox.State["Service"]["seed"]>) =>
  Effect.flatMap(Sandbox.State, (state) => state.seed(...inputs))

const withSandbox = <A, E>(effect: Effect.Effect<A, E, Contacts | Sandbox.State>) =>
  Effect.provide(effect, Sandbox.layer)

const tagIdOf = (contact: Contact | undefined, tag: string) => contact?.tags?.find(({ name }) => name === tag)?.id

describe("the operations of the sandbox", () => {
  it.effect("upsert finds a contact by the digits of its phone", () =>
    withSandbox(
      Effect.gen(function* () {
        const api = yield* Contacts
        const first = yield* api.upsert({ phone, firstName: "Jane", tags: ["a"], fields: { x: 1, y: 1 } })
        const second = yield* api.upsert({ phone: "1 555 123-4567", tags: ["b", "a"], fields: { y: 2, z: 3 } })
        assert.deepStrictEqual([first.isNew, second.isNew], [true, false])
        assert.deepStrictEqual(yield* contacts, [second.contact])
        const { extra: _, tags, ...rest } = second.contact
        assert.deepStrictEqual<unknown>(rest, {
          id: first.contact.id,
          phone,
          firstName: "Jane",
          fields: { x: 1, y: 2, z: 3 }
        })
        assert.deepStrictEqual(
          tags?.map(({ name }) => name),
          ["a", "b"]
        )
      })
    )
  )

  it.effect("delete removes a contact and frees its phone", () =>
    withSandbox(
      Effect.gen(function* () {
        const api = yield* Contacts
        const { contact } = yield* api.upsert({ phone })
        yield* api.delete(contact.id.toUpperCase())
        assert.deepStrictEqual(yield* contacts, [])
        assert.strictEqual((yield* Effect.flip(api.delete(contact.id)))._tag, "NotFound")
        assert.isTrue((yield* api.upsert({ phone })).isNew)
      })
    )
  )

  it.effect("stores copies, so that a test cannot change a contact by mutating its input or output", () =>
    withSandbox(
      Effect.gen(function* () {
        const list = [1]
        const [seeded] = yield* seed([{ phone, fields: { list } }])
        list.push(2)
        for (const contact of [seeded, (yield* contacts)[0]]) Object.assign(contact?.fields?.["list"] ?? [], [3])
        assert.deepStrictEqual((yield* contacts)[0]?.fields, { list: [1] })
      })
    )
  )

  it.effect("a tag has the same id on every contact", () =>
    withSandbox(
      Effect.gen(function* () {
        const [one, other] = yield* seed([
          { phone, tags: ["a", "b"] },
          { phone: "+15559999999", tags: ["b", "c"] }
        ])
        assert.strictEqual(tagIdOf(other, "b"), tagIdOf(one, "b"))
        assert.strictEqual(new Set([tagIdOf(one, "a"), tagIdOf(one, "b"), tagIdOf(other, "c")]).size, 3)
      })
    )
  )

  it.effect("search by name does not find a contact without a name", () =>
    withSandbox(
      Effect.gen(function* () {
        yield* seed([{ phone }])
        assert.deepStrictEqual((yield* (yield* Contacts).search({ name: "e" })).contacts, [])
      })
    )
  )

  it.effect("updateFields and addTags keep the other fields and tags", () =>
    withSandbox(
      Effect.gen(function* () {
        const api = yield* Contacts
        const [before] = yield* seed([{ phone, tags: ["a"], fields: { x: 1, y: 1 } }])
        const updated = yield* api.updateFields(before!.id, { y: null, z: { deep: [1] } })
        assert.deepStrictEqual<unknown>(Option.getOrThrow(updated).fields, { x: 1, y: null, z: { deep: [1] } })
        const tagged = yield* api.addTags(before!.id, ["b", "a", "b"])
        assert.deepStrictEqual(
          Option.getOrThrow(tagged).tags?.map(({ name }) => name),
          ["a", "b"]
        )
      })
    )
  )

  const clearable = attributeNames.filter((name) => attributes[name].isClearable)

  it.effect.each(clearable.flatMap((name) => attributes[name].spellings.map((key) => ({ key, name }))))(
    "clearField clears $name by the key $key",
    ({ key, name }) =>
      withSandbox(
        Effect.gen(function* () {
          // Every clearable attribute accepts the text of an e-mail address.
          const values = Object.fromEntries(clearable.map((each) => [each, "jane@example.com"]))
          const [before] = yield* seed([{ phone, ...values, fields: { x: 1 } }])
          assert.include(before, values)
          const { clearField } = yield* Contacts
          const after = Option.getOrThrow(yield* clearField(before!.id, key))
          assert.deepStrictEqual<unknown>(after, Struct.omit(before!, [name]))
          assert.deepStrictEqual(yield* contacts, [after])
        })
      )
  )

  it.effect("clearField clears a custom field", () =>
    withSandbox(
      Effect.gen(function* () {
        const [before] = yield* seed([{ phone, firstName: "Jane", email: "jane@example.com", fields: { x: 1, y: 2 } }])
        const { clearField } = yield* Contacts
        const after = Option.getOrThrow(yield* clearField(before!.id, "x"))
        assert.deepStrictEqual<unknown>(after, Object.assign({}, before, { fields: { y: 2 } }))
        assert.deepStrictEqual(yield* contacts, [after])
      })
    )
  )

  it.effect("clearField refuses the phone, and missing contacts, fields and tags are NotFound", () =>
    withSandbox(
      Effect.gen(function* () {
        const api = yield* Contacts
        const [{ id }] = (yield* seed([{ phone, fields: { x: 1 }, tags: ["a"] }])) as readonly [Contact]
        const error = yield* Effect.flip(api.clearField(id, "phone"))
        assert.deepInclude(error, { _tag: "Validation", source: "server", status: 400 })
        assert.deepStrictEqual("issues" in error && error.issues?.map(({ path }) => path), [["phone"]])
        for (const call of [
          api.clearField(id, "nope"),
          api.clearField(id, "__proto__"),
          api.removeTag(id, "nope"),
          api.clearField(missingId, "x"),
          api.removeTag(missingId, "a"),
          api.addTags(missingId, ["a"]),
          api.updateFields(missingId, {}),
          api.delete(missingId)
        ]) {
          assert.deepInclude(yield* Effect.flip(call), { _tag: "NotFound", status: 404, outcome: "not-applied" })
        }
        // Clearing a built-in field that has no value succeeds.
        yield* api.clearField(id, "email")
      })
    )
  )

  it.effect("removeTag removes one tag by id or name", () =>
    withSandbox(
      Effect.gen(function* () {
        const api = yield* Contacts
        const [{ id, tags }] = (yield* seed([{ phone, tags: ["a", "b", "c"] }])) as readonly [Contact]
        const names = Effect.map(contacts, ([one]) => one!.tags!.map(({ name }) => name))
        yield* api.removeTag(id, tags![0]!.id!)
        assert.deepStrictEqual(yield* names, ["b", "c"])
        yield* api.removeTag(id, "c")
        assert.deepStrictEqual(yield* names, ["b"])
      })
    )
  )

  it.effect("removeTag prefers a tag name to the id of another tag", () =>
    withSandbox(
      Effect.gen(function* () {
        const api = yield* Contacts
        const [before] = yield* seed([{ phone, tags: ["a", "1"] }])
        assert.strictEqual(before!.tags![0]!.id, "1")
        yield* api.removeTag(before!.id, "1")
        assert.deepStrictEqual(
          (yield* contacts)[0]!.tags!.map(({ name }) => name),
          ["a"]
        )
      })
    )
  )
})

layer(Sandbox.layerOptions({ maxPageSize: 60 }))("search", (it) => {
  const people = Array.from({ length: 70 }, (_, i) => ({
    phone: `+1555000${String(1000 + i)}`,
    firstName: i % 2 === 0 ? "Jane" : "Joe",
    lastName: `Doe-${i}`
  }))

  it.effect("finds contacts by part of a name, by phone, and by both", () =>
    Effect.gen(function* () {
      yield* seed(people)
      const api = yield* Contacts
      const count = (query: Parameters<typeof api.search>[0]) =>
        Effect.map(api.search(query), ({ total }) => Option.getOrThrow(total))
      assert.strictEqual(yield* count({ name: "JAN" }), 35)
      assert.strictEqual(yield* count({ name: "e doe-7" }), 1)
      assert.strictEqual(yield* count({ name: "doe-6" }), 11)
      assert.strictEqual(yield* count({ name: "nobody" }), 0)
      assert.strictEqual(yield* count({ phone: "+15550001007" }), 1)
      assert.strictEqual(yield* count({ phone: "(555) 000-1007" }), 1)
      assert.strictEqual(yield* count({ phone: "no digits" }), 0)
      assert.strictEqual(yield* count({ phone: "5550001007", name: "joe" }), 1)
      assert.strictEqual(yield* count({ phone: "5550001007", name: "jane" }), 0)
    })
  )

  it.effect("returns pages of at most maxPageSize contacts", () =>
    Effect.gen(function* () {
      const api = yield* Contacts
      const page = (limit?: number, offset?: number) =>
        Effect.map(api.search({ name: "doe", limit, offset }), (found) => [
          found.contacts.length,
          found.contacts[0]?.lastName,
          Option.getOrThrow(found.total)
        ])
      assert.deepStrictEqual(yield* page(), [50, "Doe-0", 70])
      assert.deepStrictEqual(yield* page(10), [10, "Doe-0", 70])
      assert.deepStrictEqual(yield* page(10, 65), [5, "Doe-65", 70])
      assert.deepStrictEqual(yield* page(1_000), [60, "Doe-0", 70])
      assert.deepStrictEqual(yield* page(10, 70), [0, undefined, 70])
      assert.deepStrictEqual(yield* page(10, 1_000_000), [0, undefined, 70])
    })
  )
})

describe("Sandbox.State", () => {
  it.effect("seed applies the rules of upsert and assigns ids in order", () =>
    withSandbox(
      Effect.gen(function* () {
        const seeded = yield* seed([{ phone: "+1 (555) 123-4567", tags: ["a"] }, { phone: "+15559999999" }])
        assert.deepStrictEqual(
          seeded.map((one) => [one.id, one.phone]),
          [
            ["5a4db0c5-0000-4000-8000-000000000001", "+15551234567"],
            ["5a4db0c5-0000-4000-8000-000000000002", "+15559999999"]
          ]
        )
        assert.deepStrictEqual(yield* contacts, seeded)
        yield* seed([{ phone }], orgB)
        assert.lengthOf(yield* contacts, 2)
        const error = yield* Effect.flip(seed([{ phone: "x" }]))
        assert.strictEqual(error._tag, "SchemaError")
        assert.lengthOf(yield* (yield* Contacts).search({ phone }).pipe(Effect.map((page) => page.contacts)), 1)
      })
    )
  )

  it.effect("every build of the layer starts empty", () =>
    Effect.gen(function* () {
      yield* withSandbox(seed([{ phone }]))
      assert.deepStrictEqual(yield* withSandbox(contacts), [])
    })
  )
})
