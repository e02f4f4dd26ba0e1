import { AgentalkApi } from "@agentalk/core"
import { assert, describe, it } from "@effect/vitest"
import * as OpenApi from "effect/http-api/OpenApi"
import { operationNames } from "../packages/core/src/internal/operation.ts"
import { findDrift } from "./ContractDrift.ts"
import published from "./fixtures/agentalk-contacts.openapi.json" with { type: "json" }
import { definitionOf } from "./OperationCalls.ts"

const derived = OpenApi.fromApi(AgentalkApi)

const operationIds = (document: { readonly paths: object }): ReadonlySet<string> =>
  new Set(Object.values(document.paths).flatMap((path: object) => Object.values(path).map((one) => one.operationId)))

const isAt = (place: string) => (line: string) => line.startsWith(`operations > ${place}`) || line.startsWith(place)

/** A step into a document: a key, or the list entry with this name. */
type Step = string | { readonly name: string }

type Node = Record<string, unknown>

const find = (node: Node, step: Step): string =>
  typeof step === "string"
    ? step
    : String((node as unknown as ReadonlyArray<Node>).findIndex((item) => item["name"] === step.name))

/** Returns a copy of a document with another value at one place. If the value is `undefined`, the place is removed. */
const change = (document: unknown, steps: ReadonlyArray<Step>, value: unknown): unknown => {
  const copy = structuredClone(document) as Node
  const parent = steps.slice(0, -1).reduce<Node>((node, step) => node[find(node, step)] as Node, copy)
  const key = find(parent, steps.at(-1)!)
  if (value !== undefined) parent[key] = value
  else if (Array.isArray(parent)) parent.splice(Number(key), 1)
  else delete parent[key]
  return copy
}

const search = ["paths", "/api/contacts/search", "get"]
const create = ["paths", "/api/contacts", "post"]
const createSchema = [...create, "requestBody", "content", "application/json", "schema"]
const tags = ["paths", "/api/contacts/{contact_id}/tags", "post"]
const extra = { operationId: "contacts_list", tags: ["Contacts"], responses: {} }

const drifts: ReadonlyArray<readonly [name: string, steps: ReadonlyArray<Step>, value: unknown, place: string]> = [
  [
    "a parameter's name",
    [...search, "parameters", { name: "limit" }, "name"],
    "max",
    "GET /api/contacts/search > parameters > query limit"
  ],
  [
    "a parameter's location",
    [...search, "parameters", { name: "name" }, "in"],
    "header",
    "GET /api/contacts/search > parameters > query name"
  ],
  [
    "a parameter's type",
    [...search, "parameters", { name: "offset" }, "schema"],
    { type: "number" },
    "GET /api/contacts/search > parameters > query offset > schema > type > integer"
  ],
  [
    "a parameter's format",
    [...tags, "parameters", { name: "contact_id" }, "schema"],
    { type: "string" },
    "POST /api/contacts/{contact_id}/tags > parameters > path contact_id > schema > format"
  ],
  [
    "a parameter that becomes required",
    [...search, "parameters", { name: "phone" }, "required"],
    true,
    "GET /api/contacts/search > parameters > query phone > required"
  ],
  [
    "a removed parameter",
    [...search, "parameters", { name: "phone" }],
    undefined,
    "GET /api/contacts/search > parameters > query phone"
  ],
  [
    "a property's type",
    [...createSchema, "properties", "phone", "type"],
    "integer",
    "POST /api/contacts > requestBody > content > application/json > schema > properties > phone > type > string"
  ],
  [
    "a property's format",
    [...createSchema, "properties", "email", "format"],
    undefined,
    "POST /api/contacts > requestBody > content > application/json > schema > properties > email > format"
  ],
  [
    "a property that becomes nullable",
    [...createSchema, "properties", "lastName", "nullable"],
    true,
    "POST /api/contacts > requestBody > content > application/json > schema > properties > lastName > type > null"
  ],
  [
    "a property's items",
    [...createSchema, "properties", "tags", "items", "type"],
    "integer",
    "POST /api/contacts > requestBody > content > application/json > schema > properties > tags > items > type > string"
  ],
  [
    "a removed property",
    [...createSchema, "properties", "firstName"],
    undefined,
    "POST /api/contacts > requestBody > content > application/json > schema > properties > firstName"
  ],
  [
    "an added property",
    [...createSchema, "properties", "undeclared"],
    { type: "string" },
    "POST /api/contacts > requestBody > content > application/json > schema > properties > undeclared"
  ],
  [
    "the required properties of a body",
    [...createSchema, "required"],
    ["phone", "email"],
    "POST /api/contacts > requestBody > content > application/json > schema > required > email"
  ],
  [
    "a closed response",
    [...search, "responses", "200", "content", "application/json", "schema", "additionalProperties"],
    false,
    "GET /api/contacts/search > responses > 200 > content > application/json > schema > additionalProperties"
  ],
  ["a removed body", [...tags, "requestBody"], undefined, "POST /api/contacts/{contact_id}/tags > requestBody"],
  ["a removed status", [...create, "responses", "201"], undefined, "POST /api/contacts > responses > 201"],
  [
    "an added status",
    [...search, "responses", "404"],
    { description: "Not found" },
    "GET /api/contacts/search > responses > 404"
  ],
  [
    "a response's schema",
    [...search, "responses", "200", "content", "application/json", "schema"],
    { type: "array", items: {} },
    "GET /api/contacts/search > responses > 200 > content > application/json > schema > type > object"
  ],
  [
    "a response's media type",
    [...search, "responses", "200", "content"],
    { "text/csv": { schema: { type: "object" } } },
    "GET /api/contacts/search > responses > 200 > content > application/json"
  ],
  ["an operation's id", [...tags, "operationId"], "tags_create", "POST /api/contacts/{contact_id}/tags > operationId"],
  ["a deprecated operation", [...tags, "deprecated"], true, "POST /api/contacts/{contact_id}/tags > deprecated"],
  ["a removed operation", search, undefined, "GET /api/contacts/search"],
  ["an added operation", ["paths", "/api/contacts", "get"], extra, "GET /api/contacts"],
  ["a changed method", ["paths", "/api/contacts/search"], { post: extra }, "GET /api/contacts/search"],
  ["an operation without security", [...search, "security"], [], "GET /api/contacts/search > security"],
  [
    "the scheme's type",
    ["components", "securitySchemes", "OrganizationApiToken", "type"],
    "apiKey",
    "securitySchemes > OrganizationApiToken > type"
  ],
  [
    "the scheme's name",
    ["components", "securitySchemes", "OrganizationApiToken", "scheme"],
    "basic",
    "securitySchemes > OrganizationApiToken > scheme"
  ],
  [
    "the token's format",
    ["components", "securitySchemes", "OrganizationApiToken", "bearerFormat"],
    "JWT",
    "securitySchemes > OrganizationApiToken > bearerFormat"
  ],
  ["the server", ["servers"], [{ url: "https://api.agentalk.dev" }], "servers"]
]

