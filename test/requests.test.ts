/** Checks that every request of the client conforms to the published contract. */
import { AgentalkClient, Contacts, type ContactError, type Operation, Sandbox } from "@agentalk/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { HttpClient, HttpClientResponse } from "effect/http"
import { PhoneNumber } from "../packages/core/src/Contact.ts"
import { factsOf, operationNames } from "../packages/core/src/internal/operation.ts"
import * as Any from "../packages/core/test/AnyInput.ts"
import { findViolations, type WireRequest } from "./ContractRequest.ts"
import published from "./fixtures/agentalk-contacts.openapi.json" with { type: "json" }
import {
  accepts,
  acceptsText,
  callOperation,
  definitionOf,
  type Input,
  isOptional,
  mapFields,
  throwMissing,
  type ValueSchema
} from "./OperationCalls.ts"

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
    return Effect.succeed(HttpClientResponse.fromWeb(request, Response.json({})))
  })
  const live = AgentalkClient.layer({ token: Sandbox.token, organization })
  // The response lacks what some operations require. Only the request matters here.
  const exit = yield* Effect.exit(
    Effect.provide(call, Layer.provide(live, Layer.succeed(HttpClient.HttpClient, client)))
  )
  assert.lengthOf(sent, 1, String(exit))
  return sent[0]!
})

// --- the input ----------------------------------------------------------------------------------------------------

const count = (minimum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum: 2 ** 53 - 1 })))

/** Arbitraries by the keys of the operations' inputs, for values that are not any text. */
const values: Readonly<Record<string, Arbitrary.Arbitrary<unknown>>> = {
  id: Arbitrary.map(Arbitrary.all([Any.contactId, Arbitrary.schema(Schema.Boolean)]), ([id, isUpper]) =>
    isUpper ? id.toUpperCase() : id
  ),
  phone: Arbitrary.schema(PhoneNumber),
  email: Any.email,
  tags: Any.tags,
  fields: Any.fields,
  limit: count(1),
  offset: count(0)
}

const valueFor = (key: string, schema: ValueSchema): Arbitrary.Arbitrary<unknown> => {
  if (acceptsText(schema)) return Arbitrary.filter(Any.hostileText, (text) => accepts(schema, text))
  return values[key] ?? throwMissing(key, "`values` in test/requests.test.ts")
}

/** Inputs of an operation, with and without each optional value. */
const inputFor = (operation: Operation): Arbitrary.Arbitrary<Input> => {
  const entries = mapFields(operation, (key, schema) =>
    Arbitrary.map(
      Arbitrary.all([valueFor(key, schema), Arbitrary.schema(Schema.Boolean)]),
      ([value, isLeftOut]): ReadonlyArray<readonly [string, unknown]> =>
        isLeftOut && isOptional(schema) ? [] : [[key, value]]
    )
  )
  return Arbitrary.filter(
    Arbitrary.map(Arbitrary.all(Object.values(entries)), (all) => Object.fromEntries(all.flat())),
    (input) => accepts(definitionOf(operation).input, input)
  )
}

// --- the request --------------------------------------------------------------------------------------------------

/** A value after it is encoded as JSON and decoded again. */
const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** The parts of a request that the input determines: the decoded segments of the path, the query and the body. */
interface Content {
  readonly method: string
  readonly path: ReadonlyArray<string>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
}

const contentOf = ({ body, method, target }: WireRequest): Content => {
  const [path = "", query = ""] = target.split("?")
  return {
    method,
    path: path.slice(1).split("/").map(decodeURIComponent),
    query: Object.fromEntries(new URLSearchParams(query)),
    body: body === undefined ? undefined : JSON.parse(body)
  }
}

/** Returns the content that the operations table requires for an input. */
const expectedContent = (operation: Operation, input: Input): Content => {
  const { input: schema, method, path } = definitionOf(operation)
  const checked = Schema.decodeSync(schema)(input) as Input
  const parameters = new Map(factsOf(operation).parameters.map(({ inputName, wireName }) => [wireName, inputName]))
  const inPath = new Set(parameters.values())
  const payload = Object.entries(checked).filter(([key]) => !inPath.has(key))
  const hasBody = method !== "GET" && Object.keys(schema.fields).some((key) => !inPath.has(key))
  return {
    method,
    path: path
      .slice(1)
      .split("/")
      .map((segment) => {
        const parameter = parameters.get(segment.slice(1, -1))
        return parameter === undefined ? segment : String(checked[parameter])
      }),
    query: method === "GET" ? Object.fromEntries(payload.map(([key, value]) => [key, String(value)])) : {},
    body: hasBody ? throughJson(Object.fromEntries(payload)) : undefined
  }
}

const organization = Arbitrary.map(Arbitrary.array(Any.contactId, { maxLength: 1 }), ([first]) => first)

describe.each(operationNames)("every request of %s", (operation) => {
  it.effect.prop(
    "conforms to the contract and contains the input",
    { input: inputFor(operation), organization },
    ({ input, organization }) =>
      Effect.gen(function* () {
        const call = Contacts.use((contacts) => callOperation(contacts, operation, input))
        const request = yield* requestOf(call, organization)
        const { openApiId } = definitionOf(operation)
        assert.deepStrictEqual(findViolations(published, request), { operation: openApiId, violations: [] })
        assert.deepStrictEqual(contentOf(request), expectedContent(operation, input))
        assert.strictEqual(request.headers["x-organization-id"], organization)
      }),
    { arbitrary: { runs: 60 } }
  )
})

const id = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

/** Examples that do not depend on the operations table. */
const examples: ReadonlyArray<
  readonly [
    name: string,
    call: (contacts: Contacts["Service"]) => Effect.Effect<unknown, ContactError>,
    method: string,
    target: string,
    body?: string
  ]
> = [
  [
    "upsert with a formatted phone and an undefined value",
    (contacts) => contacts.upsert({ phone: "+1 (555) 123-4567", firstName: "Žoë", email: undefined, tags: ["a/b"] }),
    "POST",
    "/api/contacts",
    '{"phone":"+15551234567","firstName":"Žoë","tags":["a/b"]}'
  ],
  [
    "updateFields with an id in upper case",
    (contacts) => contacts.updateFields(id.toUpperCase(), { city: "Oslo" }),
    "PATCH",
    `/api/contacts/${id}/fields`,
    '{"fields":{"city":"Oslo"}}'
  ],
  [
    "removeTag with special characters",
    (contacts) => contacts.removeTag(id, "a/b %ü"),
    "DELETE",
    `/api/contacts/${id}/tags/a%2Fb%20%25%C3%BC`
  ],
  [
    "search with special characters",
    (contacts) => contacts.search({ name: "a b&ü", limit: 5 }),
    "GET",
    "/api/contacts/search?name=a+b%26%C3%BC&limit=5"
  ]
]

it.effect.each(examples)("sends the expected bytes: %s", ([, call, method, target, body]) =>
  Effect.map(requestOf(Contacts.use(call), undefined), (request) =>
    assert.deepStrictEqual({ ...request, headers: {} }, { method, target, headers: {}, body })
  )
)

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

  it("prefers a path without parameters", () => {
    const { components, paths } = published
    const contact = paths["/api/contacts/{contact_id}"]
    const read = { ...contact.delete, operationId: "contacts_retrieve" }
    const contract = { components, paths: { ...paths, "/api/contacts/{contact_id}": { get: read } } }
    assert.strictEqual(findViolations(contract, search).operation, "contacts_search_retrieve")
    const request = { ...search, target: `/api/contacts/${contactId}` }
    assert.deepStrictEqual(findViolations(contract, request), { operation: "contacts_retrieve", violations: [] })
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
