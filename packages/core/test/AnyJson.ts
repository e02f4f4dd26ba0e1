/** Arbitraries for untrusted JSON. Most values resemble a response of the API. */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { attributeNames, attributes } from "../src/internal/attributes.ts"

const idKeys = ["id", "contactId", "contact_id"]
const isNewKeys = ["isNew", "is_new"]
const attributeKeys = attributeNames.flatMap((name) => attributes[name].spellings)

/** The keys of a contact in a response that are never in its `extra`. */
export const knownKeys: ReadonlySet<string> = new Set([...idKeys, ...attributeKeys, "fields", ...isNewKeys])

const keys = Schema.Literals([
  ...knownKeys,
  "contact",
  "data",
  "contacts",
  "results",
  "items",
  "pagination",
  "total",
  "count",
  "key",
  "value",
  "name",
  "detail",
  "errors",
  "message",
  "success",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty"
])

/** An object built from entries. Every key, `__proto__` included, becomes an own property, as with `JSON.parse`. */
const objectOf = <A>(key: Arbitrary.Arbitrary<string>, value: Arbitrary.Arbitrary<A>) =>
  Arbitrary.map(Arbitrary.array(Arbitrary.all([key, value]), { maxLength: 6 }), (entries) =>
    Object.fromEntries(entries)
  )

const key = Arbitrary.schema(keys)
const leaf = Arbitrary.schema(
  Schema.Union([Schema.Json, Schema.Null, Schema.Literals(["", "1", 0, 1.5, true, "\ud83d"])])
)
const shallow = objectOf(key, leaf)
const shallowOrList = Arbitrary.flatMap(
  Arbitrary.schema(Schema.Literals([0, 1, 2])),
  (kind): Arbitrary.Arbitrary<unknown> =>
    kind === 0 ? leaf : kind === 1 ? shallow : Arbitrary.array(shallow, { maxLength: 3 })
)
const deep = objectOf(key, shallowOrList)

/** Any JSON value. Two thirds are objects with the API's keys, nested up to three levels. */
export const anyJson: Arbitrary.Arbitrary<unknown> = Arbitrary.flatMap(
  Arbitrary.schema(Schema.Literals([0, 1, 2])),
  (kind): Arbitrary.Arbitrary<unknown> => (kind === 0 ? leaf : kind === 1 ? deep : objectOf(key, deep))
)

/** The own keys of `Object.prototype`, so that a test can detect prototype pollution. */
export const prototypeKeys = (): ReadonlyArray<PropertyKey> => Reflect.ownKeys(Object.prototype)
