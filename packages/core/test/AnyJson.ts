/** JSON as a stranger would send it: anything, and most of it close to what the API answers. */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

const keys = Schema.Literals([
  "id",
  "contactId",
  "contact_id",
  "contact",
  "data",
  "contacts",
  "results",
  "items",
  "pagination",
  "total",
  "count",
  "phone",
  "first_name",
  "email",
  "tags",
  "fields",
  "key",
  "value",
  "name",
  "isNew",
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

/** An object made of entries, which takes any key for what it is, as `JSON.parse` does. */
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

/** Any JSON; two in three are objects with the keys of the API, up to three levels of them. */
export const anyJson: Arbitrary.Arbitrary<unknown> = Arbitrary.flatMap(
  Arbitrary.schema(Schema.Literals([0, 1, 2])),
  (kind): Arbitrary.Arbitrary<unknown> => (kind === 0 ? leaf : kind === 1 ? deep : objectOf(key, deep))
)

/** What `Object.prototype` has, to see that nobody touched it. */
export const prototypeKeys = (): ReadonlyArray<PropertyKey> => Reflect.ownKeys(Object.prototype)
