import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { type AgentalkError, NotFound } from "../src/AgentalkError.ts"
import type { Operation } from "../src/Operations.ts"
import { type ClearableAttribute, Contact, ContactId } from "../src/Contact.ts"
import { Contacts } from "../src/Contacts.ts"
import * as ContactsStream from "../src/ContactsStream.ts"
import * as CustomFields from "../src/CustomFields.ts"
import { attributeNames, attributes } from "../src/internal/attributes.ts"
import { operationNames } from "../src/internal/operation.ts"
import * as Sandbox from "../src/Sandbox.ts"
import { replaceContacts } from "./OperationTable.ts"
import { calls, contactsOver, id, json, make } from "./ScriptedApi.ts"

const phone = "+15551234567"

class Customers extends CustomFields.Service<Customers>()("test/Customers", {
  city: Schema.String,
  visits: Schema.FiniteFromString,
  since: Schema.DateTimeUtcFromString,
  plan: Schema.Literals(["free", "pro"]),
  score: Schema.Int,
  nick: Schema.optionalKey(Schema.String),
  motto: Schema.optional(Schema.FiniteFromString),
  draft: Schema.mutableKey(Schema.Boolean),
  referrer: Schema.NullOr(Schema.String),
  address: Schema.Struct({ street: Schema.String, zip: Schema.optionalKey(Schema.FiniteFromString) }),
  languages: Schema.Array(Schema.String)
}) {}

const since = DateTime.makeUnsafe("2024-02-29T12:00:00Z")

const stored = (fields: Contact["fields"] & {}) => Contact.make({ id: ContactId.make(id), phone, fields })

/** Builds a custom fields service on any `Contacts`. */
const over = <S, Id extends string, F extends CustomFields.Fields>(
  service: CustomFields.ServiceClass<S, Id, F>,
  contacts: Contacts["Service"]
) =>
  Effect.gen(function* () {
    return yield* service
  }).pipe(Effect.provide(Layer.provide(service.layer, Layer.succeed(Contacts, contacts))))

/** Builds a custom fields service on an API that answers every request with `body`. `sent` holds the requests. */
const scripted = Effect.fnUntraced(function* <S, Id extends string, F extends CustomFields.Fields>(
  service: CustomFields.ServiceClass<S, Id, F>,
  body: unknown = { id }
) {
  const { client, sent } = make(() => json(200, body))
  return { customers: yield* over(service, yield* contactsOver(client)), sent }
})

describe("an input", () => {
  it.effect("is encoded by the schemas", () =>
    Effect.gen(function* () {
      const { customers, sent } = yield* scripted(Customers)
      const fields = {
        visits: 3,
        since,
        plan: "pro",
        draft: false,
        referrer: null,
        address: { street: "Main", zip: 1234 },
        languages: ["en"]
      } as const
      const wire = {
        visits: "3",
        since: "2024-02-29T12:00:00.000Z",
        plan: "pro",
        draft: false,
        referrer: null,
        address: { street: "Main", zip: "1234" },
        languages: ["en"]
      }
      yield* customers.upsert({ phone, firstName: "Jane", fields })
      yield* customers.updateFields(id, fields)
      assert.deepStrictEqual(
        sent.map(({ body, method }) => [method, body]),
        [
          ["POST", { phone, firstName: "Jane", fields: wire }],
          ["PATCH", { fields: wire }]
        ]
      )
    })
  )

  it.effect("may be a class instance with getters", () =>
    Effect.gen(function* () {
      class Row {
        get phone() {
          return phone
        }
        get firstName() {
          return "Jane"
        }
        get tags() {
          return ["vip"]
        }
        get fields(): { readonly visits: number } {
          return { visits: 7 }
        }
      }
      const { customers, sent } = yield* scripted(Customers)
      yield* customers.upsert(new Row())
      assert.deepStrictEqual(sent[0]?.body, { phone, firstName: "Jane", tags: ["vip"], fields: { visits: "7" } })
    })
  )

  it.effect("is sent without its undefined values", () =>
    Effect.gen(function* () {
      const { customers, sent } = yield* scripted(Customers)
      yield* customers.upsert({ phone, fields: undefined })
      yield* customers.upsert({ phone, fields: { city: undefined, motto: undefined, score: 1 } })
      yield* customers.updateFields(id, { city: undefined })
      assert.deepStrictEqual(
        sent.map(({ body }) => body),
        [{ phone }, { phone, fields: { score: 1 } }, { fields: {} }]
      )
    })
  )

  it.effect("of clearField names a built-in or a custom field", () =>
    Effect.gen(function* () {
      const { customers, sent } = yield* scripted(Customers)
      const clearable = attributeNames.filter((name): name is ClearableAttribute => attributes[name].isClearable)
      const keys = [...clearable, "visits"] as const
      for (const key of keys) yield* customers.clearField(id, key)
      assert.includeMembers([...keys], ["email", "firstName", "lastName"])
      assert.deepStrictEqual(
        sent.map(({ method, url }) => [method, url.pathname.split("/").at(-1)]),
        keys.map((key) => ["DELETE", key])
      )
    })
  )

  it.effect("is encoded again each time the call runs", () =>
    Effect.gen(function* () {
      const { customers, sent } = yield* scripted(Customers)
      const fields = { score: 1 }
      const call = customers.updateFields(id, fields)
      yield* call
      fields.score = 2
      yield* call
      assert.deepStrictEqual(
        sent.map(({ body }) => body),
        [{ fields: { score: 1 } }, { fields: { score: 2 } }]
      )
    })
  )
})

