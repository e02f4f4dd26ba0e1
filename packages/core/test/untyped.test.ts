/** Calls from untyped code: a value of any type is kept as data or rejected, and never interpreted. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import { isAgentalkError } from "../src/AgentalkError.ts"
import type { UpsertInput } from "../src/Contact.ts"
import { ContactFromWire } from "../src/ContactFromWire.ts"
import { Contacts } from "../src/Contacts.ts"
import * as ContactsStream from "../src/ContactsStream.ts"
import { mergeParts } from "../src/internal/call/policy.ts"
import * as RateLimit from "../src/RateLimit.ts"
import * as Retry from "../src/Retry.ts"
import * as Sandbox from "../src/Sandbox.ts"
import { BaseUrl, OrganizationId } from "../src/Settings.ts"
import { ApiToken } from "../src/Token.ts"
import * as TimeLimit from "../src/TimeLimit.ts"
import { operationNames } from "../src/internal/operation.ts"
import { runToEnd, scriptedContacts, ok, status } from "./Attempts.ts"
import { prototypeKeys } from "./AnyJson.ts"
import { inputKeysOf, listKeysOf, namesContact, optionalKeysOf, sampleOf } from "./OperationTable.ts"
import { acceptedBody, type Call, callWith, contactsOver, id, json, make, text } from "./ScriptedApi.ts"

const before = prototypeKeys()

const boom = () => {
  throw new Error("boom +15551234567")
}

const throwing = new Proxy(
  {},
  { get: boom, has: boom, ownKeys: boom, getPrototypeOf: boom, getOwnPropertyDescriptor: boom }
)
const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()

class Instance {
  readonly phone = 5
}

const nothings: ReadonlyArray<readonly [string, unknown]> = [
  ["undefined", undefined],
  ["null", null]
]

/** Values that no key of an input accepts. */
const wrong: ReadonlyArray<readonly [string, unknown]> = [
  ["a negative fraction", -1.5],
  ["NaN", Number.NaN],
  ["a BigInt", 7n],
  ["a boolean", true],
  ["a symbol", Symbol("x")],
  ["a list of numbers", [1]],
  ["a class instance", new Instance()],
  ["a Date", DateTime.toDateUtc(DateTime.makeUnsafe(0))],
  ["a Map", new Map([["phone", "+15551234567"]])],
  ["a function", () => "+15551234567"],
  ["a String object", Object("+15551234567")],
  ["a promise", Promise.resolve("x")],
  ["a proxy that throws", throwing],
  ["a proxy that was revoked", revoked],
  ["text that throws", { toString: boom }]
]

/** Asserts that an effect fails with a typed error. Returns the error. */
const rejected = <A, E, R>(effect: Effect.Effect<A, E, R>, what: string) =>
  Effect.map(Effect.exit(effect), (exit) => {
    assert.isTrue(Exit.isFailure(exit), `${what} was accepted`)
    const reasons = Exit.isFailure(exit) ? exit.cause.reasons : []
    const failures = reasons.filter(Cause.isFailReason).map(({ error }) => error)
    assert.lengthOf(failures, 1, `${what}: ${Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""}`)
    return failures[0]
  })

/** Calls of every operation with `bad` as the value of one key, as an item of a list, and as all values. */
const callsWith = (bad: unknown): ReadonlyArray<readonly [name: string, call: Call]> =>
  operationNames.flatMap((operation) => {
    const sample = sampleOf(operation)
    const optionalKeys = optionalKeysOf(operation)
    const keys = inputKeysOf(operation)
    const inputs: ReadonlyArray<readonly [name: string, input: unknown]> = [
      // An optional key may be undefined.
      ...keys
        .filter((key) => bad !== undefined || !optionalKeys.includes(key))
        .map((key) => [key, { ...sample, [key]: bad }] as const),
      ...listKeysOf(operation).map((key) => [`an item of ${key}`, { ...sample, [key]: ["vip", bad] }] as const),
      ["all values", namesContact(operation) ? Object.fromEntries(keys.map((key) => [key, bad])) : bad]
    ]
    return inputs.map(([name, input]) => [`${operation}: ${name}`, callWith(operation, input)] as const)
  })

