import { describe, expectTypeOf, it } from "@effect/vitest"
import type * as Config from "effect/Config"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Core from "../src/index.ts"

declare const contacts: Core.Contacts["Service"]

type Everywhere =
  | Core.Validation
  | Core.Unauthorized
  | Core.Forbidden
  | Core.RateLimited
  | Core.CircuitOpen
  | Core.ServerFault
  | Core.Timeout
  | Core.TransportFailure
  | Core.UnexpectedResponse

type Method = (...args: never) => Effect.Effect<unknown, unknown, unknown>
type Success<M extends Method> = Effect.Success<ReturnType<M>>
type Failure<M extends Method> = Effect.Error<ReturnType<M>>
type Needs<M extends Method> = Effect.Services<ReturnType<M>>
type Api = typeof contacts

describe("Contacts", () => {
  it("has exactly seven methods", () => {
    expectTypeOf<keyof Api>().toEqualTypeOf<Core.Operation>()
  })

  it("gives exactly these errors", () => {
    expectTypeOf<Failure<Api["upsert"]>>().toEqualTypeOf<Everywhere>()
    expectTypeOf<Failure<Api["search"]>>().toEqualTypeOf<Everywhere>()
    expectTypeOf<Failure<Api["delete"]>>().toEqualTypeOf<Everywhere | Core.NotFound>()
    expectTypeOf<Failure<Api["updateFields"]>>().toEqualTypeOf<Everywhere | Core.NotFound>()
    expectTypeOf<Failure<Api["clearField"]>>().toEqualTypeOf<Everywhere | Core.NotFound>()
    expectTypeOf<Failure<Api["addTags"]>>().toEqualTypeOf<Everywhere | Core.NotFound>()
    expectTypeOf<Failure<Api["removeTag"]>>().toEqualTypeOf<Everywhere | Core.NotFound>()
  })

  it("has no NotFound where no contact is named", () => {
    expectTypeOf<Extract<Failure<Api["upsert" | "search"]>, { readonly _tag: "NotFound" }>>().toBeNever()
    expectTypeOf<Failure<Api[keyof Api]>>().toEqualTypeOf<Core.AgentalkError>()
  })

  it("gives these values, and needs nothing", () => {
    expectTypeOf<Success<Api["upsert"]>>().toEqualTypeOf<Core.UpsertResult>()
    expectTypeOf<Success<Api["upsert"]>["contact"]["id"]>().toEqualTypeOf<Core.ContactId>()
    expectTypeOf<Success<Api["upsert"]>["isNew"]>().toEqualTypeOf<boolean>()
    expectTypeOf<Success<Api["delete"]>>().toEqualTypeOf<void>()
    expectTypeOf<Success<Api["updateFields" | "clearField" | "addTags" | "removeTag"]>>().toEqualTypeOf<
      Option.Option<Core.Contact>
    >()
    expectTypeOf<Success<Api["search"]>>().toEqualTypeOf<Core.SearchPage>()
    expectTypeOf<Success<Api["search"]>["total"]>().toEqualTypeOf<Option.Option<number>>()
    expectTypeOf<Needs<Api[keyof Api]>>().toBeNever()
  })

  it("takes plain values, and undefined for what is left out", () => {
    const fields = { city: null }
    expectTypeOf(contacts.upsert).toBeCallableWith({ phone: "+1555", firstName: undefined, tags: undefined, fields })
    expectTypeOf(contacts.delete).toBeCallableWith("0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11")
    expectTypeOf(contacts.search).toBeCallableWith({ name: "Jane" })
    expectTypeOf(contacts.search).toBeCallableWith({ phone: "555", name: undefined, limit: 10 })
  })

  it("takes a copy of fields whose type is an interface", () => {
    interface Fields {
      city: string
      seats?: number
    }
    const fields = {} as Fields
    expectTypeOf(contacts.updateFields).toBeCallableWith("id", { ...fields })
    expectTypeOf(contacts.upsert).toBeCallableWith({ phone: "+1555", fields: { ...fields } })
    // @ts-expect-error an interface may be given more keys elsewhere
    const refused = contacts.updateFields("id", fields)
    expectTypeOf(refused).not.toBeAny()
  })

  it("refuses what cannot be meant", () => {
    expectTypeOf<{ readonly limit: number }>().not.toExtend<Core.SearchQuery>()
    const refused = [
      // @ts-expect-error a search needs a name or a phone
      contacts.search({}),
      // @ts-expect-error a limit alone finds nothing
      contacts.search({ limit: 1 }),
      // @ts-expect-error undefined is no name
      contacts.search({ name: undefined }),
      // @ts-expect-error a search knows no e-mail
      contacts.search({ name: "Jane", email: "jane@example.com" }),
      // @ts-expect-error a contact is found by its phone
      contacts.upsert({ firstName: "Jane" }),
      // @ts-expect-error a phone may not be undefined
      contacts.upsert({ phone: undefined }),
      // @ts-expect-error the wire's own spelling is no key of an input
      contacts.upsert({ phone: "+15551234567", first_name: "Jane" }),
      // @ts-expect-error null has no meaning in an input
      contacts.upsert({ phone: "+15551234567", email: null }),
      // @ts-expect-error a function has no JSON form
      contacts.updateFields("id", { city: () => "Oslo" }),
      // @ts-expect-error tags are a list
      contacts.addTags("id", "vip")
    ]
    expectTypeOf(refused).toBeArray()
  })
})

