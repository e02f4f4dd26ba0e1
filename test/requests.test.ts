/** Checks that every request of the client conforms to the published contract. */
import { AgentalkClient, Contacts, type ContactError, Sandbox } from "@agentalk/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { HttpClient, HttpClientResponse } from "effect/http"
import * as Any from "../packages/core/test/AnyInput.ts"
import { findViolations, type WireRequest } from "./ContractRequest.ts"
import published from "./fixtures/agentalk-contacts.openapi.json" with { type: "json" }

const responseBody = { id: "1", contacts: [] }

/** Runs a call and returns the one request that it sends. */
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
    return Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(responseBody)))
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

/** A value after it is encoded as JSON and decoded again. */
const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const body = (request: WireRequest): unknown => JSON.parse(request.body ?? "")

interface Case {
  readonly operation: string
  readonly call: Effect.Effect<unknown, ContactError, Contacts>
  /** The part of the request that the input determines, as it should be, and a function that reads it. */
  readonly expected: unknown
  readonly actual: (request: WireRequest) => unknown
}

const id = Any.contactId

const cases: Readonly<Record<string, Arbitrary.Arbitrary<Case>>> = {
  upsert: Arbitrary.map(Any.upsertInput, (input) => ({
    operation: "contacts_create",
    call: Contacts.use((contacts) => contacts.upsert(input)),
    expected: throughJson(input),
    actual: body
  })),
  delete: Arbitrary.map(id, (id) => ({
    operation: "contacts_destroy",
    call: Contacts.use((contacts) => contacts.delete(id.toUpperCase())),
    expected: ["api", "contacts", id],
    actual: path
  })),
  updateFields: Arbitrary.map(Arbitrary.all([id, Any.fields]), ([id, fields]) => ({
    operation: "contacts_fields_partial_update",
    call: Contacts.use((contacts) => contacts.updateFields(id, fields)),
    expected: [["api", "contacts", id, "fields"], throughJson({ fields })],
    actual: (request: WireRequest) => [path(request), body(request)]
  })),
  clearField: Arbitrary.map(Arbitrary.all([id, Any.pathSegment]), ([id, key]) => ({
    operation: "contacts_fields_destroy",
    call: Contacts.use((contacts) => contacts.clearField(id, key)),
    expected: ["api", "contacts", id, "fields", key],
    actual: path
  })),
  addTags: Arbitrary.map(Arbitrary.all([id, Any.tags]), ([id, tags]) => ({
    operation: "contacts_tags_create",
    call: Contacts.use((contacts) => contacts.addTags(id, tags)),
    expected: [["api", "contacts", id, "tags"], throughJson({ tags })],
    actual: (request: WireRequest) => [path(request), body(request)]
  })),
  removeTag: Arbitrary.map(Arbitrary.all([id, Any.pathSegment]), ([id, tag]) => ({
    operation: "contacts_tags_destroy",
    call: Contacts.use((contacts) => contacts.removeTag(id, tag)),
    expected: ["api", "contacts", id, "tags", tag],
    actual: path
  })),
  search: Arbitrary.map(Any.searchQuery, (query) => ({
    operation: "contacts_search_retrieve",
    call: Contacts.use((contacts) => contacts.search(query)),
    expected: Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)])),
    actual: (request: WireRequest) => Object.fromEntries(new URLSearchParams(request.target.split("?")[1]))
  }))
}

const organization = Arbitrary.map(Arbitrary.array(id, { maxLength: 1 }), ([first]) => first)

describe.each(Object.entries(cases))("every request of %s", (_, anyCase) => {
  it.effect.prop(
    "conforms to the contract and contains the input",
    { each: anyCase, organization },
    ({ each, organization }) =>
      Effect.gen(function* () {
        const request = yield* requestOf(each.call, organization)
        assert.deepStrictEqual(findViolations(published, request), { operation: each.operation, violations: [] })
        assert.deepStrictEqual(each.actual(request), each.expected)
        assert.strictEqual(request.headers["x-organization-id"], organization)
      }),
    { arbitrary: { runs: 60 } }
  )
})

