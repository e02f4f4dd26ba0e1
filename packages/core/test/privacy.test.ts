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
import { type Answer, ask, type Call, json, text } from "./ScriptedApi.ts"

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

/** Whatever a call was about, in every spelling, in lower case. */
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
  "987654321"
].map((marker) => marker.toLowerCase())

/** The calls, each with what its request carries: what it does not carry, no client can know. */
const callsAboutHer: ReadonlyArray<readonly [call: Call, carried: unknown]> = [
  [(contacts) => contacts.upsert(input), input],
  [(contacts) => contacts.delete(id), id],
  [(contacts) => contacts.updateFields(id, input.fields), [id, input.fields]],
  [(contacts) => contacts.clearField(id, "Ouagadougou"), [id, "Ouagadougou"]],
  [(contacts) => contacts.addTags(id, input.tags), [id, input.tags]],
  [(contacts) => contacts.removeTag(id, "chess-nut"), [id, "chess-nut"]],
  [(contacts) => contacts.search({ phone: "+16467378899", name: "Quintessa" }), [phone, "Quintessa"]]
]

/** Text that tells all that a request carried, its phone and e-mail in every spelling. */
const echoOf = (carried: unknown): string =>
  `Bearer ${Redacted.value(token)} ${JSON.stringify(carried)} ?phone=%2B16467378899&email=quin%40brz.example 16467378899`

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
  ["a refusal", (echo) => Effect.fail({ cause: coded("ECONNREFUSED", echo) })],
  ["a reset", (echo) => Effect.fail({ cause: coded("ECONNRESET", echo) })],
  ["an error without a code", (echo) => Effect.fail({ cause: new AggregateError([coded("+16467378899", echo)], echo) })]
]

/** Every way in which an error ends up in a log. */
const shown = (error: AgentalkError): ReadonlyArray<string> => [
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

const assertBlank = (error: AgentalkError): void => {
  for (const line of shown(error)) {
    const found = markers.filter((marker) => line.toLowerCase().includes(marker))
    assert.deepStrictEqual(found, [], line.slice(0, 500))
  }
}

describe("an error shows nothing of what a call was about", () => {
  it.effect.each(answers)("%s", ([, answer]) =>
    Effect.gen(function* () {
      const failures: Array<AgentalkError> = []
      for (const [call, carried] of callsAboutHer) {
        const result = yield* Effect.result(ask(call, () => answer(echoOf(carried)), { token }))
        if (result._tag === "Failure") failures.push(result.failure)
      }
      // Some bodies are fine for the operations that promise nothing, but none is for upsert.
      assert.strictEqual(failures[0]?.operation, "upsert")
      for (const failure of failures) assertBlank(failure)
    })
  )

  it.effect("when it refuses an input", () =>
    Effect.gen(function* () {
      const refused: ReadonlyArray<Call> = [
        (contacts) => contacts.upsert({ ...input, email: "Quintessa", phone: "Ouagadougou", tags: [" "] }),
        (contacts) => contacts.delete("Quintessa"),
        (contacts) => contacts.removeTag(id, "chess-nut/.."),
        (contacts) => contacts.search({ phone: "+16467378899", name: "", limit: 987654321.5 })
      ]
      for (const call of refused) assertBlank(yield* Effect.flip(ask(call, () => json(200, {}), { token })))
    })
  )

  it.effect("when the input is changed while the call is under way", () =>
    Effect.gen(function* () {
      const mutable = { phone, firstName: "Quintessa", tags: ["chess-nut"], fields: { home: { city: "Ouagadougou" } } }
      const answer = Effect.sync(() => {
        mutable.firstName = "x"
        mutable.tags[0] = "y"
        mutable.fields.home.city = "z"
        return json(400, { detail: "Quintessa, chess-nut, Ouagadougou" })
      })
      const error = yield* Effect.flip(
        ask(
          (contacts) => contacts.upsert(mutable),
          () => answer,
          { token }
        )
      )
      assert(error._tag === "Validation")
      assert.strictEqual(error.issues[0]?.message, "<firstName>, <tags.0>, <fields.home.city>")
    })
  )

  it.effect("when it names an organization", () =>
    Effect.gen(function* () {
      const organization = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"
      const answer = () => json(400, { detail: `Not in ${organization}` }, { "x-request-id": organization })
      const error = yield* Effect.flip(
        ask((contacts) => withOrganization(contacts.delete(id), organization), answer, { token })
      )
      assert(error._tag === "Validation")
      assert.deepStrictEqual(error.issues, [{ path: [], message: "Not in <organization>" }])
      assert.isUndefined(error.requestId)
    })
  )

  it.effect("when the input cannot be read any more", () =>
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
        ask(
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

  it.effect("when somebody is a key, or a server tells of somebody else", () =>
    Effect.gen(function* () {
      const people = { [phone]: Number.NaN, [input.email]: Number.NaN }
      const error = yield* Effect.flip(
        ask(
          (contacts) => contacts.updateFields(id, people),
          () => json(200, {}),
          { token }
        )
      )
      assertBlank(error)
      assert(error._tag === "Validation")
      assert.deepStrictEqual(
        error.issues.map(({ path }) => path.join(".")),
        ["fields.<number>", "fields.<email>"]
      )
      const detail = "Contact 0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11 has this phone already."
      const other = yield* Effect.flip(ask(callsAboutHer[0]![0], () => json(409, { detail }), { token }))
      assert.deepNestedInclude(other, { issues: [{ path: [], message: "Contact <id> has this phone already." }] })
    })
  )

  it.effect("when it times out", () =>
    Effect.gen(function* () {
      for (const [call] of callsAboutHer) {
        const fiber = yield* Effect.forkChild(Effect.flip(ask(call, () => Effect.never, { token })))
        yield* TestClock.adjust(Duration.seconds(31))
        assertBlank(yield* Fiber.join(fiber))
      }
    })
  )

  it.effect("when its token could not be obtained", () =>
    Effect.gen(function* () {
      const echo = echoOf(input)
      const tokens = [Effect.fail(echo), Effect.die(echo).pipe(Effect.sandbox), Effect.succeed(Redacted.make(secret))]
      for (const one of tokens) {
        assertBlank(yield* Effect.flip(ask(callsAboutHer[0]![0], () => json(200, {}), { token: one })))
      }
    })
  )

  it.effect("when it is sent on as JSON by its schema", () =>
    Effect.gen(function* () {
      const echo = echoOf(input)
      const error = yield* Effect.flip(ask(callsAboutHer[0]![0], () => text(500, echo), { token }))
      assert(error._tag === "ServerFault")
      const codec = Schema.toCodecJson(ServerFault)
      const sent = yield* Schema.encodeEffect(codec)(error)
      assert.deepInclude(sent as object, { status: 500, body: "<redacted>" })
      const { body } = yield* Schema.decodeUnknownEffect(codec)(sent)
      assert.isTrue(Redacted.isRedacted(body))
    })
  )

  it.effect("but gives the body to who asks for it", () =>
    Effect.gen(function* () {
      const echo = echoOf(id)
      const error = yield* Effect.flip(ask(callsAboutHer[1]![0], () => text(500, echo), { token }))
      assert.strictEqual(error._tag, "ServerFault")
      assert.strictEqual("body" in error && error.body && Redacted.value(error.body), echo)
    })
  )
})
