import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Struct from "effect/Struct"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import { Contacts } from "../src/Contacts.ts"
import * as Faults from "../src/Faults.ts"
import * as Retry from "../src/Retry.ts"
import * as Sandbox from "../src/Sandbox.ts"

const orgB = "bbbbbbbb-0000-4000-8000-000000000002"
const id = "5a4db0c5-0000-4000-8000-000000000001"
const phone = "+15551234567"

const withSandbox = <A, E>(effect: Effect.Effect<A, E, Contacts | Sandbox.State>) =>
  Effect.provide(effect, Sandbox.layer)

const url = (path: string) => `http://localhost${path}`
const send = (request: HttpClientRequest.HttpClientRequest) =>
  HttpClient.execute(request).pipe(
    Effect.flatMap((response) => Effect.map(response.text, (body) => [response.status, body]))
  )

describe("recorded requests", () => {
  it.effect("contain the decoded request and the status, but not the token", () =>
    withSandbox(
      Effect.gen(function* () {
        const api = yield* Contacts
        const state = yield* Sandbox.State
        yield* api.upsert({ phone, tags: ["vip"] })
        yield* api.updateFields(id, { city: "Köln" })
        yield* api.clearField(id, "city")
        yield* api.addTags(id, ["a/b %2F ü"])
        yield* api.removeTag(id, "a/b %2F ü")
        yield* AgentalkClient.withOrganization(orgB)(api.search({ name: "J & K", phone, limit: 2 }))
        yield* api.delete(id)
        yield* Effect.flip(api.delete(id))

        const requests = yield* state.requests
        assert.notInclude(JSON.stringify(requests), Redacted.value(Sandbox.token))
        assert.strictEqual(requests[0]!.headers["content-type"], "application/json")
        assert.strictEqual(requests[5]!.headers["x-organization-id"], orgB)
        const common = { fault: undefined, organization: Sandbox.organization }
        const deletion = {
          ...common,
          operation: "delete" as const,
          method: "DELETE",
          path: `/api/contacts/${id}`,
          params: { contact_id: id },
          body: undefined
        }
        assert.deepStrictEqual(
          requests.map((request) => Struct.omit(request, ["headers"])),
          [
            {
              ...common,
              index: 1,
              operation: "upsert",
              method: "POST",
              path: "/api/contacts",
              params: {},
              body: { phone, tags: ["vip"] },
              status: 201
            },
            {
              ...common,
              index: 2,
              operation: "updateFields",
              method: "PATCH",
              path: `/api/contacts/${id}/fields`,
              params: { contact_id: id },
              body: { fields: { city: "Köln" } },
              status: 200
            },
            {
              ...common,
              index: 3,
              operation: "clearField",
              method: "DELETE",
              path: `/api/contacts/${id}/fields/city`,
              params: { contact_id: id, field_key: "city" },
              body: undefined,
              status: 200
            },
            {
              ...common,
              index: 4,
              operation: "addTags",
              method: "POST",
              path: `/api/contacts/${id}/tags`,
              params: { contact_id: id },
              body: { tags: ["a/b %2F ü"] },
              status: 200
            },
            {
              ...common,
              index: 5,
              operation: "removeTag",
              method: "DELETE",
              path: `/api/contacts/${id}/tags/a%2Fb%20%252F%20%C3%BC`,
              params: { contact_id: id, tag_id_or_name: "a/b %2F ü" },
              body: undefined,
              status: 200
            },
            {
              ...common,
              organization: orgB,
              index: 6,
              operation: "search",
              method: "GET",
              path: "/api/contacts/search?name=J+%26+K&phone=%2B15551234567&limit=2",
              params: { name: "J & K", phone, limit: "2" },
              body: undefined,
              status: 200
            },
            { ...deletion, index: 7, status: 200 },
            { ...deletion, index: 8, status: 404 }
          ]
        )
      })
    )
  )

  it.effect("name the fault of a request", () =>
    withSandbox(
      Effect.gen(function* () {
        const api = yield* Contacts
        const state = yield* Sandbox.State
        yield* state.script(
          Faults.script(
            { operation: "search", fault: Faults.status(503, { strikes: "before" }) },
            { operation: "upsert", fault: Faults.reset({ strikes: "after" }) }
          )
        )
        const upsert = api.upsert({ phone })
        yield* Effect.flip(upsert)
        yield* Effect.flip(api.search({ phone }))
        yield* upsert
        assert.deepStrictEqual(
          (yield* state.requests).map(({ fault, operation, status }) => [operation, fault, status]),
          [
            ["upsert", "reset", undefined],
            ["search", "status 503", 503],
            ["upsert", undefined, 200]
          ]
        )
      }).pipe(Retry.withPolicy(Retry.none))
    )
  )

  it.effect("include requests outside the contract and bodies that are not JSON", () =>
    Effect.gen(function* () {
      const notFound = [404, '{"detail":"Not found."}']
      assert.deepStrictEqual(yield* send(HttpClientRequest.get(url("/api/nothing?a=1"))), notFound)
      assert.deepStrictEqual(yield* send(HttpClientRequest.get(url("/"))), notFound)
      // No operation has the method OPTIONS.
      assert.deepStrictEqual(yield* send(HttpClientRequest.options(url(`/api/contacts/${id}`))), notFound)
      yield* send(
        HttpClientRequest.delete(url("/api/contacts/%E0%A4%A")).pipe(
          HttpClientRequest.bodyText("{", "application/json")
        )
      )
      const { requests } = yield* Sandbox.State
      assert.deepStrictEqual(
        (yield* requests).map(({ body, operation, organization, params, status }) => [
          operation,
          params,
          organization,
          body,
          status
        ]),
        [
          [undefined, { a: "1" }, "", undefined, 404],
          [undefined, {}, "", undefined, 404],
          [undefined, {}, "", undefined, 404],
          ["delete", { contact_id: "%E0%A4%A" }, "", "{", 404]
        ]
      )
    }).pipe(Effect.provide(Sandbox.layerHttpClient))
  )

  it.effect("are limited to the last 1,000", () =>
    withSandbox(
      Effect.gen(function* () {
        const api = yield* Contacts
        yield* Effect.repeat(api.search({ phone }), { times: 1000 })
        const requests = yield* (yield* Sandbox.State).requests
        assert.deepStrictEqual([requests.length, requests[0]?.index, requests[999]?.index], [1000, 2, 1001])
      })
    )
  )
})

