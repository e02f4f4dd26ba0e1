import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { inspect } from "node:util"
import { withOrganization } from "../src/AgentalkClient.ts"
import { type AgentalkError, ServerFault } from "../src/AgentalkError.ts"
import { operationNames } from "../src/internal/operation.ts"
import type { Operation } from "../src/Operations.ts"
import { accepts, inputKeysOf, sampleOf } from "./OperationTable.ts"
import { acceptedBody, type Answer, callOnce, callWith, type Call, json, text } from "./ScriptedApi.ts"

const id = "d1d1d1d1-aaaa-4bbb-8ccc-e5e5e5e5e5e5"
const secret = "s3cr3t-T0k3n"
const token = Redacted.make(`0e0e0e0e-1111-4222-8333-444444444444.${secret}`)
const phone = "+1 (646) 737-8899"

const input = {
  phone,
  firstName: "Quintessa",
  lastName: "Brzęczyszczykiewicz",
  email: "quin@brz.example",
  tags: ["chess-nut"],
  fields: { city: "Ouagadougou", iban: 987654321 }
}

/** A personal value for each key of an input. */
const personalValues: Readonly<Record<string, unknown>> = {
  ...input,
  id,
  key: "Ouagadougou",
  tagIdOrName: "chess-nut",
  name: "Quintessa",
  // The numbers of a page are not personal.
  limit: undefined,
  offset: undefined
}

/** The personal value for a key that `personalValues` does not list. */
const otherText = "Xochimilco"

/** The token and every personal value of the calls, in all its encodings, in lower case. */
const markers = [
  id,
  secret,
  phone,
  "+16467378899",
  "16467378899",
  "%2b16467378899",
  "quintessa",
  "brzęczyszczykiewicz",
  "br%c5%bc",
  "quin@brz",
  "quin%40brz",
  "chess-nut",
  "ouagadougou",
  "987654321",
  otherText
].map((marker) => marker.toLowerCase())

const personalValueOf = (operation: Operation, key: string): unknown => {
  if (Object.hasOwn(personalValues, key)) return personalValues[key]
  if (accepts(operation, { ...sampleOf(operation), [key]: otherText })) return otherText
  throw new Error(`"${key}" of ${operation} does not accept text. Add a personal value for it to personalValues.`)
}

/** One call of each operation, with its input. The client can redact only the values of the input. */
const personalCalls = Object.fromEntries(
  operationNames.map((operation) => {
    const input = Object.fromEntries(inputKeysOf(operation).map((key) => [key, personalValueOf(operation, key)]))
    return [operation, { call: callWith(operation, input), input }]
  })
) as Readonly<Record<Operation, { readonly call: Call; readonly input: unknown }>>

/** Text that echoes the token and every value of a request, with its phone and e-mail in several encodings. */
const echoOf = (values: unknown): string =>
  `Bearer ${Redacted.value(token)} ${JSON.stringify(values)} ?phone=%2B16467378899&email=quin%40brz.example 16467378899 ${phone}`

const coded = (code: string, echo: string) => Object.assign(new Error(echo, { cause: echo }), { code, url: echo })

const answers: ReadonlyArray<readonly [name: string, answer: (echo: string) => Answer]> = [
  ...[400, 401, 402, 403, 404, 408, 409, 410, 413, 415, 422, 429, 500, 503, 301].flatMap((status) => [
    [`${status} with text`, (echo: string) => text(status, echo, { "content-type": "text/plain" })] as const,
    [
      `${status} with JSON`,
      (echo: string) => json(status, { detail: echo, errors: { [phone]: [echo], [input.email]: echo } })
    ] as const
  ]),
  ["200 with HTML", (echo) => text(200, `<html>${echo}`, { "content-type": "text/html" })],
  ["200 with text", (echo) => json(200, echo)],
  ["200 with broken JSON", (echo) => text(200, `{"id": "${echo}`, { "content-type": "application/json" })],
  [
    "200 of another shape",
    (echo) => json(200, { id, phone: { phone }, email: [echo], contacts: [{ phone: echo }], tags: echo })
  ],
  ["a refused connection", (echo) => Effect.fail({ cause: coded("ECONNREFUSED", echo) })],
  ["a reset connection", (echo) => Effect.fail({ cause: coded("ECONNRESET", echo) })],
  ["an error without a code", (echo) => Effect.fail({ cause: new AggregateError([coded("+16467378899", echo)], echo) })]
]

/** Every text form in which an error can reach a log. */
const renderings = (error: AgentalkError): ReadonlyArray<string> => [
  error.message,
  String(error),
  error.stack ?? "",
  JSON.stringify(error),
  JSON.stringify(Cause.fail(error)),
  inspect(error, { depth: Infinity }),
  inspect(error, { depth: Infinity, customInspect: false }),
  inspect(Cause.fail(error), { depth: Infinity }),
  Cause.pretty(Cause.fail(error))
]

const assertNoLeak = (error: AgentalkError): void => {
  for (const line of renderings(error)) {
    const found = markers.filter((marker) => line.toLowerCase().includes(marker))
    assert.deepStrictEqual(found, [], line.slice(0, 500))
  }
}

it.effect.each(operationNames)("the personal input of %s is valid", (operation) =>
  callOnce(personalCalls[operation].call, () => json(200, { ...acceptedBody, id }))
)

