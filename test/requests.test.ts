/** Every request that the client ever builds is one that the published contract knows. */
import { AgentalkClient, Contacts, type ContactError, Sandbox } from "@agentalk/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { HttpClient, HttpClientResponse } from "effect/http"
import * as Any from "../packages/core/test/AnyInput.ts"
import { findBreaks, type WireRequest } from "./ContractRequest.ts"
import published from "./fixtures/agentalk-contacts.openapi.json" with { type: "json" }

const answered = { id: "1", contacts: [] }

/** What a call sends. */
const requestOf = Effect.fnUntraced(function* (
  call: Effect.Effect<unknown, ContactError, Contacts>,
  organization: string | undefined
) {
  const sent: Array<WireRequest> = []
  const client = HttpClient.make((request, url) => {
    const { body, headers, method } = request
    sent.push({
      method,
      target: url.href.slice(url.origin.length),
      headers: { ...headers },
      body: body._tag === "Uint8Array" ? new TextDecoder("utf-8", { fatal: true }).decode(body.body) : undefined
    })
    assert.include(["Empty", "Uint8Array"], body._tag)
    return Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(answered)))
  })
  const live = AgentalkClient.layer({ token: Sandbox.token, organization })
  yield* Effect.provide(call, Layer.provide(live, Layer.succeed(HttpClient.HttpClient, client)))
  assert.lengthOf(sent, 1)
  return sent[0]!
})

const path = (request: WireRequest): ReadonlyArray<string> =>
  request.target
    .slice(1)
    .split("/")
    .map((segment) => decodeURIComponent(segment))

/** JSON as it arrives. */
const asSent = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const body = (request: WireRequest): unknown => JSON.parse(request.body ?? "")

interface Case {
  readonly operation: string
  readonly call: Effect.Effect<unknown, ContactError, Contacts>
  /** What was meant, and what the request says of it. */
  readonly meant: unknown
  readonly said: (request: WireRequest) => unknown
}

const id = Any.contactId

const cases: Readonly<Record<string, Arbitrary.Arbitrary<Case>>> = {
  upsert: Arbitrary.map(Any.upsertInput, (input) => ({
    operation: "contacts_create",
    call: Contacts.use((contacts) => contacts.upsert(input)),
    meant: asSent(input),
    said: body
  })),
  delete: Arbitrary.map(id, (id) => ({
    operation: "contacts_destroy",
    call: Contacts.use((contacts) => contacts.delete(id.toUpperCase())),
    meant: ["api", "contacts", id],
    said: path
  })),
  updateFields: Arbitrary.map(Arbitrary.all([id, Any.fields]), ([id, fields]) => ({
    operation: "contacts_fields_partial_update",
    call: Contacts.use((contacts) => contacts.updateFields(id, fields)),
    meant: [["api", "contacts", id, "fields"], asSent({ fields })],
    said: (request: WireRequest) => [path(request), body(request)]
  })),
  clearField: Arbitrary.map(Arbitrary.all([id, Any.pathSegment]), ([id, key]) => ({
    operation: "contacts_fields_destroy",
    call: Contacts.use((contacts) => contacts.clearField(id, key)),
    meant: ["api", "contacts", id, "fields", key],
    said: path
  })),
  addTags: Arbitrary.map(Arbitrary.all([id, Any.tags]), ([id, tags]) => ({
    operation: "contacts_tags_create",
    call: Contacts.use((contacts) => contacts.addTags(id, tags)),
    meant: [["api", "contacts", id, "tags"], asSent({ tags })],
    said: (request: WireRequest) => [path(request), body(request)]
  })),
  removeTag: Arbitrary.map(Arbitrary.all([id, Any.pathSegment]), ([id, tag]) => ({
    operation: "contacts_tags_destroy",
    call: Contacts.use((contacts) => contacts.removeTag(id, tag)),
    meant: ["api", "contacts", id, "tags", tag],
    said: path
  })),
  search: Arbitrary.map(Any.searchQuery, (query) => ({
    operation: "contacts_search_retrieve",
    call: Contacts.use((contacts) => contacts.search(query)),
    meant: Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)])),
    said: (request: WireRequest) => Object.fromEntries(new URLSearchParams(request.target.split("?")[1]))
  }))
}

const organization = Arbitrary.map(Arbitrary.array(id, { maxLength: 1 }), ([first]) => first)

describe.each(Object.entries(cases))("every request of %s", (_, anyCase) => {
  it.effect.prop(
    "is valid by the contract, and says what was meant",
    { each: anyCase, organization },
    ({ each, organization }) =>
      Effect.gen(function* () {
        const request = yield* requestOf(each.call, organization)
        assert.deepStrictEqual(findBreaks(published, request), { operation: each.operation, breaks: [] })
        assert.deepStrictEqual(each.said(request), each.meant)
        assert.strictEqual(request.headers["x-organization-id"], organization)
      }),
    { arbitrary: { runs: 60 } }
  )
})

