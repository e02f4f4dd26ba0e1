/** Round-trip laws: decoding an encoded value returns the same value, for every input and every setting. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import {
  ContactIdInput,
  EmailAddress,
  FieldsInput,
  PathSegment,
  PhoneNumber,
  SearchQuery,
  TagsInput,
  UpsertInput
} from "../src/Contact.ts"
import { QuotaFromString } from "../src/RateLimit.ts"
import { BaseUrl, InsecureBaseUrl, OrganizationId } from "../src/Settings.ts"
import { ApiToken } from "../src/Token.ts"
import * as Any from "./AnyInput.ts"
import { matching, oneOf } from "./AnyInput.ts"

const asSent = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const guid = /^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$/

const host = matching(/^[a-z0-9]{1,8}\.(?:example|test)$/)
const path = matching(/^(?:\/[a-z0-9%~_.-]{0,6}){0,3}$/)

const urlOf = (...schemes: ReadonlyArray<string>) =>
  Arbitrary.map(Arbitrary.all([oneOf(...schemes), host, path]), (parts) => parts.join(""))

/** The values that a schema decodes from generated text. Text that does not decode is skipped. */
const decoded = <S extends Schema.Codec<unknown, string>>(schema: S, text: Arbitrary.Arbitrary<string>) =>
  Arbitrary.filterMap(text, (each) => Schema.decodeUnknownResult(schema)(each))

const windows = ["1 second", "1 minute", "1 hour"] as const
const quota = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 999_999_999 }))),
    oneOf(...windows)
  ]),
  ([limit, window]) => ({ limit, window: Duration.fromInputUnsafe(window) })
)

const domains: ReadonlyArray<readonly [string, Schema.Codec<unknown, unknown>, Arbitrary.Arbitrary<unknown>]> = [
  ["UpsertInput", UpsertInput, Any.upsertInput],
  ["SearchQuery", SearchQuery, Any.searchQuery],
  ["FieldsInput", FieldsInput, Any.fields],
  ["TagsInput", TagsInput, Any.tags],
  ["ContactIdInput", ContactIdInput, Any.contactId],
  ["PathSegment", PathSegment, Any.pathSegment],
  ["PhoneNumber", PhoneNumber, Arbitrary.schema(PhoneNumber)],
  ["EmailAddress", EmailAddress, Any.email],
  ["ApiToken", ApiToken, Arbitrary.map(Arbitrary.all([matching(guid), matching(/^[!-~]{1,40}$/)]), (p) => p.join("."))],
  ["OrganizationId", OrganizationId, Arbitrary.schema(OrganizationId)],
  ["BaseUrl", BaseUrl, decoded(BaseUrl, urlOf("https://", "http://localhost:8080/", "http://127.0.0.1/"))],
  ["InsecureBaseUrl", InsecureBaseUrl, decoded(InsecureBaseUrl, urlOf("https://", "http://"))],
  ["QuotaFromString", QuotaFromString, quota]
]

describe.each(domains)("%s", (_, schema, domain) => {
  const decode = Schema.decodeUnknownEffect(schema)

  it.effect.prop("decodes an encoded value to the same value", { value: domain }, ({ value }) =>
    Effect.gen(function* () {
      const encoded = yield* Schema.encodeUnknownEffect(schema)(value)
      assert.deepStrictEqual(yield* decode(encoded), value)
      // The second round trip goes through JSON text, which cannot express -0.
      assert.deepStrictEqual(asSent(yield* decode(asSent(encoded))), asSent(value))
    })
  )
})

describe("a quota", () => {
  it.effect.each([
    { limit: 5, window: Duration.seconds(2) },
    { limit: 0, window: Duration.seconds(1) },
    { limit: 1.5, window: Duration.seconds(1) },
    { limit: 1e9, window: Duration.seconds(1) }
  ])("without a text form fails to encode: %j", (quota) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Schema.encodeUnknownEffect(QuotaFromString)(quota))
      assert.match(error.message, /Expected /)
    })
  )
})