describe("errors", () => {
  it("are told apart by their tags", () => {
    expectTypeOf<Core.AgentalkError["_tag"]>().toEqualTypeOf<
      | "Validation"
      | "Unauthorized"
      | "Forbidden"
      | "NotFound"
      | "RateLimited"
      | "CircuitOpen"
      | "ServerFault"
      | "Timeout"
      | "TransportFailure"
      | "UnexpectedResponse"
    >()
    expectTypeOf<Core.AgentalkError["outcome"]>().toEqualTypeOf<Core.Outcome>()
    expectTypeOf<Core.AgentalkError["operation"]>().toEqualTypeOf<Core.Operation>()
    expectTypeOf<Core.AgentalkError["isRetryable"]>().toEqualTypeOf<boolean>()
    expectTypeOf<Core.NotFound["status"]>().toEqualTypeOf<number>()
    expectTypeOf<Core.NotFound["body"]>().toEqualTypeOf<Redacted.Redacted | undefined>()
  })

  it("are known by a guard", () => {
    expectTypeOf(Core.isAgentalkError).guards.toEqualTypeOf<Core.AgentalkError>()
  })
})

describe("layers", () => {
  it("need what they say, and nothing else", () => {
    type Live = Layer.Layer<Core.Contacts, Config.ConfigError, HttpClient.HttpClient>
    expectTypeOf<ReturnType<typeof Core.AgentalkClient.layer>>().toEqualTypeOf<Live>()
    expectTypeOf<ReturnType<typeof Core.AgentalkClient.layerConfig>>().toEqualTypeOf<Live>()
    expectTypeOf<ReturnType<typeof Core.AgentalkClient.make>>().toEqualTypeOf<
      Effect.Effect<Core.Contacts["Service"], Config.ConfigError, HttpClient.HttpClient>
    >()
    type Double = Layer.Layer<Core.Contacts | Core.Sandbox.State>
    expectTypeOf(Core.Sandbox.layer).toEqualTypeOf<Double>()
    expectTypeOf<ReturnType<typeof Core.Sandbox.layerOptions>>().toEqualTypeOf<Double>()
    expectTypeOf(Core.Sandbox.layerHttpClient).toEqualTypeOf<Layer.Layer<HttpClient.HttpClient | Core.Sandbox.State>>()
    expectTypeOf<ReturnType<typeof Core.TimeLimit.layer>>().toEqualTypeOf<Layer.Layer<never>>()
  })

  it("leave the types of an effect alone", () => {
    type Search = ReturnType<Api["search"]>
    const scoped = (search: Search) => Core.AgentalkClient.withOrganization("id")(search)
    const limited = (search: Search) => Core.TimeLimit.withLimits({ attempt: "1 second" })(search)
    expectTypeOf<ReturnType<typeof scoped>>().toEqualTypeOf<Search>()
    expectTypeOf<ReturnType<typeof limited>>().toEqualTypeOf<Search>()
  })
})

describe("the public surface", () => {
  type IsAny<A> = 0 extends 1 & A ? true : false
  /** Whether a value, or what a function takes or gives, is `any`. */
  type HasAny<A> =
    IsAny<A> extends true
      ? true
      : A extends (...args: infer Args) => infer Result
        ? true extends IsAny<Args> | IsAny<Result> | { [K in keyof Args]: IsAny<Args[K]> }[number & keyof Args]
          ? true
          : false
        : false
  type AnyKeys<M> = { [K in keyof M]-?: HasAny<M[K]> extends true ? K : never }[keyof M]

  it("knows any when it sees it", () => {
    // oxlint-disable-next-line typescript/no-explicit-any -- what the test is about
    type Leak = any
    expectTypeOf<AnyKeys<{ a: Leak; b: (a: string, b: Leak) => 1; c: () => Leak; d: 1 }>>().toEqualTypeOf<
      "a" | "b" | "c"
    >()
  })

  it("has no any", () => {
    expectTypeOf<AnyKeys<typeof Core>>().toBeNever()
    expectTypeOf<AnyKeys<typeof Core.AgentalkClient>>().toBeNever()
    expectTypeOf<AnyKeys<typeof Core.CustomFields>>().toBeNever()
    expectTypeOf<AnyKeys<typeof Core.Sandbox>>().toBeNever()
    expectTypeOf<AnyKeys<typeof Core.TimeLimit>>().toBeNever()
    expectTypeOf<AnyKeys<typeof Core.Transport>>().toBeNever()
    expectTypeOf<AnyKeys<Api>>().toBeNever()
    expectTypeOf<AnyKeys<Core.Contact & Core.UpsertInput & Core.SearchPage & Core.UpsertResult>>().toBeNever()
    expectTypeOf<AnyKeys<Core.AgentalkClient.Options & Core.Sandbox.Options>>().toBeNever()
    expectTypeOf<{ [E in Core.AgentalkError as E["_tag"]]: AnyKeys<E> }[Core.AgentalkError["_tag"]]>().toBeNever()
  })
})
