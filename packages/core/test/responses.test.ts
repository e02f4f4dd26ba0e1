import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type AgentalkError, isAgentalkError } from "../src/AgentalkError.ts"
import { operationNames } from "../src/internal/operation.ts"
import { optionalContact, page, type Reader, upsertResult } from "../src/internal/wire/readers.ts"
import { operations } from "../src/Operations.ts"
import { callOnce, calls, id, json, text } from "./ScriptedApi.ts"

/** Whether an exit is a success or fails with an error of this SDK. A defect is neither. */
const isTyped = <A, E>(exit: Exit.Exit<A, E>): boolean =>
  Exit.isSuccess(exit) ||
  exit.cause.reasons.every((reason) => Cause.isFailReason(reason) && isAgentalkError(reason.error))

const phone = "+15551234567"

/** A call of each operation whose response this reader reads. Its request receives this response. */
const callsReadBy = <A>(reader: Reader<never, A>, answer: () => Response) => {
  const names = operationNames.filter((operation) => (operations[operation].response as unknown) === reader)
  assert.isNotEmpty(names)
  return names.map((operation) => callOnce(operation, answer) as Effect.Effect<A, AgentalkError>)
}

/** The results of these calls. */
const read = <A>(reader: Reader<never, A>, answer: () => Response) => Effect.all(callsReadBy(reader, answer))

describe("the response to an operation that returns a contact and isNew", () => {
  const contact = { id, phone, first_name: "Jane" }

  it.effect.each<readonly [name: string, body: object]>([
    ["at the top", contact],
    ["under contact", { contact }],
    ["under data", { data: contact }],
    ["under data.contact", { data: { contact } }],
    ["under data.data", { data: { data: contact } }],
    ["with contactId at the top", { ...contact, id: undefined, contactId: id }],
    ["with contact_id at the top", { ...contact, id: null, contact_id: id }],
    ["with contact_id in the contact", { contact: { ...contact, id: undefined, contact_id: id } }],
    ["with contact_id beside the contact", { contact_id: id, contact: { ...contact, id: undefined } }],
    ["with id beside the contact", { id, success: true, contact: { phone, firstName: "Jane" } }]
  ])("is decoded if the contact is %s", ([, body]) =>
    Effect.gen(function* () {
      for (const { contact } of yield* read(upsertResult, () => json(200, body))) {
        const { extra: _, ...found } = contact
        assert.deepStrictEqual<unknown>(found, { id, phone, firstName: "Jane" })
      }
    })
  )

  it.effect.each<readonly [status: number, body: object, isNew: boolean]>([
    [200, { id, isNew: true }, true],
    [200, { id, is_new: true }, true],
    [201, { id, isNew: false }, false],
    [201, { contact: { id }, is_new: false }, false],
    [201, { contact: { id, isNew: false } }, false],
    [201, { data: { contact: { id }, isNew: false } }, false],
    [201, { data: { contact: { id, isNew: false } } }, false],
    [201, { id }, true],
    [200, { id }, false],
    [202, { id }, false],
    [201, { id, isNew: null }, true],
    [200, { id, isNew: "true" }, false]
  ])("%j %j", ([status, body, isNew]) =>
    Effect.gen(function* () {
      for (const result of yield* read(upsertResult, () => json(status, body))) assert.strictEqual(result.isNew, isNew)
    })
  )

  it.effect("is decoded with its unknown keys under extra, but without isNew", () =>
    Effect.gen(function* () {
      const body = { id, isNew: true, score: 9, owner: { id: 3 } }
      for (const { contact } of yield* read(upsertResult, () => json(201, body))) {
        assert.deepStrictEqual<unknown>(contact, { id, extra: { score: 9, owner: { id: 3 } } })
      }
    })
  )
})

describe("the response to an operation that returns an optional contact", () => {
  it.effect.each<readonly [name: string, body: unknown]>([
    ["the contact", { id, tags: ["vip"] }],
    ["the contact in upper case", { contact: { id: id.toUpperCase() } }],
    ["the contact under data", { data: { contact: { contact_id: id } } }],
    ["a contact with another id than the request", { id: "42", phone }]
  ])("is decoded to Some for %s", ([, body]) =>
    Effect.gen(function* () {
      const results = yield* read(optionalContact, () => json(200, body))
      assert.isTrue(results.every(Option.isSome))
    })
  )

  it.effect.each<readonly [name: string, body: unknown]>([
    ["null", null],
    ["{}", {}],
    ["success: true", { success: true }],
    ["a message", { message: "Tags added" }],
    ["the tag that was added", { id: 7, name: "vip" }],
    ["the tag that was added, with a string id", { data: { id: "7", name: "vip" } }],
    ["a contact of null", { contact: null }]
  ])("is decoded to None for %s", ([, body]) =>
    Effect.gen(function* () {
      const results = yield* read(optionalContact, () => json(200, body))
      assert.isTrue(results.every(Option.isNone))
    })
  )
})