/** The methods without their types, as plain JavaScript calls them. */
type Untyped = Readonly<Record<Operation, (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown, AgentalkError>>>

const secret = "Zaphod-7261"

// The error messages of these schemas contain the rejected value.
const checked = Schema.String.check(Schema.makeFilter((text: string) => `${text} is no good`))
const named = Schema.String.check(Schema.makeFilter((text: string) => `${text} is no good`, { message: "Be good" }))
const expected = Schema.String.check(
  Schema.makeFilter((text: string) => `${text} is no good`, { expected: "the good" })
)
const failing = (text: string) => Effect.fail(new SchemaIssue.InvalidValue({ message: `${text} is no good` }))
const invalid = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transformEffect<string, string>({ decode: failing, encode: failing })
  )
)
const forbidding = SchemaGetter.forbidden<string, string>((text) => `${Option.getOrElse(text, () => "")} is no good`)
const forbidden = Schema.String.pipe(Schema.decodeTo(Schema.String, { decode: forbidding, encode: forbidding }))
const throwing = (text: string): string => {
  throw new Error(text)
}
const defective = Schema.String.pipe(
  Schema.decodeTo(Schema.String, SchemaTransformation.transform({ decode: throwing, encode: throwing }))
)
const asPromise = (text: string) => Effect.promise(() => Promise.resolve(text))
const asynchronous = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transformEffect<string, string>({ decode: asPromise, encode: asPromise })
  )
)

class Strict extends CustomFields.Service<Strict>()("test/Strict", {
  checked,
  named,
  expected,
  invalid,
  forbidden,
  defective,
  asynchronous,
  plan: Schema.Literals(["free", "pro"]),
  since: Schema.DateTimeUtcFromString,
  finite: Schema.FiniteFromString,
  byPhone: Schema.Record(Schema.String, Schema.Finite)
}) {}

const notSynchronous = "Expected a schema that is synchronous and does not throw"

/** The issue message that each field of `Strict` produces for a rejected value. */
const issueMessages = {
  checked: "Expected a valid value",
  named: "Be good",
  expected: "Expected the good",
  invalid: "Expected a valid value",
  forbidden: "Expected a valid value",
  defective: notSynchronous,
  asynchronous: notSynchronous,
  plan: 'Expected "free" | "pro"'
}

