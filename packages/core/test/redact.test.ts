import { assert, describe, it } from "@effect/vitest"
import { redactToken, makeRedactor } from "../src/internal/wire/redaction.ts"

const org = "5a4db0c5-0000-4000-8000-000000000000"

/** A text without what a request carried. */
const redact = (carried: unknown, text: string): string =>
  makeRedactor([carried], `${org}.s3cr3t`, undefined).text(text)

const long = "Antidisestab"
const oneWord = "Ouagadougou"
const nested = Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], "deep")

describe("a text without what a request carried", () => {
  it.each<readonly [name: string, carried: unknown, text: string, expected: string]>([
    ["one word of a name", { name: "Jane Fotheringay" }, "Fotheringay's name", "<name>'s name"],
    ["no word of two letters", { name: "Al Fotheringay" }, "Al is bad", "Al is bad"],
    ["white space of any kind and length", { name: "Jo \t Al" }, "Jo Al is bad", "<name> is bad"],
    ["white space around a value", { name: " Al " }, "Al.", "<name>."],
    ["nothing for a blank value", { name: " " }, "a - b", "a - b"],
    ["a composed letter for a decomposed one", { city: "Zu\u0308rich" }, "no Z\u00fcrich", "no <city>"],
    ["a value that stands twice, by its first place", { first: "Anna", last: "Anna" }, "no Anna", "no <first>"],
    ["the longest of two values", { a: "Anna", b: "Annabelle" }, "no Annabelle", "no <b>"],
    ["a value of four letters within a word", { name: "anna" }, "Joannas", "Jo<name>s"],
    ["no value of three letters before a letter", { name: "Ann", city: oneWord }, "Anne is bad", "Anne is bad"],
    ["no value of three letters behind a letter", { name: "Ann", city: oneWord }, "no Joann", "no Joann"],
    ["the beginning of a long value", { name: long }, "Antidise... is bad", "<name>... is bad"],
    ["as much of a long value as stands there", { name: long }, "Antidisesto is bad", "<name>o is bad"],
    ["no beginning of a shorter value", { name: long.slice(1) }, "ntidises is bad", "ntidises is bad"],
    ["a form's escapes with blanks as in a path", { q: "O'Neill (x)" }, "O%27Neill%20%28x%29", "<q>"],
    ["a path's escapes", { q: "O'Neill (x)" }, "O'Neill%20(x)", "<q>"],
    ["a path whose slashes are kept", { q: "a b/c d" }, "a%20b/c%20d", "<q>"],
    ["an apostrophe in decimal HTML", { q: `O'Neill "T"` }, "O&#39;Neill &quot;T&quot;", "<q>"],
    ["a lone surrogate", { q: "lone\ud83d" }, "no lone\ud83d", "no <q>"],
    ["the secret of the token alone", {}, "no s3cr3t", "no <token>"],
    ["what is no text", [undefined, null, true], "no true", "no true"],
    ["what is nested deeper than a stack", nested, "no deep", "no deep"],
    ["a text as long as is searched", {}, "a".repeat(1024), `${"a".repeat(199)}…`],
    ["a longer text, by its length", {}, "a".repeat(1025), "(a text of 1025 characters)"]
  ])("%s", (_, carried, text, expected) => {
    assert.strictEqual(redact(carried, text), expected)
  })

  it("has no organization, and needs no token", () => {
    assert.strictEqual(makeRedactor([], undefined, "Acme-7").text("no Acme-7 here"), "no <organization> here")
    assert.strictEqual(makeRedactor([], "acme..s3cr3t", undefined).text("no - acme"), "no - <token>")
  })

  it("tells whether it holds a value", () => {
    const { mentions } = makeRedactor([{ city: oneWord }], undefined, undefined)
    assert.isTrue(mentions(`in ${oneWord}`))
    assert.isFalse(mentions("in Oslo"))
  })
})

describe("a text without the token", () => {
  it.each<readonly [authorization: string | undefined, text: string, expected: string]>([
    ["Bearer acme.s3cr3t", "acme.s3cr3t, acme, S3CR3T", "<token>, <token>, <token>"],
    ["Bearer acme..s3cr3t", "no s3cr3t", "no <token>"],
    [undefined, "no s3cr3t", "no s3cr3t"]
  ])("of %s", (authorization, text, expected) => {
    assert.strictEqual(redactToken(authorization)(text), expected)
  })
})
