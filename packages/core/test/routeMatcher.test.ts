import { assert, describe, it } from "@effect/vitest"
import { makeRouteMatcher } from "../src/internal/sandbox/routeMatcher.ts"

const search = { operation: "search", method: "GET", path: "/api/contacts/search" } as const
const get = { operation: "get", method: "GET", path: "/api/contacts/:contact_id" } as const
const listTags = { operation: "listTags", method: "GET", path: "/api/contacts/:contact_id/tags" } as const
const getFacet = { operation: "getFacet", method: "GET", path: "/api/contacts/search/:facet" } as const
const removeTag = { operation: "removeTag", method: "DELETE", path: "/api/contacts/:contact_id/tags/:tag" } as const

const routes = [get, search, listTags, getFacet, removeTag]

describe("makeRouteMatcher", () => {
  it.each([
    ["in this order", routes],
    ["in reverse order", routes.toReversed()]
  ] as const)("prefers a literal segment to a parameter, with the routes declared %s", (_, declared) => {
    const match = makeRouteMatcher(declared)
    assert.deepStrictEqual(match("GET", "/api/contacts/search"), { operation: "search", params: {} })
    assert.deepStrictEqual(match("GET", "/api/contacts/1"), { operation: "get", params: { contact_id: "1" } })
    // Both paths with a parameter match here: the leftmost literal segment decides.
    assert.deepStrictEqual(match("GET", "/api/contacts/search/tags"), {
      operation: "getFacet",
      params: { facet: "tags" }
    })
    assert.deepStrictEqual(match("GET", "/api/contacts/1/tags"), { operation: "listTags", params: { contact_id: "1" } })
  })

  it("matches the method and the whole path, with or without a trailing slash", () => {
    const match = makeRouteMatcher(routes)
    assert.strictEqual(match("DELETE", "/api/contacts/search"), undefined)
    assert.strictEqual(match("GET", "/api/contacts"), undefined)
    assert.strictEqual(match("GET", "/v1/api/contacts/search"), undefined)
    assert.strictEqual(match("GET", "/api/contacts/search/")?.operation, "search")
  })

  it("decodes parameters and keeps a parameter that cannot be decoded", () => {
    const match = makeRouteMatcher(routes)
    assert.deepStrictEqual(match("DELETE", "/api/contacts/1/tags/a%2Fb"), {
      operation: "removeTag",
      params: { contact_id: "1", tag: "a/b" }
    })
    assert.deepStrictEqual(match("GET", "/api/contacts/%E0%A4%A")?.params, { contact_id: "%E0%A4%A" })
  })
})