describe("an error does not contain the token or personal data", () => {
  it.effect.each(answers)("if every call receives %s", ([, answer]) =>
    Effect.gen(function* () {
      const failures: Array<AgentalkError> = []
      for (const { call, input } of Object.values(personalCalls)) {
        const result = yield* Effect.result(callOnce(call, () => answer(echoOf(input)), { token }))
        if (result._tag === "Failure") failures.push(result.failure)
      }
      // Some of these responses are successes for other operations, but each of them fails upsert.
      assert.include(
        failures.map(({ operation }) => operation),
        "upsert"
      )
      for (const failure of failures) assertNoLeak(failure)
    })
  )

  it.effect("if the input is invalid", () =>
    Effect.gen(function* () {
      const invalidCalls: ReadonlyArray<Call> = [
        (contacts) => contacts.upsert({ ...input, email: "Quintessa", phone: "Ouagadougou", tags: [" "] }),
        (contacts) => contacts.delete("Quintessa"),
        (contacts) => contacts.removeTag(id, "chess-nut/.."),
        (contacts) => contacts.search({ phone: "+16467378899", name: "", limit: 987654321.5 })
      ]
      for (const call of invalidCalls) assertNoLeak(yield* Effect.flip(callOnce(call, () => json(200, {}), { token })))
    })
  )

  it.effect("if the input changes during the call", () =>
    Effect.gen(function* () {
      const mutable = { phone, firstName: "Quintessa", tags: ["chess-nut"], fields: { home: { city: "Ouagadougou" } } }
      const answer = Effect.sync(() => {
        mutable.firstName = "x"
        mutable.tags[0] = "y"
        mutable.fields.home.city = "z"
        return json(400, { detail: "Quintessa, chess-nut, Ouagadougou" })
      })
      const error = yield* Effect.flip(
        callOnce(
          (contacts) => contacts.upsert(mutable),
          () => answer,
          { token }
        )
      )
      assert(error._tag === "Validation")
      assert.strictEqual(error.issues[0]?.message, "<firstName>, <tags.0>, <fields.home.city>")
    })
  )

  it.effect("if the response contains the organization id", () =>
    Effect.gen(function* () {
      const organization = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"
      const answer = () => json(400, { detail: `Not in ${organization}` }, { "x-request-id": organization })
      const error = yield* Effect.flip(
        callOnce((contacts) => withOrganization(contacts.delete(id), organization), answer, { token })
      )
      assert(error._tag === "Validation")
      assert.deepStrictEqual(error.issues, [{ path: [], message: "Not in <organization>" }])
      assert.isUndefined(error.requestId)
    })
  )

  it.effect("if the input throws when it is read again", () =>
    Effect.gen(function* () {
      const mutable = { name: "Quintessa" }
      const answer = Effect.sync(() => {
        Object.defineProperty(mutable, "name", {
          enumerable: true,
          get: () => {
            throw new Error("gone")
          }
        })
        return json(400, { detail: "Quintessa" }, { "x-request-id": "Quintessa" })
      })
      const error = yield* Effect.flip(
        callOnce(
          (contacts) => contacts.search(mutable),
          () => answer,
          { token }
        )
      )
      assert(error._tag === "Validation")
      assert.deepStrictEqual(error.issues, [{ path: [], message: "(text omitted)" }])
      assert.isUndefined(error.requestId)
    })
  )

  it.effect("if a field key is a phone or an e-mail, or the response contains another contact's id", () =>
    Effect.gen(function* () {
      const people = { [phone]: Number.NaN, [input.email]: Number.NaN }
      const error = yield* Effect.flip(
        callOnce(
          (contacts) => contacts.updateFields(id, people),
          () => json(200, {}),
          { token }
        )
      )
      assertNoLeak(error)
      assert(error._tag === "Validation")
      assert.deepStrictEqual(
        error.issues.map(({ path }) => path.join(".")),
        ["fields.<number>", "fields.<email>"]
      )
      const detail = "Contact 0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11 has this phone already."
      const other = yield* Effect.flip(callOnce(personalCalls.upsert.call, () => json(409, { detail }), { token }))
      assert.deepNestedInclude(other, { issues: [{ path: [], message: "Contact <id> has this phone already." }] })
    })
  )

  it.effect("if the call times out", () =>
    Effect.gen(function* () {
      for (const { call } of Object.values(personalCalls)) {
        const fiber = yield* Effect.forkChild(Effect.flip(callOnce(call, () => Effect.never, { token })))
        yield* TestClock.adjust(Duration.seconds(31))
        assertNoLeak(yield* Fiber.join(fiber))
      }
    })
  )

  it.effect("if the token cannot be obtained", () =>
    Effect.gen(function* () {
      const echo = echoOf(input)
      const tokens = [Effect.fail(echo), Effect.die(echo).pipe(Effect.sandbox), Effect.succeed(Redacted.make(secret))]
      for (const failing of tokens) {
        assertNoLeak(yield* Effect.flip(callOnce(personalCalls.upsert.call, () => json(200, {}), { token: failing })))
      }
    })
  )

  it.effect("if its schema encodes it as JSON", () =>
    Effect.gen(function* () {
      const echo = echoOf(input)
      const error = yield* Effect.flip(callOnce(personalCalls.upsert.call, () => text(500, echo), { token }))
      assert(error._tag === "ServerFault")
      const codec = Schema.toCodecJson(ServerFault)
      const sent = yield* Schema.encodeEffect(codec)(error)
      assert.deepInclude(sent as object, { status: 500, body: "<redacted>" })
      const { body } = yield* Schema.decodeUnknownEffect(codec)(sent)
      assert.isTrue(Redacted.isRedacted(body))
    })
  )

  it.effect("except in its redacted body, which Redacted.value returns", () =>
    Effect.gen(function* () {
      const echo = echoOf(id)
      const error = yield* Effect.flip(callOnce(personalCalls.delete.call, () => text(500, echo), { token }))
      assert.strictEqual(error._tag, "ServerFault")
      assert.strictEqual("body" in error && error.body && Redacted.value(error.body), echo)
    })
  )
})
