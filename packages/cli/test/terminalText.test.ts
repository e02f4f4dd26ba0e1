import { ContactFromWire } from "@agentalk/core/ContactFromWire"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { contactJson, contactLines, contactTable } from "../src/internal/contactView.ts"
import { fit, plain, wrap } from "../src/internal/terminalText.ts"

describe("text for a terminal", () => {
  it("is one line without control characters", () => {
    assert.strictEqual(plain("a\nb\tc\u001b[31m\u202ed\u2028e"), "a b c\ufffd[31m\ufffdd\ufffde")
  })

  it("is cut to a width in columns, and never within a character", () => {
    assert.deepStrictEqual([fit("abc", 3), fit("abcd", 3), fit("🎉🎉", 3), fit("", 0)], ["abc", "ab…", "🎉…", ""])
  })

  it("breaks between words", () => {
    const lines = wrap("word ".repeat(40).trim(), 70)
    assert.isAbove(lines.length, 1)
    for (const line of lines) assert.isAtMost(line.length, 70)
  })
})

describe("a contact", () => {
  const id = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"
  const contact = Schema.decodeSync(ContactFromWire)({ id })

  it("is a row of a table without empty columns, whose last columns are cut if they do not fit", () => {
    assert.deepStrictEqual(contactTable([contact], 80), ["ID", id])
    const full = { ...contact, phone: "1", firstName: "J".repeat(30), email: "e@x.example", tags: [{ name: "vip" }] }
    const wide = contactTable([full, contact], 200)
    assert.match(wide[0]!, /^ID +PHONE +NAME +E-MAIL +TAGS$/)
    assert.include(wide[1], "vip")
    const narrow = contactTable([full], 60)
    assert.match(narrow[1]!, /J+…$/)
    assert.deepStrictEqual(contactTable([full], 10), ["ID", id])
  })

  it("is printed as lines with its values", () => {
    const lines = contactLines({ ...contact, fields: { city: "Oslo", n: { a: 1 } } })
    assert.deepStrictEqual(
      lines.map((line) => line.trim().replace(/ +/, " ")),
      [`id ${id}`, "city Oslo", 'n {"a":1}']
    )
  })

  it("has the names of its tags in JSON, and extra only if it is not empty", () => {
    assert.deepStrictEqual<unknown>(contactJson(contact), { id })
    assert.deepStrictEqual<unknown>(contactJson({ ...contact, tags: [{ name: "a", id: "1" }], extra: { x: 1 } }), {
      id,
      tags: ["a"],
      extra: { x: 1 }
    })
  })
})
