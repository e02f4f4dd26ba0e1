import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { operationNames } from "../src/internal/operation.ts"
import type { Issue } from "../src/Issue.ts"
import type { Operation } from "../src/Operations.ts"
import * as Sandbox from "../src/Sandbox.ts"
import * as Redacted from "effect/Redacted"
import { sampleOf } from "./OperationTable.ts"
import { callOnce, type Call, calls, contactsOver, id, make, text } from "./ScriptedApi.ts"

const secret = Redacted.value(Sandbox.token)

const input = {
  phone: "+1 (555) 123-4567",
  firstName: "Zaphod <b>",
  lastName: `O'Neill "Tux"`,
  email: "zaphod@heart-of-gold.example",
  tags: ["president & crook", "x2"],
  fields: { city: "Høllviken", age: 4217, note: { deep: ["vogon poetry"] } }
}

const upsert: Call = (contacts) => contacts.upsert(input)
const upsertOther: Call = (contacts) => contacts.upsert({ ...input, fields: { home: "Ogdenville", by: "email" } })

/** The issues of a call whose response is a 400 with this body. */
const issuesOf = (
  body: unknown,
  { call = upsert, status = 400, type = "application/json" }: { call?: Call; status?: number; type?: string } = {}
) =>
  Effect.map(
    Effect.flip(
      callOnce(call, () =>
        text(status, typeof body === "string" ? body : JSON.stringify(body), { "content-type": type })
      )
    ),
    (error) => {
      assert(error._tag === "Validation")
      return error.issues
    }
  )

/** The place of each text in the sample input of an operation. */
const sampleValues = (operation: Operation) => {
  const places = (value: unknown, path: ReadonlyArray<string>): ReadonlyArray<readonly [Operation, string, string]> =>
    typeof value === "string"
      ? [[operation, path.join("."), value]]
      : Object.entries(value ?? {}).flatMap(([key, each]) => places(each, [...path, key]))
  return places(sampleOf(operation), [])
}

const required = "This field is required."

