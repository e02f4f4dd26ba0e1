import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import type { Contact } from "../src/Contact.ts"
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
    ["an unknown address", ["GET", "/api/nothing"], 404, undefined],
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
      { detail: "No organization API token was given." }
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

  it.effect.each<readonly [name: string, path: string, body: unknown, key: string]>([
    ["tags that are no list", "/api/contacts", { phone, tags: "vip" }, "tags"],
    ["a tag that is no text", "/api/contacts", { phone, tags: ["vip", 7] }, "tags"],
    ["fields that are no object", "/api/contacts", { phone, fields: [1] }, "fields"],
    ["a first name of null", "/api/contacts", { phone, firstName: null }, "firstName"],
    ["no tags", `/api/contacts/${missing}/tags`, {}, "tags"],
    ["a list", "/api/contacts", [], "non_field_errors"]
  ])("answers %s as Django REST Framework does", ([, path, body, key]) =>
    onWire(
      Effect.gen(function* () {
        const { json, status } = yield* send("POST", path, { body })
        assert.strictEqual(status, 400)
        assert.deepStrictEqual(Object.keys(json), [key])
        assert.isTrue(json[key].every((message: unknown) => typeof message === "string"))
      })
    )
  )

  it.effect("answers what is no JSON, and no number, with 400", () =>
    onWire(
      Effect.gen(function* () {
        assert.strictEqual((yield* send("POST", "/api/contacts", { body: "{" })).status, 400)
        assert.strictEqual((yield* send("GET", "/api/contacts/search?name=a&limit=x")).status, 400)
        assert.strictEqual((yield* send("GET", "/api/contacts/search?name=a&limit=-1&offset=-5")).status, 200)
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

describe("the contacts of the sandbox", () => {
  it.effect("are found by the digits of their phone", () =>
    fresh(
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

  it.effect("are gone when they are deleted, and their phone is free", () =>
    fresh(
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

  it.effect("gain fields and tags, and keep the others", () =>
    fresh(
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

  it.effect.each(["firstName", "first_name", "lastName", "last_name", "email", "x"])("lose their %s", (key) =>
    fresh(
      Effect.gen(function* () {
        const names = { firstName: "Jane", lastName: "Doe", email: "jane@example.com" }
        const [before] = yield* seed([{ phone, ...names, fields: { x: 1, y: 2 } }])
        const { clearField } = yield* Contacts
        const after = Option.getOrThrow(yield* clearField(before!.id, key))
        const name = key.replace(/_n/, "N")
        const expected: Record<string, unknown> = { ...names, fields: key === "x" ? { y: 2 } : { x: 1, y: 2 } }
        if (key !== "x") delete expected[name]
        assert.deepStrictEqual<unknown>(after, { id: before!.id, phone, tags: [], extra: {}, ...expected })
        assert.deepStrictEqual(yield* contacts, [after])
      })
    )
  )

  it.effect("keep their phone, and know what they do not have", () =>
    fresh(
      Effect.gen(function* () {
        const api = yield* Contacts
        const [{ id }] = (yield* seed([{ phone, fields: { x: 1 }, tags: ["a"] }])) as readonly [Contact]
        const refused = yield* Effect.flip(api.clearField(id, "phone"))
        assert.deepInclude(refused, { _tag: "Validation", source: "server", status: 400 })
        assert.deepStrictEqual("issues" in refused && refused.issues?.map(({ path }) => path), [["phone"]])
        for (const call of [
          api.clearField(id, "nope"),
          api.clearField(id, "__proto__"),
          api.removeTag(id, "nope"),
          api.clearField(missing, "x"),
          api.removeTag(missing, "a"),
          api.addTags(missing, ["a"]),
          api.updateFields(missing, {}),
          api.delete(missing)
        ]) {
          assert.deepInclude(yield* Effect.flip(call), { _tag: "NotFound", status: 404, outcome: "not-applied" })
        }
        // What a contact may lack is no mistake.
        yield* api.clearField(id, "email")
      })
    )
  )

  it.effect("lose one tag by its name or its id", () =>
    fresh(
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

  it.effect("lose only the tag of that name where another has it for an id", () =>
    fresh(
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

  it.effect("finds by a part of the name, by phone, and by both", () =>
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

  it.effect("gives pages", () =>
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

describe("the state of the sandbox", () => {
  it.effect("is filled by seed, by the rules of upsert", () =>
    fresh(
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

  it.effect("is empty in every sandbox that is built", () =>
    Effect.gen(function* () {
      yield* fresh(seed([{ phone }]))
      assert.deepStrictEqual(yield* fresh(contacts), [])
    })
  )
})