describe("Sandbox.State", () => {
  it.effect("seed stores no contact if one is invalid, and names every invalid value and the reason", () =>
    withSandbox(
      Effect.gen(function* () {
        const { contacts, seed } = yield* Sandbox.State
        const rows: Array<Record<string, unknown>> = [
          { phone },
          { phone: "call me" },
          { phone, tags: ["vip", " "] },
          { phone, firstname: "Jane" }
        ]
        const { message } = yield* Effect.flip(seed(rows as Array<{ phone: string }>))
        for (const part of [
          '[1]["phone"]',
          "Expected a phone number",
          '[2]["tags"][1]',
          "Expected a tag name that is not blank",
          '[3]["firstname"]'
        ]) {
          assert.include(message, part)
        }
        assert.notInclude(message, "call me")
        assert.deepStrictEqual(yield* contacts(), [])
      })
    )
  )

  it.effect("reset removes contacts, requests and the script, and restarts the ids", () =>
    withSandbox(
      Effect.gen(function* () {
        const api = yield* Contacts
        const state = yield* Sandbox.State
        const seeded = yield* state.seed([{ phone, tags: ["vip"] }])
        yield* state.seed([{ phone }], orgB)
        yield* state.script(Faults.script({ times: Infinity, fault: Faults.status(403, { strikes: "before" }) }))
        yield* Effect.flip(api.search({ phone }))

        yield* state.reset
        assert.deepStrictEqual(yield* state.requests, [])
        assert.deepStrictEqual([yield* state.contacts(), yield* state.contacts(orgB)], [[], []])
        assert.strictEqual((yield* api.search({ phone })).contacts.length, 0)
        assert.deepStrictEqual((yield* state.requests)[0]?.index, 1)
        assert.deepStrictEqual(yield* state.seed([{ phone, tags: ["vip"] }]), seeded)
      })
    )
  )
})