describe("the issues of an error body", () => {
  it.effect.each<
    readonly [name: string, body: unknown, issues: ReadonlyArray<readonly [path: string, message: string]>]
  >([
    ["a list under a field", { phone: [required] }, [["phone", required]]],
    [
      "lists under two fields",
      { phone: ["Too short.", "No digits."], email: ["Bad."] },
      [
        ["phone", "Too short."],
        ["phone", "No digits."],
        ["email", "Bad."]
      ]
    ],
    ["non_field_errors", { non_field_errors: ["Bad pair."] }, [["", "Bad pair."]]],
    ["__all__", { __all__: ["Bad pair."] }, [["", "Bad pair."]]],
    ["detail", { detail: "Malformed request." }, [["", "Malformed request."]]],
    ["a string under a field", { phone: required }, [["phone", required]]],
    ["a nested object", { fields: { city: ["Unknown city."] } }, [["fields.city", "Unknown city."]]],
    ["a nested list", { tags: [{}, { name: ["May not be blank."] }] }, [["tags.1.name", "May not be blank."]]],
    ["an index as a key", { tags: { 1: ["May not be blank."] } }, [["tags.1", "May not be blank."]]],
    ["{error}", { error: "Bad phone." }, [["", "Bad phone."]]],
    ["{error} with an object", { error: { message: "Bad phone.", code: "invalid" } }, [["", "Bad phone."]]],
    ["{message}", { message: "Bad phone.", statusCode: 400 }, [["", "Bad phone."]]],
    ["{success, message}", { success: false, message: "Bad phone." }, [["", "Bad phone."]]],
    [
      "{errors: [text]}",
      { errors: ["Bad phone.", "Bad tag."] },
      [
        ["", "Bad phone."],
        ["", "Bad tag."]
      ]
    ],
    ["{errors: [{field, message}]}", { errors: [{ field: "phone", message: "Bad." }] }, [["phone", "Bad."]]],
    ["{errors: {field: [text]}}", { errors: { phone: ["Bad."] } }, [["phone", "Bad."]]],
    ["{message, errors}", { message: "Invalid.", errors: { phone: ["Bad."] } }, [["phone", "Bad."]]],
    [
      "JSON:API",
      { errors: [{ status: "400", title: "Invalid", detail: "Bad.", source: { pointer: "/fields/city" } }] },
      [["fields.city", "Bad."]]
    ],
    [
      "RFC 9457",
      { type: "https://example.com/bad", title: "Invalid", status: 400, detail: "Bad phone.", instance: "/x/1" },
      [["", "Bad phone."]]
    ],
    ["RFC 9457 without detail", { type: "about:blank", title: "Invalid", status: 400 }, [["", "Invalid"]]],
    [
      "RFC 9457 with errors",
      { title: "Invalid", errors: [{ detail: "Bad.", pointer: "#/phone" }] },
      [["phone", "Bad."]]
    ],
    [
      "RFC 7807 with invalid-params",
      { title: "Invalid", "invalid-params": [{ name: "phone", reason: "Bad." }] },
      [["phone", "Bad."]]
    ],
    [
      "FastAPI",
      { detail: [{ loc: ["body", "tags", 1], msg: "Bad.", type: "value_error" }] },
      [["body.tags.1", "Bad."]]
    ],
    ["a loc with an element that is not a key", { detail: [{ loc: ["body", {}], msg: "Bad." }] }, [["", "Bad."]]],
    ["a field that is a number", { errors: [{ field: 7, message: "Bad." }] }, [["", "Bad."]]],
    [
      "a pointer to a key with a hash",
      { errors: [{ detail: "Bad.", pointer: "/fields/c#" }] },
      [["fields.c#", "Bad."]]
    ],
    ["a list of strings", ["Bad phone."], [["", "Bad phone."]]],
    ["a JSON string", JSON.stringify("Bad phone."), [["", "Bad phone."]]],
    ["an empty body", "", []],
    ["null", "null", []],
    ["a number", "7", []],
    ["an empty object", {}, []],
    ["an HTML page", "<html><h1>Bad Request</h1></html>", []],
    ["broken JSON", '{"phone": ["Bad', []]
  ])("are read from %s", ([, body, issues]) =>
    Effect.gen(function* () {
      const found = yield* issuesOf(body)
      assert.deepStrictEqual(
        found.map(({ message, path }) => [path.join("."), message]),
        issues.map(([path, message]) => [path, message])
      )
    })
  )

  it.effect("are read from plain text, and never from HTML", () =>
    Effect.gen(function* () {
      const plain = { type: "text/plain; charset=utf-8" }
      assert.deepStrictEqual<unknown>(yield* issuesOf("Bad phone.", plain), [{ path: [], message: "Bad phone." }])
      assert.deepStrictEqual(yield* issuesOf("<p>Bad phone.</p>", plain), [])
      assert.deepStrictEqual(yield* issuesOf("<p>Bad phone.</p>", { type: "text/html" }), [])
    })
  )

  it.effect("are read if middleware removes the authorization header", () =>
    Effect.gen(function* () {
      const { client } = make(() => text(400, JSON.stringify({ phone: [required] })))
      const withoutHeader = HttpClient.mapRequest(client, HttpClientRequest.removeHeader("authorization"))
      const error = yield* Effect.flip(Effect.flatMap(contactsOver(withoutHeader), upsert))
      assert.deepNestedInclude(error, { issues: [{ path: ["phone"], message: required }] })
    })
  )

  it.effect("are read for every status of Validation, and the message contains their paths", () =>
    Effect.gen(function* () {
      for (const status of [400, 409, 413, 415, 422]) {
        assert.lengthOf(yield* issuesOf({ phone: [required] }, { status }), 1)
      }
      const body = JSON.stringify({ phone: [required], fields: { city: ["Bad."] } })
      const error = yield* Effect.flip(callOnce(upsert, () => text(400, body)))
      assert.strictEqual(
        error.message,
        "Contacts.upsert: the API refused the input (400) (phone, fields.city). See issues."
      )
    })
  )

  it.effect("are at most 50, and at most 8 levels deep", () =>
    Effect.gen(function* () {
      assert.lengthOf(yield* issuesOf({ phone: Array.from({ length: 99 }, (_, i) => `Error ${i}`) }), 50)
      const objects = (depth: number) => issuesOf(`${'{"a":'.repeat(depth)}"deep"${"}".repeat(depth)}`)
      const lists = (depth: number) => issuesOf(`${"[".repeat(depth)}"deep"${"]".repeat(depth)}`)
      for (const nested of [objects, lists]) {
        assert.lengthOf(yield* nested(8), 1)
        assert.deepStrictEqual(yield* nested(9), [])
      }
    })
  )

  it.effect("are cut at 200 characters, and never inside a character", () =>
    Effect.gen(function* () {
      const [issue] = yield* issuesOf({ phone: ["ab ".repeat(200)] })
      assert.strictEqual(Array.from(issue!.message).length, 200)
      assert.isTrue(issue!.message.endsWith("…"))
      const [emoji] = yield* issuesOf({ phone: ["🎉".repeat(300)] })
      assert.strictEqual(emoji!.message, `${"🎉".repeat(199)}…`)
      const [exact] = yield* issuesOf({ phone: ["a".repeat(200)] })
      assert.strictEqual(exact!.message, "a".repeat(200))
    })
  )
})

