import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Contact, EmailAddress, PathSegment, PhoneNumber } from "../src/Contact.ts"
import { ContactFromWire } from "../src/ContactFromWire.ts"
import { attributeNames } from "../src/internal/attributes.ts"
import { knownKeys } from "./AnyJson.ts"

const asSent = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const decode = Schema.decodeUnknownSync(ContactFromWire)

describe("PhoneNumber", () => {
  const decodePhone = Schema.decodeUnknownEffect(PhoneNumber)

  it.effect.each<readonly [given: string, sent: string]>([
    ["+15551234567", "+15551234567"],
    ["15551234567", "15551234567"],
    ["+1 (555) 123-4567", "+15551234567"],
    ["+1.555.123.4567", "+15551234567"],
    ["030/1234567", "0301234567"],
    [" +49\t30\n1234567 ", "+49301234567"],
    ["+1\u2011555\u2013123\u20144567", "+15551234567"],
    ["\u202a+1\u00a0555\u202f1234567\u202c", "+15551234567"],
    ["\u2066+15551234567\u2069", "+15551234567"],
    ["\ufeff+1555\u200b1234567\u200e", "+15551234567"],
    ["1234567", "1234567"],
    ["+123456789012345", "+123456789012345"]
  ])("normalizes %j", ([given, sent]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* decodePhone(given), sent)
    })
  )

  it.effect.each([
    "",
    "+",
    " ",
    "123456",
    "+123456",
    "1234567890123456",
    "++15551234567",
    "1+5551234567",
    "15551234567+",
    "+1555CALLNOW",
    "+1555123456x7",
    "15551234567 ext. 3",
    "tel:+15551234567",
    "15551234567,15551234568",
    "١٥٥٥١٢٣٤٥٦٧",
    "\uff11\uff15\uff15\uff15\uff11\uff12\uff13\uff14",
    "+1555123\u00004567"
  ])("rejects %j", (given) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(decodePhone(given))
      assert.include(error.message, "7 to 15 digits")
    })
  )
})

describe("EmailAddress", () => {
  const is = Schema.is(EmailAddress)

  it.each([
    "jane@example.com",
    "JANE@EXAMPLE.COM",
    "jane.doe+news@mail.example.co.uk",
    "o'brien@example.ie",
    "a!#$%&'*+/=?^_`{|}~-z@example.org",
    "1@2.io",
    "jane@xn--bcher-kva.example"
  ])("accepts %s", (text) => {
    assert.isTrue(is(text))
  })

  it.each([
    "",
    "jane",
    "jane@",
    "@example.com",
    "jane@example",
    "jane@@example.com",
    "jane doe@example.com",
    ".jane@example.com",
    "jane.@example.com",
    "ja..ne@example.com",
    "jane@.example.com",
    "jane@example..com",
    "jane@-example.com",
    "jane@example-.com",
    "jane@example.com\n",
    "jane@example.com, joe@example.com",
    "Jane <jane@example.com>"
  ])("rejects %j", (text) => {
    assert.isFalse(is(text))
  })
})

describe("PathSegment", () => {
  const is = Schema.is(PathSegment)

  it.each([
    "vip",
    "a/b",
    "a\\b",
    "50%",
    "%2e",
    "%2F",
    "...",
    ".a",
    "a.",
    "a/.b",
    "?",
    "#",
    " ",
    "é",
    "🎉",
    "\n",
    "\u0000"
  ])("accepts %j", (text) => {
    assert.isTrue(is(text))
  })

  it.each(["", ".", "..", "/", "a/", "/a", "a//b", "a/./b", "a/../b", "..\\a", "\\", "a\\", "\ud800", "a\udc00b"])(
    "rejects %j",
    (text) => {
      assert.isFalse(is(text))
    }
  )
})

// The wire format cannot express every contact: `""` decodes as a missing value, and a known key never lands in `extra`.
const hasWireForm = (contact: Contact) => {
  const { extra, id, tags = [] } = contact
  const values = [id, ...attributeNames.map((name) => contact[name]), ...tags.map((tag) => tag.id)]
  return values.every((value) => value !== "") && Object.keys(extra).every((key) => !knownKeys.has(key))
}

