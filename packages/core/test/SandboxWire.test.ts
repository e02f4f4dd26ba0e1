import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import { Contacts } from "../src/Contacts.ts"
import * as Sandbox from "../src/Sandbox.ts"

const orgA = "aaaaaaaa-0000-4000-8000-000000000001"
const orgB = "bbbbbbbb-0000-4000-8000-000000000002"
const missing = "00000000-0000-4000-8000-000000000000"
const phone = "+15551234567"

/** Sends a request as it is, past the client of this SDK. */
const send = Effect.fnUntraced(function* (
  method: "GET" | "POST" | "PATCH" | "DELETE",
  path: string,
  { body, headers }: { readonly body?: unknown; readonly headers?: Record<string, string> } = {}
) {
  const request = HttpClientRequest.make(method)(`http://localhost${path}`, {
    headers: { authorization: `Bearer ${Redacted.value(Sandbox.token)}`, ...headers },
    ...(body !== undefined && {
      body: typeof body === "string" ? HttpBody.text(body, "application/json") : HttpBody.jsonUnsafe(body)
    })
  })
  const response = yield* HttpClient.execute(request)
  const text = yield* response.text
  return { status: response.status, json: text === "" ? undefined : JSON.parse(text) }
})

const contacts = Effect.flatMap(Sandbox.State, (state) => state.contacts())
const seed = (...inputs: Parameters<Sandbox.State["Service"]["seed"]>) =>
  Effect.flatMap(Sandbox.State, (state) => state.seed(...inputs))

const fresh = <A, E>(effect: Effect.Effect<A, E, Contacts | Sandbox.State>) => Effect.provide(effect, Sandbox.layer)
const onWire = <A, E>(effect: Effect.Effect<A, E, HttpClient.HttpClient | Sandbox.State>) =>
  Effect.provide(effect, Sandbox.layerHttpClient)

describe("the wire of the sandbox", () => {
  it.effect.each<readonly [name: string, args: Parameters<typeof send>, status: number, json: unknown]>([
    ["an unknown contact", ["DELETE", `/api/contacts/${missing}`], 404, { detail: "Not found." }],
    ["an unknown address", ["GET", "/api/nothing"], 404, { detail: "Not found." }],
    [
      "a search for nothing",
      ["GET", "/api/contacts/search"],
      400,
      { non_field_errors: ["At least one of name and phone is required."] }
    ],
    ["no phone", ["POST", "/api/contacts", { body: {} }], 400, { phone: ["Required"] }],
    [
      "a phone that is none",
      ["POST", "/api/contacts", { body: { phone: "call me" } }],
      400,
      { phone: ["Expected a phone number: 7 to 15 digits with its country code, such as +15551234567"] }
    ],
    [
      "an e-mail that is none",
      ["POST", "/api/contacts", { body: { phone, email: "jane" } }],
      400,
      { email: ["Expected an e-mail address, such as jane@example.com"] }
    ],
    [
      "no token",
      ["GET", "/api/contacts/search?name=a", { headers: { authorization: "" } }],
      401,
      { detail: "No organization API token was sent." }
    ],
    [
      "a wrong token",
      ["GET", "/api/contacts/search?name=a", { headers: { authorization: `Bearer ${orgA}.wrong` } }],
      401,
      { detail: "The organization API token is not valid." }
    ],
    [
      "a JWT",
      ["GET", "/api/contacts/search?name=a", { headers: { authorization: "Bearer a.b.c" } }],
      401,
      { detail: "The organization API token is not valid." }
    ],
    [
      "an organization that is no UUID",
      ["GET", "/api/contacts/search?name=a", { headers: { "x-organization-id": "x" } }],
      400,
      { detail: "X-Organization-ID is not a UUID." }
    ]
  ])("answers %s", ([, args, status, json]) =>
    onWire(
      Effect.gen(function* () {
        const answer = yield* send(...args)
        assert.strictEqual(answer.status, status)
        if (json !== undefined) assert.deepStrictEqual(answer.json, json)
        assert.deepStrictEqual(yield* contacts, [])
      })
    )
  )

  const blank = "Expected a tag name that is not blank"
  const noPhone = "Expected a phone number: 7 to 15 digits with its country code, such as +15551234567"
  it.effect.each<readonly [name: string, method: "POST" | "PATCH", path: string, body: unknown, json: unknown]>([
    ["tags that are no list", "POST", "", { phone, tags: "vip" }, { tags: ["Expected array"] }],
    ["a tag that is no text", "POST", "", { phone, tags: ["vip", 7] }, { tags: { 1: ["Expected string"] } }],
    ["blank tags", "POST", "", { phone, tags: ["", "vip", " "] }, { tags: { 0: [blank], 2: [blank] } }],
    ["blank tags to add", "POST", `/${missing}/tags`, { tags: ["vip", "\t"] }, { tags: { 1: [blank] } }],
    ["fields that are no object", "POST", "", { phone, fields: [1] }, { fields: ["Expected object"] }],
    ["a first name of null", "POST", "", { phone, firstName: null }, { firstName: ["Expected string"] }],
    ["no tags", "POST", `/${missing}/tags`, {}, { tags: ["Required"] }],
    ["no fields", "PATCH", `/${missing}/fields`, {}, { fields: ["Required"] }],
    [
      "a field without a name",
      "PATCH",
      `/${missing}/fields`,
      { fields: { "": 1, ok: 2 } },
      { fields: { "": ["Expected a field key that is not empty"] } }
    ],
    ["a list", "POST", "", [], { non_field_errors: ["Expected object"] }],
    [
      "all that is wrong at once",
      "POST",
      "",
      { phone: 7, firstName: 7, tags: [1] },
      { phone: ["Expected string"], firstName: ["Expected string"], tags: { 0: ["Expected string"] } }
    ],
    [
      "all that breaks a rule at once",
      "POST",
      "",
      { phone: "x", email: "y", tags: [" "] },
      {
        phone: [noPhone],
        email: ["Expected an e-mail address, such as jane@example.com"],
        tags: { 0: [blank] }
      }
    ]
  ])("answers %s as Django REST Framework does", ([, method, path, body, json]) =>
    onWire(
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* send(method, `/api/contacts${path}`, { body }), { status: 400, json })
      })
    )
  )

  it.effect("does not see keys that it does not know", () =>
    onWire(
      Effect.gen(function* () {
        const body = '{"phone":"+15551234567","firstname":"Jane","__proto__":{"email":"a@example.com"}}'
        assert.strictEqual((yield* send("POST", "/api/contacts", { body })).status, 201)
        const [contact] = yield* contacts
        assert.deepStrictEqual(contact, { id: contact!.id, phone, tags: [], fields: {}, extra: {} })
      })
    )
  )

  it.effect("answers what is no JSON, and no number, with 400", () =>
    onWire(
      Effect.gen(function* () {
        assert.strictEqual((yield* send("POST", "/api/contacts", { body: "{" })).status, 400)
        assert.strictEqual((yield* send("GET", "/api/contacts/search?name=a&limit=x")).status, 400)
      })
    )
  )

  it.effect("takes a limit below 1 for 1, and an offset below 0 for 0", () =>
    onWire(
      Effect.gen(function* () {
        const [first] = yield* seed([
          { phone, firstName: "a" },
          { phone: "+15559999999", firstName: "a" }
        ])
        const { json, status } = yield* send("GET", "/api/contacts/search?name=a&limit=-1&offset=-1")
        assert.deepStrictEqual([status, json.contacts.length, json.contacts[0].id, json.total], [200, 1, first!.id, 2])
      })
    )
  )

  it.effect("answers 201 for a new contact and 200 for a known one", () =>
    onWire(
      Effect.gen(function* () {
        const created = yield* send("POST", "/api/contacts", { body: { phone } })
        const updated = yield* send("POST", "/api/contacts", { body: { phone, firstName: "Jane" } })
        const { id } = created.json.contact
        assert.deepStrictEqual([created.status, updated.status], [201, 200])
        assert.deepStrictEqual(created.json, { contact: { id, phone, tags: [], fields: {} }, isNew: true })
        assert.deepStrictEqual(updated.json, {
          contact: { id, phone, firstName: "Jane", tags: [], fields: {} },
          isNew: false
        })
        assert.deepStrictEqual((yield* send("DELETE", `/api/contacts/${id}`)).json, { message: "Contact deleted" })
      })
    )
  )
})

