import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import { Contacts } from "../src/Contacts.ts"
import * as Sandbox from "../src/Sandbox.ts"

const orgA = "aaaaaaaa-0000-4000-8000-000000000001"
const orgB = "bbbbbbbb-0000-4000-8000-000000000002"
const missingId = "00000000-0000-4000-8000-000000000000"
const phone = "+15551234567"

/** Sends a request without the client of this SDK. */
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

const withSandbox = <A, E>(effect: Effect.Effect<A, E, Contacts | Sandbox.State>) =>
  Effect.provide(effect, Sandbox.layer)
const withHttpClient = <A, E>(effect: Effect.Effect<A, E, HttpClient.HttpClient | Sandbox.State>) =>
  Effect.provide(effect, Sandbox.layerHttpClient)

describe("responses of the sandbox", () => {
  it.effect.each<readonly [name: string, args: Parameters<typeof send>, status: number, json: unknown]>([
    ["a contact that does not exist", ["DELETE", `/api/contacts/${missingId}`], 404, { detail: "Not found." }],
    ["a path outside the contract", ["GET", "/api/nothing"], 404, { detail: "Not found." }],
    [
      "a search without name and phone",
      ["GET", "/api/contacts/search"],
      400,
      { non_field_errors: ["At least one of name and phone is required."] }
    ],
    ["an upsert without a phone", ["POST", "/api/contacts", { body: {} }], 400, { phone: ["Required"] }],
    [
      "an invalid phone",
      ["POST", "/api/contacts", { body: { phone: "call me" } }],
      400,
      { phone: ["Expected a phone number: 7 to 15 digits with its country code, such as +15551234567"] }
    ],
    [
      "an invalid e-mail",
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
      "an organization that is not a UUID",
      ["GET", "/api/contacts/search?name=a", { headers: { "x-organization-id": "x" } }],
      400,
      { detail: "X-Organization-ID is not a UUID." }
    ]
  ])("responds to %s", ([, args, status, json]) =>
    withHttpClient(
      Effect.gen(function* () {
        const response = yield* send(...args)
        assert.strictEqual(response.status, status)
        if (json !== undefined) assert.deepStrictEqual(response.json, json)
        assert.deepStrictEqual(yield* contacts, [])
      })
    )
  )

  const blank = "Expected a tag name that is not blank"
  const noPhone = "Expected a phone number: 7 to 15 digits with its country code, such as +15551234567"
  it.effect.each<readonly [name: string, method: "POST" | "PATCH", path: string, body: unknown, json: unknown]>([
    ["tags that are not a list", "POST", "", { phone, tags: "vip" }, { tags: ["Expected array"] }],
    ["a tag that is not a string", "POST", "", { phone, tags: ["vip", 7] }, { tags: { 1: ["Expected string"] } }],
    ["blank tags", "POST", "", { phone, tags: ["", "vip", " "] }, { tags: { 0: [blank], 2: [blank] } }],
    ["blank tags to add", "POST", `/${missingId}/tags`, { tags: ["vip", "\t"] }, { tags: { 1: [blank] } }],
    ["fields that are not an object", "POST", "", { phone, fields: [1] }, { fields: ["Expected object"] }],
    ["a first name that is null", "POST", "", { phone, firstName: null }, { firstName: ["Expected string"] }],
    ["a missing tags key", "POST", `/${missingId}/tags`, {}, { tags: ["Required"] }],
    ["a missing fields key", "PATCH", `/${missingId}/fields`, {}, { fields: ["Required"] }],
    [
      "an empty field key",
      "PATCH",
      `/${missingId}/fields`,
      { fields: { "": 1, ok: 2 } },
      { fields: { "": ["Expected a field key that is not empty"] } }
    ],
    ["a list as the body", "POST", "", [], { non_field_errors: ["Expected object"] }],
    [
      "several values of the wrong type",
      "POST",
      "",
      { phone: 7, firstName: 7, tags: [1] },
      { phone: ["Expected string"], firstName: ["Expected string"], tags: { 0: ["Expected string"] } }
    ],
    [
      "several invalid values",
      "POST",
      "",
      { phone: "x", email: "y", tags: [" "] },
      {
        phone: [noPhone],
        email: ["Expected an e-mail address, such as jane@example.com"],
        tags: { 0: [blank] }
      }
    ]
  ])("responds to %s as Django REST Framework does", ([, method, path, body, json]) =>
    withHttpClient(
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* send(method, `/api/contacts${path}`, { body }), { status: 400, json })
      })
    )
  )

  it.effect("ignores unknown keys", () =>
    withHttpClient(
      Effect.gen(function* () {
        const body = '{"phone":"+15551234567","firstname":"Jane","__proto__":{"email":"a@example.com"}}'
        assert.strictEqual((yield* send("POST", "/api/contacts", { body })).status, 201)
        const [contact] = yield* contacts
        assert.deepStrictEqual(contact, { id: contact!.id, phone, tags: [], fields: {}, extra: {} })
      })
    )
  )

  it.effect("responds with 400 to a body that is not JSON and to a limit that is not a number", () =>
    withHttpClient(
      Effect.gen(function* () {
        assert.strictEqual((yield* send("POST", "/api/contacts", { body: "{" })).status, 400)
        assert.strictEqual((yield* send("GET", "/api/contacts/search?name=a&limit=x")).status, 400)
      })
    )
  )

  it.effect("uses 1 for a limit below 1, and 0 for an offset below 0", () =>
    withHttpClient(
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

  it.effect("responds with 201 to a new contact and with 200 to an existing one", () =>
    withHttpClient(
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

  it.effect("only the tokens of the options are accepted", () =>
    Effect.gen(function* () {
      const sent = [`${orgA}.first`, `${orgA}.second`, Redacted.value(Sandbox.token)]
      const responses = yield* Effect.forEach(sent, (token) =>
        send("GET", "/api/contacts/search?name=a", { headers: { authorization: `Bearer ${token}` } })
      )
      assert.deepStrictEqual(
        responses.map(({ status }) => status),
        [200, 200, 401]
      )
    }).pipe(Effect.provide(Sandbox.layerHttpClientOptions({ tokens })))
  )

  it.effect("a token can access its own organization and those of the options, in any case", () =>
    Effect.gen(function* () {
      const api = yield* Contacts
      const search = (organization: string) =>
        Effect.result(api.search({ name: "a" })).pipe(
          AgentalkClient.withOrganization(organization),
          Effect.map((result) => (result._tag === "Success" ? "ok" : result.failure._tag))
        )
      assert.deepStrictEqual(yield* Effect.forEach([orgA, orgB, orgB.toUpperCase(), missingId], search), [
        "ok",
        "ok",
        "ok",
        "Forbidden"
      ])
    }).pipe(Effect.provide(Sandbox.layerOptions({ tokens, organizations: [orgB.toUpperCase()] })))
  )

  it.effect("an organization has only its own contacts", () =>
    withSandbox(
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

describe("Sandbox.layerRoutes", () => {
  it.effect.each([
    [undefined, 404],
    [{ maxParamLength: 65_536 }, 200]
  ] as const)(
    "serves the sandbox on another server; routerConfig %j responds to a long tag with %d",
    ([config, status]) =>
      Effect.gen(function* () {
        const { handler } = yield* Effect.acquireRelease(
          Effect.sync(() =>
            HttpRouter.toWebHandler(Layer.provide(Sandbox.layerRoutes(), HttpServer.layerServices), {
              disableLogger: true,
              ...(config && { routerConfig: config })
            })
          ),
          ({ dispose }) => Effect.promise(dispose)
        )
        const tag = "t".repeat(200)
        const send = (method: string, path: string, body?: object) => {
          const headers = {
            authorization: `Bearer ${Redacted.value(Sandbox.token)}`,
            "content-type": "application/json"
          }
          const request = new Request(`http://localhost${path}`, {
            method,
            headers,
            ...(body && { body: JSON.stringify(body) })
          })
          return Effect.promise(() => handler(request))
        }
        const created = yield* send("POST", "/api/contacts", { phone, tags: [tag] })
        assert.strictEqual(created.status, 201)
        const { contact } = (yield* Effect.promise(() => created.json())) as { contact: { id: string } }
        assert.strictEqual((yield* send("DELETE", `/api/contacts/${contact.id}/tags/${tag}`)).status, status)
      })
  )
})