describe("an invalid input", () => {
  const reject = Effect.fnUntraced(function* (operation: Operation, ...args: ReadonlyArray<unknown>) {
    const { customers, sent } = yield* scripted(Strict)
    const error = yield* Effect.flip((customers as unknown as Untyped)[operation](...args))
    assert.lengthOf(sent, 0)
    assert(error._tag === "Validation")
    assert.deepInclude(error, { operation, source: "client", outcome: "not-applied", attempts: 0 })
    assert.notInclude(JSON.stringify(error) + error.message, secret)
    return error
  })

  it.effect("fails with an issue for every invalid field, without the values", () =>
    Effect.gen(function* () {
      const fields = Object.fromEntries(Object.keys(issueMessages).map((key) => [key, secret]))
      const issues = Object.entries(issueMessages).map(([key, message]) => ({ path: ["fields", key], message }))
      assert.deepStrictEqual((yield* reject("updateFields", id, fields)).issues, issues)
      const { issues: same, message } = yield* reject("upsert", { phone, fields })
      assert.deepStrictEqual(same, issues)
      assert.match(message, /^Contacts\.upsert: the input was refused before sending: .+\(fields\.checked\)/)
    })
  )

  it.effect("fails with a path that ends at the field, because keys inside a value may be personal data", () =>
    Effect.gen(function* () {
      const { issues } = yield* reject("updateFields", id, { byPhone: { [secret]: "many" } })
      assert.deepStrictEqual(issues, [{ path: ["fields", "byPhone"], message: "Expected number" }])
    })
  )

  it.effect("fails with an issue for every key without a schema", () =>
    Effect.gen(function* () {
      const fields = parse('{"plan":"pro","pln":"pro","__proto__":"x","constructor":1}')
      assert.deepStrictEqual(
        (yield* reject("updateFields", id, fields)).issues,
        ["pln", "__proto__", "constructor"].map((key) => ({ path: ["fields", key], message: "Unknown key" }))
      )
      assert.lengthOf((yield* reject("upsert", { phone, fields: { pln: undefined } })).issues, 1)
      for (const key of ["pln", "phone", "constructor", "__proto__", "", undefined, 7, ["plan"], Object.create(null)]) {
        const { issues } = yield* reject("clearField", id, key)
        assert.deepStrictEqual(issues[0]?.path, ["key"])
      }
    })
  )

  it.effect("fails with an issue for an unknown key beside the fields", () =>
    Effect.gen(function* () {
      const input = { phone, fields: { plan: "pro" }, nickname: "JD" }
      assert.deepStrictEqual((yield* reject("upsert", input)).issues, [{ path: ["nickname"], message: "Unknown key" }])
    })
  )

  it.effect("fails with an issue for a nested key that the schema would drop", () =>
    Effect.gen(function* () {
      const { customers, sent } = yield* scripted(Customers)
      const address = { street: "Main St", zip: 1, city: "lost" }
      const error = yield* Effect.flip(customers.updateFields(id, { address }))
      assert.deepStrictEqual(error._tag === "Validation" && error.issues, [
        { path: ["fields", "address"], message: "Expected no unknown keys" }
      ])
      assert.lengthOf(sent, 0)
    })
  )

  it.effect("fails with Validation if the fields are not a plain object", () =>
    Effect.gen(function* () {
      for (const bad of [null, "x", 7, [], new Map([["plan", "pro"]]), () => 1]) {
        assert.deepStrictEqual((yield* reject("updateFields", id, bad)).issues[0]?.path, ["fields"])
        assert.deepStrictEqual((yield* reject("upsert", { phone, fields: bad })).issues[0]?.path, ["fields"])
        yield* reject("upsert", bad)
        yield* reject("search", bad)
      }
      const hostile = {
        get plan() {
          throw new Error(secret)
        }
      }
      yield* reject("updateFields", id, hostile)
      yield* reject("upsert", { phone, fields: hostile })
    })
  )
})

const parse = (text: string) => JSON.parse(text)