describe("the response to an operation that returns a page", () => {
  const contacts = [{ id: "1" }, { contact_id: "2", first_name: "Jane" }]
  const found = [
    { id: "1", extra: {} },
    { id: "2", firstName: "Jane", extra: {} }
  ]

  it.effect.each<readonly [name: string, body: object, total: number | undefined]>([
    ["contacts", { contacts }, undefined],
    ["results", { results: contacts, count: 7 }, 7],
    ["data", { data: contacts, total: 7 }, 7],
    ["items", { items: contacts, pagination: { total: 7 } }, 7],
    ["data.contacts", { data: { contacts, total: 7 } }, 7],
    ["data.items", { data: { items: contacts }, pagination: { count: 7 } }, 7],
    ["a total of zero", { contacts, total: 0 }, 0],
    ["total null and a count", { contacts, total: null, count: 7 }, 7],
    [
      "an invalid total at the top and a valid one under pagination",
      { contacts, total: "7", pagination: { total: 7 } },
      7
    ]
  ])("is decoded from %s", ([, body, total]) =>
    Effect.gen(function* () {
      for (const result of yield* read(page, () => json(200, body))) {
        assert.deepStrictEqual<unknown>(result, { contacts: found, total: Option.fromUndefinedOr(total) })
      }
    })
  )

  it.effect.each(["7", -1, 1.5, 1e300, true, {}, [], null].map((total) => ({ total })))(
    "is decoded without a total from %j",
    ({ total }) =>
      Effect.gen(function* () {
        for (const result of yield* read(page, () => json(200, { contacts, total }))) {
          assert.deepStrictEqual<unknown>(result, { contacts: found, total: Option.none() })
        }
      })
  )

  it.effect("is decoded with any string as id, phone and e-mail", () =>
    Effect.gen(function* () {
      const odd = { id: "§", phone: "ask Bob", email: "none", firstName: "\u0000" }
      for (const result of yield* read(page, () => json(200, { contacts: [odd, ...contacts] }))) {
        assert.deepStrictEqual<unknown>(result.contacts, [{ ...odd, extra: {} }, ...found])
      }
    })
  )

  it.effect("fails with an issue whose path has the index of the invalid contact", () =>
    Effect.gen(function* () {
      for (const call of callsReadBy(page, () => json(200, { results: [{ id: "1" }, { phone }] }))) {
        const error = yield* Effect.flip(call)
        assert.strictEqual(error._tag, "UnexpectedResponse")
        assert.deepStrictEqual("issues" in error && error.issues, [
          { path: ["contacts", 1, "id"], message: "Required" }
        ])
      }
    })
  )
})

describe("any response", () => {
  // Random JSON almost never resembles a contact, so half of the bodies have the API's keys.
  const likely = Schema.Record(
    Schema.Literals(["id", "contact", "data", "contacts", "total", "tags", "fields", "isNew", "results", "extra"]),
    Schema.Json
  )
  const body = Schema.Union([Schema.Json, likely, Schema.Struct({ data: likely }), Schema.Struct({ contact: likely })])

  it.effect.prop(
    "of JSON returns a value or fails with a typed error",
    { body, status: Schema.Literals([200, 201, 202, 400, 404, 409, 500]) },
    ({ body, status }) =>
      Effect.forEach(operationNames, (operation) =>
        Effect.map(Effect.exit(callOnce(operation, () => json(status, body))), (exit) => assert.isTrue(isTyped(exit)))
      ),
    { arbitrary: { runs: 60 } }
  )

  const depth = 50_000
  const nested = (open: string, inner: string, close: string) => `${open.repeat(depth)}${inner}${close.repeat(depth)}`

  it.effect.each([
    ["lists", nested("[", "", "]")],
    ["objects", nested('{"a":', "1", "}")],
    ["data", nested('{"data":', `{"id":"${id}"}`, "}")],
    ["contacts", `{"contacts":${nested("[", "", "]")}}`],
    ["a contact's extra", `{"id":"${id}","contacts":[],"x":${nested("[", "", "]")}}`],
    ["a contact's field", `{"id":"${id}","fields":{"x":${nested("[", "", "]")}}}`],
    ["a page's field", `{"contacts":[{"id":"${id}","fields":{"x":${nested('{"a":', "1", "}")}}}]}`]
  ] as const)("of deeply nested %s returns a value or fails with a typed error", ([, deep]) =>
    Effect.gen(function* () {
      for (const status of [200, 400]) {
        for (const operation of operationNames) {
          const answer = () => text(status, deep, { "content-type": "application/json" })
          const exit = yield* Effect.exit(callOnce(calls[operation], answer))
          assert.isTrue(isTyped(exit), `${operation} ${status}`)
        }
      }
    })
  )
})