describe("AgentalkApi", () => {
  it("declares every published operation", () => {
    const declared = new Set(operationNames.map((operation) => definitionOf(operation).openApiId))
    assert.deepStrictEqual(declared, operationIds(published))
    assert.deepStrictEqual(operationIds(derived), operationIds(published))
  })

  it("equals the published contract", () => {
    assert.deepStrictEqual(findDrift(published, derived), [])
  })

  it.each(drifts)("findDrift reports a change in either document: %s", (_, steps, value, place) => {
    const sides = [
      findDrift(change(published, steps, value), derived),
      findDrift(published, change(derived, steps, value))
    ]
    for (const lines of sides) assert.isTrue(lines.some(isAt(place)), `${place} is not among\n${lines.join("\n")}`)
  })

  it("findDrift reports a changed shared header for every operation", () => {
    const steps = ["components", "parameters", "XOrganizationId", "schema", "format"]
    const lines = findDrift(change(published, steps, undefined), derived)
    assert.lengthOf(lines, operationNames.length)
    for (const line of lines) assert.match(line, /> parameters > header x-organization-id > schema > format: /)
  })

  it("findDrift allows the derived document to require an optional body, but not the reverse", () => {
    const steps = [...create, "requestBody", "required"]
    assert.deepStrictEqual(findDrift(change(published, steps, false), derived), [])
    assert.deepStrictEqual(findDrift(change(published, steps, true), change(derived, steps, false)), [
      "operations > POST /api/contacts > requestBody > required: published true, derived false"
    ])
  })

  it("findDrift allows the derived document to close an open body, but not the reverse", () => {
    const steps = [...createSchema, "additionalProperties"]
    assert.deepStrictEqual(findDrift(change(published, steps, true), derived), [])
    assert.deepStrictEqual(findDrift(change(published, steps, {}), derived), [])
    assert.lengthOf(findDrift(change(published, steps, { type: "string" }), derived), 1)
    assert.lengthOf(findDrift(change(published, steps, false), change(derived, steps, true)), 1)
  })

  it("findDrift treats the nullable types of OpenAPI 3.0 and 3.1 as equal", () => {
    const steps = [...createSchema, "properties", "lastName"]
    const left = change(published, steps, { type: "string", nullable: true })
    const right = change(derived, steps, { type: ["null", "string"] })
    assert.deepStrictEqual(findDrift(left, right), [])
  })
})