describe("findViolations", () => {
  const contactId = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"
  const headers = { authorization: `Bearer ${contactId}.secret` }
  const json = { ...headers, "content-type": "application/json" }
  const valid = {
    upsert: { method: "POST", target: "/api/contacts", headers: json, body: '{"phone":"+15551234567"}' },
    removeTag: { method: "DELETE", target: `/api/contacts/${contactId}/tags/vip`, headers, body: undefined },
    search: { method: "GET", target: "/api/contacts/search?name=Jane&limit=5", headers, body: undefined }
  }
  const { removeTag, search, upsert } = valid

  it.each(Object.entries(valid))("returns no violations for a valid %s", (_, request) => {
    assert.deepStrictEqual(findViolations(published, request).violations, [])
  })

  it.each<readonly [name: string, request: WireRequest, place: string]>([
    ["an undeclared method", { ...upsert, method: "PUT" }, "PUT /api/contacts: no such operation"],
    ["an unknown path", { ...upsert, target: "/api/contact" }, "POST /api/contact: no such operation"],
    ["a path with an extra segment", { ...removeTag, target: `${removeTag.target}/x` }, "DELETE "],
    ["a fragment", { ...search, target: `${search.target}#x` }, "target: malformed"],
    ["two question marks", { ...search, target: `${search.target}?x` }, "target: malformed"],
    ["an id that is not a UUID", { ...removeTag, target: "/api/contacts/42/tags/vip" }, "path contact_id"],
    [
      "an empty segment",
      { ...removeTag, target: `/api/contacts/${contactId}/tags/` },
      "path tag_id_or_name: malformed"
    ],
    [
      "an incomplete percent-encoding",
      { ...removeTag, target: `${removeTag.target}%2` },
      "path tag_id_or_name: malformed"
    ],
    [
      "percent-encoded bytes that are not UTF-8",
      { ...removeTag, target: `${removeTag.target}%ff` },
      "path tag_id_or_name: malformed"
    ],
    [
      "an unencoded space in a path",
      { ...removeTag, target: `${removeTag.target} x` },
      "path tag_id_or_name: malformed"
    ],
    ["an undeclared query parameter", { ...search, target: `${search.target}&sort=name` }, "query sort: not declared"],
    ["a repeated query parameter", { ...search, target: `${search.target}&name=Joe` }, "query name: more than once"],
    [
      "a query parameter of the wrong type",
      { ...search, target: "/api/contacts/search?limit=five" },
      "query limit: must be integer"
    ],
    [
      "a fraction for an integer parameter",
      { ...search, target: "/api/contacts/search?limit=1.5" },
      "query limit: must be integer"
    ],
    ["an unencoded space in a query", { ...search, target: "/api/contacts/search?name=a b" }, "query: malformed"],
    ["an unencoded equals sign in a query", { ...search, target: "/api/contacts/search?name=a=b" }, "query: malformed"],
    ["a missing body", { ...upsert, body: undefined }, "body: missing"],
    ["a body without a content type", { ...upsert, headers }, "body: not application/json"],
    ["an undeclared body", { ...removeTag, body: "{}", headers: json }, "body: not declared"],
    ["a body without a required property", { ...upsert, body: "{}" }, "body: must have required property 'phone'"],
    ["a body of the wrong type", { ...upsert, body: "[]" }, "body: must be object"],
    ["a property of the wrong type", { ...upsert, body: '{"phone":5}' }, "body/phone: must be string"],
    ["a list item of the wrong type", { ...upsert, body: '{"phone":"5","tags":[1]}' }, "body/tags/0: must be string"],
    ["an invalid e-mail address", { ...upsert, body: '{"phone":"5","email":"x"}' }, "body/email: must match format"],
    ["fields as a list", { ...upsert, body: '{"phone":"5","fields":[]}' }, "body/fields: must be object"],
    ["an undeclared property", { ...upsert, body: '{"phone":"5","first_name":"J"}' }, "body first_name: not declared"],
    [
      "an undeclared __proto__ property",
      { ...upsert, body: '{"phone":"5","__proto__":{}}' },
      "body __proto__: not declared"
    ],
    ["an undeclared header", { ...search, headers: { ...headers, "x-debug": "1" } }, "header x-debug: not declared"],
    [
      "a header with a line break",
      { ...search, headers: { ...headers, accept: "a\r\nb: c" } },
      "header accept: malformed"
    ],
    ["a missing token", { ...search, headers: {} }, "header authorization: no token"],
    [
      "an organization that is not a UUID",
      { ...search, headers: { ...headers, "x-organization-id": "mine" } },
      "header X-Organization-ID: must match format"
    ]
  ])("reports %s", (_, request, place) => {
    const found = findViolations(published, request).violations
    assert.isTrue(
      found.some((line) => line.startsWith(place)),
      found.join("\n")
    )
  })
})
