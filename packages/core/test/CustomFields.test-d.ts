import { describe, expectTypeOf, it } from "@effect/vitest"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as SchemaGetter from "effect/SchemaGetter"
import type * as Stream from "effect/Stream"
import * as Core from "../src/index.ts"

const { CustomFields } = Core

class Customers extends CustomFields.Service<Customers>()("test/Customers", {
  visits: Schema.FiniteFromString,
  since: Schema.DateTimeUtcFromString,
  plan: Schema.Literals(["free", "pro"]),
  nick: Schema.optionalKey(Schema.String),
  motto: Schema.optional(Schema.String),
  draft: Schema.mutableKey(Schema.Boolean)
}) {}

declare const customers: Customers["Service"]

type Api = Customers["Service"]
type Customer = Core.CustomFields.Contact<typeof Customers.fields>

/** The typed form of a result of `Contacts`. */
type Typed<A> = A extends Core.Contact
  ? Customer
  : A extends Option.Option<Core.Contact>
    ? Option.Option<Customer>
    : A extends Core.UpsertResult
      ? Core.CustomFields.UpsertResult<typeof Customers.fields>
      : A extends Core.SearchPage
        ? Core.CustomFields.SearchPage<typeof Customers.fields>
        : A

interface Read {
  readonly visits?: number
  readonly since?: DateTime.Utc
  readonly plan?: "free" | "pro"
  readonly nick?: string
  readonly motto?: string | undefined
  readonly draft?: boolean
}

type Write = { readonly [K in keyof Read]?: Read[K] | undefined }

const phone = "+15551234567"