describe("a decoded contact", () => {
  it("has its fields decoded by the schemas", () => {
    const { fields, invalidFields, otherFields, ...others } = Customers.decode(
      stored({ visits: "3", since: "2024-02-29T12:00:00Z", address: { street: "Main", zip: "1234" }, referrer: null })
    )
    assert.deepStrictEqual(fields, { visits: 3, since, address: { street: "Main", zip: 1234 }, referrer: null })
    assert.deepStrictEqual(invalidFields, [])
    assert.deepStrictEqual(otherFields, {})
    assert.deepStrictEqual(others, { id: ContactId.make(id), phone, extra: {} })
  })

  it("lists values that do not match their schema in invalidFields", () => {
    const { fields, invalidFields } = Strict.decode(
      stored({
        ...Object.fromEntries(Object.keys(issueMessages).map((key) => [key, secret])),
        finite: "7",
        since: "soon"
      })
    )
    assert.deepStrictEqual(fields, { finite: 7 })
    const invalidEntries: ReadonlyArray<{ key: string; value: Schema.Json; message: string }> = invalidFields
    assert.deepStrictEqual(invalidEntries, [
      ...Object.entries(issueMessages).map(([key, message]) => ({ key, value: secret, message })),
      { key: "since", value: "soon", message: "Expected a valid UTC DateTime string" }
    ])
  })

  it("treats null as a missing field, unless the schema allows null", () => {
    const { fields, invalidFields } = Customers.decode(stored({ city: null, nick: null, motto: null, referrer: null }))
    assert.deepStrictEqual(fields, { referrer: null })
    assert.deepStrictEqual(invalidFields, [])
    assert.deepStrictEqual(Customers.decode(Contact.make({ id: ContactId.make(id) })).fields, {})
  })

  it("has the schema's default for a missing field", () => {
    class Defaults extends CustomFields.Service<Defaults>()("test/Defaults", {
      visits: Schema.FiniteFromString.pipe(Schema.withDecodingDefaultKey(Effect.succeed("0"))),
      nick: Schema.OptionFromOptionalKey(Schema.String)
    }) {}
    const absent = { visits: 0, nick: Option.none() }
    assert.deepStrictEqual(Defaults.decode(stored({})).fields, absent)
    assert.deepStrictEqual(Defaults.decode(stored({ visits: null })).fields, absent)
    const { fields, invalidFields } = Defaults.decode(stored({ visits: "x", nick: "Jo" }))
    assert.deepStrictEqual(fields, { nick: Option.some("Jo") })
    assert.lengthOf(invalidFields, 1)
  })

  it("keeps fields without a schema in otherFields, and treats __proto__ and constructor as ordinary keys", () => {
    class Odd extends CustomFields.Service<Odd>()("test/Odd", {
      ["__proto__"]: Schema.FiniteFromString,
      constructor: Schema.FiniteFromString,
      toString: Schema.FiniteFromString,
      valueOf: Schema.FiniteFromString.pipe(Schema.withDecodingDefaultKey(Effect.succeed("3")))
    }) {}
    const odd = Odd.decode(stored(parse('{"__proto__":"1","constructor":"2","hasOwnProperty":"3"}')))
    assert.strictEqual(JSON.stringify(odd.fields), '{"__proto__":1,"constructor":2,"valueOf":3}')
    assert.deepStrictEqual(odd.otherFields, { hasOwnProperty: "3" })
    const plain = Customers.decode(stored(parse('{"city":"Oslo","__proto__":{"visits":"1"},"constructor":null}')))
    assert.deepStrictEqual(plain.fields, { city: "Oslo" })
    assert.strictEqual(JSON.stringify(plain.otherFields), '{"__proto__":{"visits":"1"},"constructor":null}')
  })

  it("has no fields if a stub in plain JavaScript sets fields to null", () => {
    const contact = Customers.decode(Object.assign(stored({}), { fields: null }))
    assert.deepStrictEqual([contact.fields, contact.otherFields], [{}, {}])
  })

  it.effect("replaces every contact in the result of every operation, and the request is the same", () =>
    Effect.gen(function* () {
      const contact = { id, fields: { visits: "3", hat: 1 } }
      const body = { contact, contacts: [contact], total: 1, isNew: true }
      for (const operation of operationNames) {
        const { customers, sent } = yield* scripted(Customers, body)
        const plain = make(() => json(200, body))
        const call = calls[operation]
        const expected = replaceContacts(yield* call(yield* contactsOver(plain.client)), Customers.decode)
        const result: unknown = yield* call(customers as unknown as Contacts["Service"])
        assert.deepStrictEqual(result, expected, operation)
        assert.deepStrictEqual(sent, plain.sent)
      }
      const { customers } = yield* scripted(Customers, body)
      const [found] = (yield* customers.search({ phone })).contacts
      assert.deepStrictEqual([found?.fields, found?.otherFields], [{ visits: 3 }, { hat: 1 }])
    })
  )
})