describe("ContactFromWire", () => {
  it.each<readonly [name: string, wire: object, contact: object]>([
    ["camel case", { id: "1", firstName: "J", lastName: "D" }, { firstName: "J", lastName: "D" }],
    ["snake case", { id: "1", first_name: "J", last_name: "D" }, { firstName: "J", lastName: "D" }],
    ["the first spelling that has a value", { id: "1", first_name: "", firstName: "J" }, { firstName: "J" }],
    ["the first of two spellings", { id: "1", first_name: "J", firstName: "K" }, { firstName: "J" }],
    ["id as contactId", { contactId: "1" }, {}],
    ["id as contact_id", { contact_id: "1" }, {}],
    ["null", { id: "1", phone: null, email: null, tags: null, fields: null, firstName: null }, {}],
    ['""', { id: "1", phone: "", email: "", tags: "", fields: "", last_name: "" }, {}],
    ["an empty list of tags", { id: "1", tags: [] }, { tags: [] }],
    ["tags as names", { id: "1", tags: ["vip"] }, { tags: [{ name: "vip" }] }],
    ["tags with text ids", { id: "1", tags: [{ id: "a", name: "vip" }] }, { tags: [{ id: "a", name: "vip" }] }],
    ["tags with number ids", { id: "1", tags: [{ id: 7, name: "vip" }] }, { tags: [{ id: "7", name: "vip" }] }],
    ["tags with a zero id", { id: "1", tags: [{ id: 0, name: "vip" }] }, { tags: [{ id: "0", name: "vip" }] }],
    [
      "tags without an id",
      { id: "1", tags: [{ id: null, name: "vip" }, "new"] },
      { tags: [{ name: "vip" }, { name: "new" }] }
    ],
    [
      "tags with unknown keys",
      { id: "1", tags: [{ id: 7, name: "vip", color: "red" }] },
      { tags: [{ id: "7", name: "vip" }] }
    ],
    ["fields as an object", { id: "1", fields: { city: "Oslo", n: [1] } }, { fields: { city: "Oslo", n: [1] } }],
    ["fields as a list", { id: "1", fields: [{ key: "city", value: "Oslo" }] }, { fields: { city: "Oslo" } }],
    ["a listed field without a value", { id: "1", fields: [{ key: "city" }] }, { fields: { city: null } }],
    ["an empty list of fields", { id: "1", fields: [] }, { fields: {} }],
    [
      "any string as id, phone and e-mail",
      { id: "not a uuid", phone: "call me", email: "n/a" },
      { phone: "call me", email: "n/a" }
    ],
    ["unknown keys", { id: "1", score: 9, avatar: null }, { extra: { score: 9, avatar: null } }],
    ["isNew beside the contact", { id: "1", isNew: true, is_new: true }, {}]
  ])("decodes %s", (_, wire, contact) => {
    const id = "id" in wire ? wire.id : "1"
    assert.deepStrictEqual<unknown>(decode(wire), { id, extra: {}, ...contact })
  })

  it.each([
    ["no id", { phone: "+15551234567" }],
    ["an empty id", { id: "" }],
    ["a phone that is not a string", { id: "1", phone: 15551234567 }],
    ["tags that are not a list", { id: "1", tags: { vip: true } }],
    ["a tag without a name", { id: "1", tags: [{ id: 7 }] }],
    ["fields that are not an object", { id: "1", fields: "city" }],
    ["a listed field without a key", { id: "1", fields: [{ value: 1 }] }],
    ["a list", [{ id: "1" }]],
    ["null", null],
    ["text", "1"]
  ])("rejects %s", (_, wire) => {
    assert.throws(() => decode(wire))
  })

  it("decodes __proto__ as an ordinary key", () => {
    const wire = JSON.parse(`{
      "id": "1",
      "__proto__": { "isAdmin": true },
      "fields": { "__proto__": { "isAdmin": true } }
    }`)
    const listed = JSON.parse('{"id": "1", "fields": [{ "key": "__proto__", "value": { "isAdmin": true } }]}')
    for (const contact of [decode(wire), decode(listed)]) {
      for (const part of [contact, contact.extra, contact.fields ?? {}]) {
        assert.strictEqual(Object.getPrototypeOf(part), Object.prototype)
        assert.notProperty(part, "isAdmin")
      }
      assert.isTrue(Object.hasOwn(contact.fields ?? {}, "__proto__"))
    }
    assert.isTrue(Object.hasOwn(decode(wire).extra, "__proto__"))
    assert.notProperty({}, "isAdmin")
  })

  it.effect.prop("decodes an encoded contact to the same contact", [Contact], ([contact]) =>
    Effect.gen(function* () {
      if (!hasWireForm(contact)) return
      const wire = yield* Schema.encodeEffect(ContactFromWire)(contact)
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(ContactFromWire)(wire), contact)
      assert.deepStrictEqual<unknown>(decode(asSent(wire)), asSent(contact))
    })
  )
})