describe("CustomFields", () => {
  it("types the fields of a decoded contact", () => {
    expectTypeOf<Customer["fields"]>().toEqualTypeOf<Read>()
    expectTypeOf<Customer["otherFields"]>().toEqualTypeOf<Readonly<Record<string, Schema.Json>>>()
    expectTypeOf<Customer["invalidFields"][number]["key"]>().toEqualTypeOf<keyof Read>()
    expectTypeOf<Customer["invalidFields"][number]["value"]>().toEqualTypeOf<Schema.Json>()
    expectTypeOf<Omit<Customer, "fields" | "otherFields" | "invalidFields">>().toEqualTypeOf<
      Omit<Core.Contact, "fields">
    >()
    expectTypeOf(Customers.decode).toEqualTypeOf<(contact: Core.Contact) => Customer>()
    expectTypeOf(Core.ContactsStream.search).returns.toExtend<
      Stream.Stream<Parameters<typeof Customers.decode>[0], unknown, unknown>
    >()
  })

  it("types the fields of an input", () => {
    expectTypeOf<Parameters<Api["updateFields"]>[1]>().toEqualTypeOf<Write>()
    expectTypeOf<Parameters<Api["upsert"]>[0]["fields"]>().toEqualTypeOf<Write | undefined>()
    expectTypeOf<Parameters<Api["clearField"]>[1]>().toEqualTypeOf<keyof Read | Core.ClearableAttribute>()
    expectTypeOf<"firstName" | "lastName" | "email">().toExtend<Core.ClearableAttribute>()
    expectTypeOf<"phone">().not.toExtend<Core.ClearableAttribute>()
    expectTypeOf<"tags">().not.toExtend<Core.ClearableAttribute>()
    expectTypeOf(Customers.encode).returns.toEqualTypeOf<Effect.Effect<Core.UpsertInput, Core.Validation>>()
  })

  it("has the methods of Contacts, with the same errors", () => {
    type Plain = Core.Contacts["Service"]
    expectTypeOf<keyof Api>().toEqualTypeOf<keyof Plain>()
    expectTypeOf<{ readonly [K in Core.Operation]: Effect.Error<ReturnType<Api[K]>> }>().toEqualTypeOf<{
      readonly [K in Core.Operation]: Effect.Error<ReturnType<Plain[K]>>
    }>()
    expectTypeOf<Effect.Services<ReturnType<Api[keyof Plain]>>>().toBeNever()
    type Values = { readonly [K in Core.Operation]: Effect.Success<ReturnType<Api[K]>> }
    expectTypeOf<Values>().toEqualTypeOf<{
      readonly [K in Core.Operation]: Typed<Effect.Success<ReturnType<Plain[K]>>>
    }>()
    expectTypeOf<Values["addTags"]>().toEqualTypeOf<Option.Option<Customer>>()
    expectTypeOf<Values["upsert"]["contact"]>().toEqualTypeOf<Customer>()
    expectTypeOf<Values["upsert"]["isNew"]>().toEqualTypeOf<boolean>()
    expectTypeOf<Values["search"]["contacts"]>().toEqualTypeOf<ReadonlyArray<Customer>>()
    expectTypeOf<Values["search"]["total"]>().toEqualTypeOf<Option.Option<number>>()
    expectTypeOf(Customers.layer).toEqualTypeOf<Layer.Layer<Customers, never, Core.Contacts>>()
  })

  it("accepts values whose type is an interface", () => {
    interface Changes {
      plan: "free" | "pro"
    }
    const changes = {} as Changes
    expectTypeOf(customers.updateFields).toBeCallableWith("id", changes)
    expectTypeOf(customers.upsert).toBeCallableWith({ phone, fields: changes })
  })

  it("rejects unknown keys and values of the wrong type", () => {
    const rejected = [
      // @ts-expect-error -- a misspelt key
      customers.upsert({ phone, fields: { visit: 1 } }),
      // @ts-expect-error -- a misspelt key
      customers.updateFields("id", { visit: 1 }),
      // @ts-expect-error -- a misspelt key
      customers.clearField("id", "visit"),
      // @ts-expect-error -- the phone cannot be cleared
      customers.clearField("id", "phone"),
      // @ts-expect-error -- the encoded value instead of the decoded one
      customers.updateFields("id", { visits: "1" }),
      // @ts-expect-error -- not one of the literals
      customers.upsert({ phone, fields: { plan: "gold" } }),
      // @ts-expect-error -- this schema does not allow null
      customers.updateFields("id", { nick: null }),
      // @ts-expect-error -- upsert requires a phone
      customers.upsert({ fields: { visits: 1 } }),
      // @ts-expect-error -- search requires a name or a phone
      customers.search({}),
      // @ts-expect-error -- a misspelt key
      Customers.encode({ phone, fields: { visit: 1 } })
    ]
    expectTypeOf(rejected).toBeArray()
  })

  it("accepts schemas whose encoded form is JSON", () => {
    class Address extends Schema.Class<Address>("Address")({ street: Schema.optionalKey(Schema.String) }) {}
    class Rich extends CustomFields.Service<Rich>()("test/Rich", {
      address: Address,
      all: Schema.Array(Schema.Struct({ n: Schema.FiniteFromString })),
      record: Schema.Record(Schema.String, Schema.Finite),
      json: Schema.Json,
      maybe: Schema.OptionFromNullOr(Schema.BigIntFromString)
    }) {}
    expectTypeOf<Core.CustomFields.Values<typeof Rich.fields>["address"]>().toEqualTypeOf<Address | undefined>()
  })

  it("rejects schemas whose encoded form is not JSON, and schemas that require a service", () => {
    const getter = {} as SchemaGetter.Getter<string, string, Core.Contacts>
    const needy = Schema.String.pipe(Schema.decodeTo(Schema.String, { decode: getter, encode: getter }))
    const rejected = [
      // @ts-expect-error -- a Date is not JSON
      CustomFields.Service<never>()("test/Dates", { since: Schema.Date }),
      // @ts-expect-error -- a bigint is not JSON
      CustomFields.Service<never>()("test/Numbers", { count: Schema.BigInt }),
      // @ts-expect-error -- a schema that requires a service
      CustomFields.Service<never>()("test/Needy", { needy })
    ]
    expectTypeOf(rejected).toBeArray()
  })
})