describe("the check of a request", () => {
  const contactId = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"
  const headers = { authorization: `Bearer ${contactId}.secret` }
  const json = { ...headers, "content-type": "application/json" }
  const good = {
    upsert: { method: "POST", target: "/api/contacts", headers: json, body: '{"phone":"+15551234567"}' },
    removeTag: { method: "DELETE", target: `/api/contacts/${contactId}/tags/vip`, headers, body: undefined },
    search: { method: "GET", target: "/api/contacts/search?name=Jane&limit=5", headers, body: undefined }
  }
  const { removeTag, search, upsert } = good

  it.each(Object.entries(good))("finds nothing wrong with a good %s", (_, request) => {
    assert.deepStrictEqual(findBreaks(published, request).breaks, [])
  })

  it.each<readonly [name: string, request: WireRequest, place: string]>([
    ["a method", { ...upsert, method: "PUT" }, "PUT /api/contacts: no such operation"],
    ["a path", { ...upsert, target: "/api/contact" }, "POST /api/contact: no such operation"],
    ["a longer path", { ...removeTag, target: `${removeTag.target}/x` }, "DELETE "],
    ["a fragment", { ...search, target: `${search.target}#x` }, "target: malformed"],
    ["two question marks", { ...search, target: `${search.target}?x` }, "target: malformed"],
    ["an id that is none", { ...removeTag, target: "/api/contacts/42/tags/vip" }, "path contact_id"],
    [
      "an empty segment",
      { ...removeTag, target: `/api/contacts/${contactId}/tags/` },
      "path tag_id_or_name: malformed"
    ],
    ["a bare percent", { ...removeTag, target: `${removeTag.target}%2` }, "path tag_id_or_name: malformed"],
    ["bytes that are no text", { ...removeTag, target: `${removeTag.target}%ff` }, "path tag_id_or_name: malformed"],
    ["a space in a path", { ...removeTag, target: `${removeTag.target} x` }, "path tag_id_or_name: malformed"],
    ["an unknown query", { ...search, target: `${search.target}&sort=name` }, "query sort: not declared"],
    ["a query twice", { ...search, target: `${search.target}&name=Joe` }, "query name: more than once"],
    [
      "a query of another type",
      { ...search, target: "/api/contacts/search?limit=five" },
      "query limit: must be integer"
    ],
    ["a query of a fraction", { ...search, target: "/api/contacts/search?limit=1.5" }, "query limit: must be integer"],
    ["a space in a query", { ...search, target: "/api/contacts/search?name=a b" }, "query: malformed"],
    ["a bare equals sign", { ...search, target: "/api/contacts/search?name=a=b" }, "query: malformed"],
    ["no body", { ...upsert, body: undefined }, "body: missing"],
    ["a body without its type", { ...upsert, headers }, "body: not application/json"],
    ["a body too many", { ...removeTag, body: "{}", headers: json }, "body: not declared"],
    ["a body without what is required", { ...upsert, body: "{}" }, "body: must have required property 'phone'"],
    ["a body of another type", { ...upsert, body: "[]" }, "body: must be object"],
    ["a key of another type", { ...upsert, body: '{"phone":5}' }, "body/phone: must be string"],
    ["a list of another type", { ...upsert, body: '{"phone":"5","tags":[1]}' }, "body/tags/0: must be string"],
    ["an e-mail that is none", { ...upsert, body: '{"phone":"5","email":"x"}' }, "body/email: must match format"],
    ["fields that are a list", { ...upsert, body: '{"phone":"5","fields":[]}' }, "body/fields: must be object"],
    ["an unknown key", { ...upsert, body: '{"phone":"5","first_name":"J"}' }, "body first_name: not declared"],
    ["__proto__ as a key", { ...upsert, body: '{"phone":"5","__proto__":{}}' }, "body __proto__: not declared"],
    ["an unknown header", { ...search, headers: { ...headers, "x-debug": "1" } }, "header x-debug: not declared"],
    ["a header of two lines", { ...search, headers: { ...headers, accept: "a\r\nb: c" } }, "header accept: malformed"],
    ["no token", { ...search, headers: {} }, "header authorization: no token"],
    [
      "an organization that is none",
      { ...search, headers: { ...headers, "x-organization-id": "mine" } },
      "header X-Organization-ID: must match format"
    ]
  ])("reports %s", (_, request, place) => {
    const found = findBreaks(published, request).breaks
    assert.isTrue(
      found.some((line) => line.startsWith(place)),
      found.join("\n")
    )
  })
})