describe("the service", () => {
  class Rich extends CustomFields.Service<Rich>()("test/Rich", {
    ...Customers.fields,
    big: Schema.BigIntFromString,
    maybe: Schema.OptionFromNullOr(Schema.Finite),
    ages: Schema.Record(Schema.String, Schema.Int),
    ["__proto__"]: Schema.FiniteFromString,
    constructor: Schema.Boolean
  }) {}

  it.effect.prop(
    "reads the same values that it wrote",
    [Schema.toType(Schema.Struct(Rich.fields).mapFields(Struct.map(Schema.optionalKey)))],
    ([values]) =>
      Effect.gen(function* () {
        const customers = yield* Rich
        const { contact } = yield* customers.upsert({ phone, fields: values })
        const written = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
        // `Equal` ignores the sign of zero, which JSON does not keep.
        assert.isTrue(Equal.equals(contact.fields, written))
        assert.deepStrictEqual(contact.invalidFields, [])
        assert.deepStrictEqual(contact.otherFields, {})
        const [found] = (yield* customers.search({ phone })).contacts
        assert.deepStrictEqual(found, contact)
        return true
      }).pipe(Effect.provide(Layer.provide(Rich.layer, Sandbox.layer))),
    { arbitrary: { runs: 100 } }
  )

  it.effect("encodes the inputs and decodes the results of a stream", () =>
    Effect.gen(function* () {
      yield* Stream.range(1, 3).pipe(
        Stream.mapEffect((visits) =>
          Customers.encode({ phone: `${phone}${visits}`, firstName: "Ann", fields: { visits } })
        ),
        ContactsStream.upsertAll,
        Stream.runDrain
      )
      const found = yield* ContactsStream.search({ name: "Ann" }).pipe(
        Stream.map(Customers.decode),
        Stream.map(({ fields }) => fields.visits),
        Stream.runCollect
      )
      assert.deepStrictEqual(found, [1, 2, 3])
      const contacts = yield* (yield* Sandbox.State).contacts()
      assert.deepStrictEqual(
        contacts.map(({ fields }) => fields),
        [{ visits: "1" }, { visits: "2" }, { visits: "3" }]
      )
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("runs on a stub of Contacts, and returns its errors", () =>
    Effect.gen(function* () {
      const customers = yield* Customers
      assert.deepStrictEqual((yield* customers.search({ name: "Ann" })).contacts, [
        Customers.decode(stored({ visits: "1" }))
      ])
      const error = yield* Effect.flip(customers.updateFields(id, { visits: 1 }))
      assert.strictEqual(error._tag, "NotFound")
    }).pipe(
      Effect.provide(
        Layer.provide(
          Customers.layer,
          Layer.mock(Contacts, {
            search: () => Effect.succeed({ contacts: [stored({ visits: "1" })], total: Option.none() }),
            updateFields: (_, fields) => {
              assert.deepStrictEqual(fields, { visits: "1" })
              return Effect.fail(
                new NotFound({ operation: "updateFields", outcome: "not-applied", message: "none", status: 404 })
              )
            }
          })
        )
      )
    )
  )

  it.effect("can itself be replaced by a stub", () =>
    Effect.gen(function* () {
      const customers = yield* Customers
      const { contact } = yield* customers.upsert({ phone, fields: { visits: 1 } })
      assert.strictEqual(contact.fields.visits, 2)
    }).pipe(
      Effect.provide(
        Layer.mock(Customers, {
          upsert: ({ fields }) =>
            Effect.succeed({
              contact: Customers.decode(stored({ visits: String((fields?.visits ?? 0) + 1) })),
              isNew: true
            })
        })
      )
    )
  )
})
