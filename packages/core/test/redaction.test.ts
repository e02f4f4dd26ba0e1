import { assert, describe, it } from "@effect/vitest"
import { redactToken, makeRedactor } from "../src/internal/wire/redaction.ts"

const org = "5a4db0c5-0000-4000-8000-000000000000"

/** Redacts the values of a request from a text. */
const redact = (input: unknown, text: string): string => makeRedactor([input], `${org}.s3cr3t`, undefined).text(text)

const long = "Antidisestab"
const oneWord = "Ouagadougou"
const nested = Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], "deep")

describe("makeRedactor", () => {
  it.each<readonly [name: string, input: unknown, text: string, expected: string]>([
    ["one word of a name", { name: "Jane Fotheringay" }, "Fotheringay's name", "<name>'s name"],
    ["a word only if it is longer than two letters", { name: "Al Fotheringay" }, "Al is bad", "Al is bad"],
    ["white space of any kind and length", { name: "Jo \t Al" }, "Jo Al is bad", "<name> is bad"],
    ["white space around a value", { name: " Al " }, "Al.", "<name>."],
    ["no blank value", { name: " " }, "a - b", "a - b"],
    ["a value in another Unicode normalization form", { city: "Zu\u0308rich" }, "no Z\u00fcrich", "no <city>"],
    ["a value that occurs twice with its first path", { first: "Anna", last: "Anna" }, "no Anna", "no <first>"],
    ["the longer of two values that match", { a: "Anna", b: "Annabelle" }, "no Annabelle", "no <b>"],
    ["a value of four letters inside a word", { name: "anna" }, "Joannas", "Jo<name>s"],
    ["no value of three letters before a letter", { name: "Ann", city: oneWord }, "Anne is bad", "Anne is bad"],
    ["no value of three letters after a letter", { name: "Ann", city: oneWord }, "no Joann", "no Joann"],
    ["the beginning of a long value", { name: long }, "Antidise... is bad", "<name>... is bad"],
    ["as much of a long value as the text contains", { name: long }, "Antidisesto is bad", "<name>o is bad"],
    ["no beginning of a shorter value", { name: long.slice(1) }, "ntidises is bad", "ntidises is bad"],
    ["form escapes with spaces as %20", { q: "O'Neill (x)" }, "O%27Neill%20%28x%29", "<q>"],
    ["path escapes", { q: "O'Neill (x)" }, "O'Neill%20(x)", "<q>"],
    ["path escapes with unescaped slashes", { q: "a b/c d" }, "a%20b/c%20d", "<q>"],
    ["an apostrophe in decimal HTML", { q: `O'Neill "T"` }, "O&#39;Neill &quot;T&quot;", "<q>"],
    ["a lone surrogate", { q: "lone\ud83d" }, "no lone\ud83d", "no <q>"],
    ["the secret part of the token", {}, "no s3cr3t", "no <token>"],
    ["no undefined, null or boolean value", [undefined, null, true], "no true", "no true"],
    ["no value that is nested deeper than the call stack", nested, "no deep", "no deep"],
    ["nothing in the longest text that it searches, and cuts it", {}, "a".repeat(1024), `${"a".repeat(199)}…`],
    ["a longer text as a whole", {}, "a".repeat(1025), "(a text of 1025 characters)"]
  ])("replaces %s", (_, input, text, expected) => {
    assert.strictEqual(redact(input, text), expected)
  })

  it("replaces the organization, with or without a token", () => {
    assert.strictEqual(makeRedactor([], undefined, "Acme-7").text("no Acme-7 here"), "no <organization> here")
    assert.strictEqual(makeRedactor([], "acme..s3cr3t", undefined).text("no - acme"), "no - <token>")
  })

  it("reports whether a text mentions a value", () => {
    const { mentions } = makeRedactor([{ city: oneWord }], undefined, undefined)
    assert.isTrue(mentions(`in ${oneWord}`))
    assert.isFalse(mentions("in Oslo"))
  })
})

describe("redactToken", () => {
  it.each<readonly [authorization: string | undefined, text: string, expected: string]>([
    ["Bearer acme.s3cr3t", "acme.s3cr3t, acme, S3CR3T", "<token>, <token>, <token>"],
    ["Bearer acme..s3cr3t", "no s3cr3t", "no <token>"],
    [undefined, "no s3cr3t", "no s3cr3t"]
  ])("replaces the token of %s", (authorization, text, expected) => {
    assert.strictEqual(redactToken(authorization)(text), expected)
  })
})