type Untyped = Readonly<Record<string, (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown>>>

describe("a value of the wrong type", () => {
  it.effect.each([...nothings, ...wrong])(
    "that is %s fails every method in every position with Validation",
    ([what, bad]) =>
      Effect.gen(function* () {
        const { client, sent } = make(() => json(200, acceptedBody))
        const contacts = yield* contactsOver(client)
        for (const [name, call] of callsWith(bad)) {
          const error = yield* rejected(call(contacts), `${name}: ${what}`)
          assert.isTrue(isAgentalkError(error))
          assert.deepInclude(error, { _tag: "Validation", source: "client", attempts: 0 })
          assert.notInclude(String(error), "boom")
        }
        assert.deepStrictEqual(sent, [])
      })
  )

  it.effect("fails with a message that fits its type, and fields without a prototype are accepted", () =>
    Effect.gen(function* () {
      const { client, sent } = make(() => json(200, { id }))
      const contacts = (yield* contactsOver(client)) as unknown as Untyped
      const map = yield* rejected(contacts["updateFields"]!(id, new Map()), "a Map")
      assert.deepNestedPropertyVal(map, "issues", [
        { path: ["fields"], message: "Expected a plain object of fields by key" }
      ])
      const proxy = yield* rejected(contacts["upsert"]!(throwing), "a proxy that throws")
      assert.deepNestedPropertyVal(proxy, "issues", [{ path: [], message: "Expected data that has a JSON form" }])
      yield* contacts["updateFields"]!(id, Object.assign(Object.create(null), { city: "Oslo" }))
      assert.deepStrictEqual(
        sent.map(({ body }) => body),
        [{ fields: { city: "Oslo" } }]
      )
    })
  )

  it.effect.each([...nothings, ...wrong])(
    "that is %s produces an Invalid row in a bulk stream, and the stream continues",
    ([, bad]) =>
      Effect.gen(function* () {
        const contacts = yield* contactsOver(make(() => json(200, { id })).client)
        const good = { phone: "+15551234567", id, tags: ["vip"] }
        const rowsOf = (input: unknown, row: typeof good | string) => Stream.make(input as never, row as never)
        const streams = [
          ContactsStream.upsertAll(rowsOf(bad, { phone: good.phone } as never)),
          ContactsStream.deleteAll(rowsOf(bad, id)),
          ContactsStream.addTagsAll(rowsOf(bad, good))
        ]
        for (const stream of streams) {
          const rows = yield* Effect.provideService(
            Stream.runCollect<{ readonly _tag: string }, unknown, Contacts>(stream),
            Contacts,
            contacts
          )
          assert.strictEqual(rows[0]?._tag, "Invalid")
          assert.notStrictEqual(rows[1]?._tag, "Invalid")
          assert.lengthOf(rows, 2)
        }
      })
  )

  it.effect.each([...nothings, ...wrong])(
    "that is %s fails ContactsStream.search and ContactsStream.pages",
    ([what, bad]) =>
      Effect.gen(function* () {
        const contacts = yield* contactsOver(make(() => json(200, { contacts: [] })).client)
        for (const read of [ContactsStream.search(bad as never), ContactsStream.pages(bad as never)]) {
          const all = Stream.runCollect<unknown, unknown, Contacts>(read)
          const error = yield* rejected(Effect.provideService(all, Contacts, contacts), what)
          assert.deepInclude(error, { _tag: "Validation", source: "client" })
        }
      })
  )
})

// Values that are valid for an option, or the same as an absent option.
const isAccepted = (name: string, bad: unknown): boolean =>
  (name === "baseUrl" && bad === null) ||
  (name === "retry" && typeof bad === "object" && bad !== null && !Array.isArray(bad))

describe("an option of the wrong type", () => {
  const { client } = make(() => json(200, { id }))
  const names = [
    "token",
    "baseUrl",
    "organization",
    "attemptTimeout",
    "deadline",
    "retry",
    "retryBudget",
    "maxBodySize"
  ]
  const bads: ReadonlyArray<readonly [string, unknown]> = [
    ["null", null],
    ["NaN", Number.NaN],
    ["a boolean", true],
    ["text", "Zaphod"],
    ["a symbol", Symbol("Zaphod")],
    ["a list", ["Zaphod"]],
    ["an object without a prototype", Object.create(null)],
    ["text that throws", { toString: boom }],
    ["a function", () => "Zaphod"]
  ]
  it.effect.each(bads)("that is %s fails with a ConfigError that names the option and omits the value", ([what, bad]) =>
    Effect.gen(function* () {
      for (const name of names) {
        if (isAccepted(name, bad)) continue
        const error = yield* rejected(contactsOver(client, { [name]: bad }), `${name} ${what}`)
        assert.strictEqual((error as { readonly _tag: string })._tag, "ConfigError")
        assert.include(String(error), name)
        assert.notInclude(String(error), "Zaphod")
      }
    })
  )

  it.effect("in a retry policy of a call does not cause endless retries", () =>
    Effect.gen(function* () {
      for (const attempts of [Number.NaN, "many", {}, []]) {
        const { contacts, times } = yield* scriptedContacts([status(503)])
        yield* runToEnd(Retry.withPolicy(contacts.delete(id), { attempts: attempts as never }))
        assert.lengthOf(times, 1)
      }
    })
  )

  it.effect("for withOrganization does not fall back to the client's organization", () =>
    Effect.gen(function* () {
      const { client, sent } = make(() => json(200, { id }))
      const contacts = yield* contactsOver(client, { organization: Sandbox.organization })
      for (const [what, bad] of [...nothings, ...wrong]) {
        const error = yield* rejected(AgentalkClient.withOrganization(contacts.delete(id), bad as never), what)
        assert.strictEqual((error as { readonly _tag: string })._tag, "Validation")
      }
      assert.deepStrictEqual(sent, [])
    })
  )

  it.each([
    ["ApiToken", ApiToken],
    ["OrganizationId", OrganizationId],
    ["BaseUrl", BaseUrl],
    ["QuotaFromString", RateLimit.QuotaFromString]
  ] as const)("fails to decode with %s", (_, schema) => {
    const decode = Schema.decodeUnknownResult(schema)
    for (const [what, bad] of [...nothings, ...wrong]) assert.strictEqual(decode(bad)._tag, "Failure", what)
  })
})

describe("a lone surrogate", () => {
  const lone = "a\ud83d"

  it.effect("fails validation in a URL, and is sent as a JSON escape in a body", () =>
    Effect.gen(function* () {
      const { client, sent } = make(() => json(200, { id, contacts: [] }))
      const contacts = yield* contactsOver(client)
      for (const call of [
        contacts.clearField(id, lone),
        contacts.removeTag(id, lone),
        contacts.search({ name: lone }),
        contacts.search({ phone: lone })
      ]) {
        assert.strictEqual((yield* Effect.flip<unknown, { readonly _tag: string }, never>(call))._tag, "Validation")
      }
      assert.deepStrictEqual(sent, [])
      const input = { phone: "+15551234567", firstName: lone, tags: [lone], fields: { [lone]: lone } }
      yield* contacts.upsert(input)
      assert.deepStrictEqual<unknown>(sent[0]?.body, input)
    })
  )

  it.effect("in a response is kept as data", () =>
    Effect.gen(function* () {
      const body = `{"id":"${id}","firstName":"\\ud83d","fields":{"\\udc00":"\\ud83d"}}`
      const { client } = make(() => text(200, body, { "content-type": "application/json" }))
      const { contact } = yield* (yield* contactsOver(client)).upsert({ phone: "+15551234567" })
      assert.strictEqual(contact.firstName, "\ud83d")
      assert.deepStrictEqual<unknown>(contact.fields, { "\udc00": "\ud83d" })
    })
  )
})

/** An object with this own key, as `JSON.parse` creates it. */
const withKey = (key: string, value: unknown): Record<string, unknown> =>
  JSON.parse(`{${JSON.stringify(key)}: ${JSON.stringify(value)}}`)

describe("a key with a meaning in JavaScript", () => {
  const keys = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__", "valueOf"]
  const evil = { isAdmin: true, polluted: 1 }

  const assertUntouched = () => {
    assert.deepStrictEqual(prototypeKeys(), before)
    for (const key of Object.keys(evil)) assert.isUndefined(({} as Record<string, unknown>)[key])
  }

  it.effect.each(keys)("%s as a field is sent, stored and cleared like any other key", (key) =>
    Effect.gen(function* () {
      const { contacts: all, seed } = yield* Sandbox.State
      const api = yield* Contacts
      const [seeded] = yield* seed([{ phone: "+15550000001", fields: withKey(key, evil) as never }])
      const { contact } = yield* api.upsert({ phone: "+15550000002", fields: withKey(key, evil) as never })
      yield* api.updateFields(contact.id, { [`${key}2`]: 1, ...withKey(key, evil) } as never)
      for (const stored of [seeded!, (yield* all())[1]!]) {
        assert.isTrue(Object.hasOwn(stored.fields!, key))
        assert.deepStrictEqual<unknown>(Object.getOwnPropertyDescriptor(stored.fields, key)?.value, evil)
        assert.strictEqual(Object.getPrototypeOf(stored.fields), Object.prototype)
      }
      yield* api.clearField(contact.id, key)
      assert.strictEqual((yield* Effect.flip(api.clearField(contact.id, key)))._tag, "NotFound")
      assert.deepStrictEqual(Object.keys((yield* all())[1]!.fields!), [`${key}2`])
      yield* api.addTags(contact.id, [key])
      assert.deepStrictEqual(
        (yield* all())[1]!.tags?.map(({ name }) => name),
        [key]
      )
      yield* api.removeTag(contact.id, key)
      assert.deepStrictEqual((yield* all())[1]!.tags, [])
      assertUntouched()
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect.each(keys)("%s as a key of an input fails with Validation", (key) =>
    Effect.gen(function* () {
      const { client, sent } = make(() => json(200, { id, contacts: [] }))
      const contacts = yield* contactsOver(client)
      const upsert = { phone: "+15551234567", ...withKey(key, evil) } as UpsertInput
      const search = { name: "Jane", ...withKey(key, evil) } as { readonly name: string }
      for (const call of [contacts.upsert(upsert), contacts.search(search)]) {
        const error = yield* rejected<unknown, unknown, never>(call, key)
        assert.deepInclude(error, { _tag: "Validation", source: "client" })
      }
      assert.deepStrictEqual(sent, [])
      assertUntouched()
    })
  )

  it.effect.each(keys)("%s anywhere in a response is kept as data", (key) =>
    Effect.gen(function* () {
      const contact = { id, ...withKey(key, evil), fields: withKey(key, evil) }
      const body = JSON.stringify(contact).replace(
        '"fields"',
        `${JSON.stringify(key)}:${JSON.stringify(evil)},"fields"`
      )
      for (const answer of [body, `{"contact":${body},${JSON.stringify(key)}:{"contact":{"id":"9"}}}`]) {
        const { client } = make(() => text(200, answer, { "content-type": "application/json" }))
        const found = (yield* (yield* contactsOver(client)).upsert({ phone: "+15551234567" })).contact
        assert.strictEqual(found.id, id)
        for (const part of [found.extra, found.fields!]) {
          assert.deepStrictEqual(Object.keys(part), [key])
          assert.strictEqual(Object.getPrototypeOf(part), Object.prototype)
        }
        const again = yield* Schema.decodeUnknownEffect(ContactFromWire)(
          yield* Schema.encodeEffect(ContactFromWire)(found)
        )
        assert.deepStrictEqual(Object.keys(again.extra), [key])
      }
      assertUntouched()
    })
  )

  it.effect.each(keys)("%s in an error body is an ordinary path segment", (key) =>
    Effect.gen(function* () {
      const { client } = make(() =>
        text(400, JSON.stringify(withKey(key, ["Bad."])), { "content-type": "application/json" })
      )
      const error = yield* Effect.flip((yield* contactsOver(client)).upsert({ phone: "+15551234567" }))
      assert(error._tag === "Validation")
      assert.deepStrictEqual(error.issues, [{ path: [key], message: "Bad." }])
      assertUntouched()
    })
  )

  it("does not set properties or the prototype of a merged policy", () => {
    const merged = mergeParts<Retry.Policy>({ attempts: 2 }, withKey("__proto__", { maxDelay: 1 }))
    assert.strictEqual(merged.attempts, 2)
    assert.isUndefined(merged.maxDelay)
  })

  it.effect("in a policy has no effect", () =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([status(503), ok])
      yield* runToEnd(Retry.withPolicy(contacts.delete(id), withKey("__proto__", { attempts: 1 })))
      assert.lengthOf(times, 2)
      const limited = yield* scriptedContacts([ok])
      yield* TimeLimit.withLimits(limited.contacts.delete(id), withKey("__proto__", { attempt: 0, deadline: 0 }))
      assert.lengthOf(limited.times, 1)
    })
  )

  it.effect("in client options has no effect", () =>
    Effect.gen(function* () {
      const { client, sent } = make(() => json(200, { id }))
      const options = withKey("__proto__", { baseUrl: "https://evil.example", organization: Sandbox.organization })
      const contacts = yield* contactsOver(client, options)
      yield* contacts.delete(id)
      assert.strictEqual(sent[0]?.url.origin, "https://api.agentalk.io")
      assert.notProperty(sent[0]?.headers, "x-organization-id")
    })
  )
})