describe("an echo of the request", () => {
  it.effect("does not appear if the text is too long to search", () =>
    Effect.gen(function* () {
      const long = "zaphod".repeat(200_000)
      const call: Call = (contacts) => contacts.updateFields(id, { note: long })
      const found = yield* issuesOf({ note: [`${long} is too long`, "x".repeat(5_000)] }, { call })
      assert.deepStrictEqual(
        found.map(({ message }) => message),
        ["(a text of 1200012 characters)", "(a text of 5000 characters)"]
      )
    })
  )

  it.effect("is replaced if the request has thousands of values or very large ones", () =>
    Effect.gen(function* () {
      const fields = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`k${i}`, `(value*)[${i}\\`]))
      const call: Call = (contacts) =>
        contacts.updateFields(id, { ...fields, long: "x(".repeat(1_000_000), lone: "\ud83d", empty: " " })
      const [issue] = yield* issuesOf({ detail: "No (value*)[7\\ here" }, { call })
      assert.strictEqual(issue?.message, "No <fields.k7> here")
    })
  )

  it.effect.each<readonly [name: string, echo: string, issue: string]>([
    ["the phone as given", `"${input.phone}" is bad`, '"<phone>" is bad'],
    ["the phone as sent", "+15551234567 is bad", "<phone> is bad"],
    ["the phone in digits", "15551234567 is bad", "<phone> is bad"],
    ["the phone in a URL", "no ?phone=%2B15551234567&x", "no ?phone=<phone>&x"],
    ["the first name", "Zaphod <b> is bad", "<firstName> is bad"],
    ["a name in another case", "ZAPHOD <B> is bad", "<firstName> is bad"],
    ["a name in HTML", "Zaphod &lt;b&gt; is bad", "<firstName> is bad"],
    ["a name in numeric HTML", "Zaphod &#60;b&#62; is bad", "<firstName> is bad"],
    ["a name in hexadecimal HTML", "O&#x27;Neill &#x22;Tux&#x22; is bad", "<lastName> is bad"],
    ["a name in Django's HTML", "O&#x27;Neill &quot;Tux&quot; is bad", "<lastName> is bad"],
    ["a name in Python quotes", String.raw`'O\'Neill "Tux"' is bad`, "'<lastName>' is bad"],
    ["a name in JSON", String.raw`O'Neill \"Tux\" is bad`, "<lastName> is bad"],
    ["a field in JSON escapes", String.raw`H\u00f8llviken is bad`, "<fields.city> is bad"],
    ["a name in a URL", "Zaphod%20%3Cb%3E is bad", "<firstName> is bad"],
    ["a name in form encoding", "Zaphod+%3Cb%3E is bad", "<firstName> is bad"],
    ["the e-mail", "zaphod@heart-of-gold.example is bad", "<email> is bad"],
    ["the e-mail in a URL", "zaphod%40heart-of-gold.example is bad", "<email> is bad"],
    ["a tag", "tag president & crook is bad", "tag <tags.0> is bad"],
    ["a tag in HTML", "tag president &amp; crook is bad", "tag <tags.0> is bad"],
    ["a short tag as a word", "tag x2 is bad", "tag <tags.1> is bad"],
    ["a short tag only as a whole word", "tax2b is bad", "tax2b is bad"],
    ["a field", "no city Høllviken known", "no city <fields.city> known"],
    ["a number", "4217 is too old", "<fields.age> is too old"],
    ["a deep field", "vogon poetry is bad", "<fields.note.deep.0> is bad"],
    ["two values", "Zaphod <b> at Høllviken", "<firstName> at <fields.city>"],
    ["a phone that the request does not contain", "+4930123456789 is taken", "<number> is taken"],
    ["a phone with separators that the request does not contain", "+49 (30) 1234-5678 is taken", "<number> is taken"],
    ["an e-mail that the request does not contain", "arthur@earth.example is taken", "<email> is taken"],
    ["the token", `Bearer ${secret} is bad`, "Bearer <token> is bad"]
  ])("is replaced: %s", ([, echo, issue]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* issuesOf({ detail: echo }))[0]?.message, issue)
    })
  )

  it.effect.each<readonly [key: string, segment: string]>([
    ["+15551234567", "<phone>"],
    ["Ogdenville", "<fields.home>"],
    ["nickname", "nickname"],
    // A key of the contract stays in the path, even if it equals a value of the request.
    ["email", "email"]
  ])("in the key %s is the path segment %s", ([key, segment]) =>
    Effect.gen(function* () {
      const found: ReadonlyArray<Issue> = yield* issuesOf({ errors: { [key]: ["Bad."] } }, { call: upsertOther })
      assert.deepStrictEqual(found[0]?.path, [segment])
    })
  )

  it.effect.each(operationNames.flatMap(sampleValues))(
    "of the sample of %s is replaced: %s",
    ([operation, place, value]) =>
      Effect.gen(function* () {
        const found = yield* issuesOf({ detail: `No ${value} here` }, { call: calls[operation] })
        assert.deepStrictEqual<unknown>(found, [{ path: [], message: `No <${place}> here` }])
      })
  )

  it.effect.each<readonly [name: string, call: Call, echo: string, issue: string]>([
    ["a contact's id", calls.delete, `No ${id} here`, "No <id> here"],
    ["a contact's id in upper case", calls.delete, `No ${id.toUpperCase()} here`, "No <id> here"],
    ["a field key", (contacts) => contacts.clearField(id, "shoe size"), "No shoe size here", "No <key> here"],
    ["a tag", (contacts) => contacts.removeTag(id, "a/b c"), "No a%2Fb%20c here", "No <tagIdOrName> here"],
    ["a searched name", (contacts) => contacts.search({ name: "Trillian" }), "No Trillian here", "No <name> here"],
    ["a searched phone", (contacts) => contacts.search({ phone: "555-1234" }), "No 5551234 here", "No <phone> here"]
  ])("of %s is replaced", ([, call, echo, issue]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* issuesOf({ detail: echo }, { call }))[0]?.message, issue)
    })
  )
})