describe("tokens and organizations", () => {
  const tokens = [Redacted.make(`${orgA}.first`), Redacted.make(`${orgA}.second`)]

  it.effect("are those that the sandbox was told of", () =>
    Effect.gen(function* () {
      const known = [`${orgA}.first`, `${orgA}.second`, Redacted.value(Sandbox.token)]
      const answers = yield* Effect.forEach(known, (token) =>
        send("GET", "/api/contacts/search?name=a", { headers: { authorization: `Bearer ${token}` } })
      )
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [200, 200, 401]
      )
    }).pipe(Effect.provide(Sandbox.layerHttpClientOptions({ tokens })))
  )

  it.effect("reach their own organization and those of the list, in any case", () =>
    Effect.gen(function* () {
      const api = yield* Contacts
      const ask = (organization: string) =>
        Effect.result(api.search({ name: "a" })).pipe(
          AgentalkClient.withOrganization(organization),
          Effect.map((result) => (result._tag === "Success" ? "ok" : result.failure._tag))
        )
      assert.deepStrictEqual(yield* Effect.forEach([orgA, orgB, orgB.toUpperCase(), missing], ask), [
        "ok",
        "ok",
        "ok",
        "Forbidden"
      ])
    }).pipe(Effect.provide(Sandbox.layerOptions({ tokens, organizations: [orgB.toUpperCase()] })))
  )

  it.effect("see their own contacts only", () =>
    fresh(
      Effect.gen(function* () {
        const api = yield* Contacts
        const state = yield* Sandbox.State
        const { contact } = yield* api.upsert({ phone, firstName: "Jane" })
        const inB = AgentalkClient.withOrganization(orgB)
        const other = yield* inB(api.upsert({ phone, firstName: "Joe" }))
        assert.isTrue(other.isNew)
        assert.notStrictEqual(other.contact.id, contact.id)
        assert.strictEqual((yield* Effect.flip(inB(api.delete(contact.id))))._tag, "NotFound")
        assert.deepStrictEqual((yield* inB(api.search({ phone }))).contacts, [other.contact])
        assert.deepStrictEqual(yield* state.contacts(orgB.toUpperCase()), [other.contact])
        assert.deepStrictEqual(yield* state.contacts(Sandbox.organization), [contact])
      })
    )
  )
})
