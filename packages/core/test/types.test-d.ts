import { describe, expectTypeOf, it } from "@effect/vitest"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
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
    // @ts-expect-error -- an interface may be given more keys elsewhere
    const refused = contacts.updateFields("id", fields)
    expectTypeOf(refused).not.toBeAny()
  })

  it("refuses what cannot be meant", () => {
    expectTypeOf<{ readonly limit: number }>().not.toExtend<Core.SearchQuery>()
    const refused = [
      // @ts-expect-error -- a search needs a name or a phone
      contacts.search({}),
      // @ts-expect-error -- a limit alone finds nothing
      contacts.search({ limit: 1 }),
      // @ts-expect-error -- undefined is no name
      contacts.search({ name: undefined }),
      // @ts-expect-error -- a search knows no e-mail
      contacts.search({ name: "Jane", email: "jane@example.com" }),
      // @ts-expect-error -- a contact is found by its phone
      contacts.upsert({ firstName: "Jane" }),
      // @ts-expect-error -- a phone may not be undefined
      contacts.upsert({ phone: undefined }),
      // @ts-expect-error -- the wire's own spelling is no key of an input
      contacts.upsert({ phone: "+15551234567", first_name: "Jane" }),
      // @ts-expect-error -- null has no meaning in an input
      contacts.upsert({ phone: "+15551234567", email: null }),
      // @ts-expect-error -- a function has no JSON form
      contacts.updateFields("id", { city: () => "Oslo" }),
      // @ts-expect-error -- tags are a list
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

describe("streams", () => {
  type Parts<S> = S extends Stream.Stream<infer A, infer E, infer R> ? readonly [A, E, R] : never

  it("over a search fail like it, and need Contacts only", () => {
    type Search = Parts<ReturnType<typeof Core.ContactsStream.search>>
    type Pages = Parts<ReturnType<typeof Core.ContactsStream.pages>>
    expectTypeOf<Search>().toEqualTypeOf<readonly [Core.Contact, Core.CallError, Core.Contacts]>()
    expectTypeOf<Pages>().toEqualTypeOf<readonly [Core.SearchPage, Core.CallError, Core.Contacts]>()
  })

  it("of many calls keep the errors and the needs of their input, and add how a run stops", () => {
    class Broken {
      readonly _tag = "Broken"
    }
    class Disk {
      readonly _tag = "Disk"
    }
    const run = (rows: Stream.Stream<Core.UpsertInput, Broken, Disk>) => Core.ContactsStream.upsertAll(rows)
    expectTypeOf<Parts<ReturnType<typeof run>>>().toEqualTypeOf<
      readonly [Core.ContactsStream.UpsertRow, Broken | Core.ContactsStream.Stopped, Disk | Core.Contacts]
    >()
    type Deletes = Parts<ReturnType<typeof Core.ContactsStream.deleteAll<never, never>>>
    expectTypeOf<Deletes[1]>().toEqualTypeOf<Core.ContactsStream.Stopped>()
    type Tags = Parts<ReturnType<typeof Core.ContactsStream.addTagsAll<never, never>>>
    expectTypeOf<Tags[1]>().toEqualTypeOf<Core.ContactsStream.Stopped>()
  })

  it("refuse what a search refuses", () => {
    const refused = [
      // @ts-expect-error -- a search needs a name or a phone
      Core.ContactsStream.search({}),
      // @ts-expect-error -- the pages decide where they begin
      Core.ContactsStream.pages({ name: "Jane", offset: 5 }),
      // @ts-expect-error -- a search knows no e-mail
      Core.ContactsStream.search({ name: "Jane", email: "jane@example.com" }),
      // @ts-expect-error -- rows are inputs of upsert
      Core.ContactsStream.upsertAll(Stream.succeed({ firstName: "Jane" }))
    ]
    expectTypeOf(refused).toBeArray()
  })
})

describe("settings", () => {
  it("refuse what they do not know", () => {
    const token = Redacted.make("t")
    const refused = [
      // @ts-expect-error -- a token is Redacted
      Core.AgentalkClient.layer({ token: "t" }),
      // @ts-expect-error -- there is no client without a token
      Core.AgentalkClient.layer({}),
      // @ts-expect-error -- an unknown option
      Core.AgentalkClient.layer({ token, timeout: "1 second" }),
      // @ts-expect-error -- an unknown part of a policy
      Core.Retry.layer({ times: 3 }),
      // @ts-expect-error -- an unknown part of the time limits
      Core.TimeLimit.layer({ total: "1 minute" }),
      // @ts-expect-error -- a quota without its window
      () => Core.RateLimit.layer({ limit: 5 }),
      // @ts-expect-error -- an unknown option of a breaker
      Core.CircuitBreaker.layer({ times: 3 }),
      // @ts-expect-error -- an unknown option of a sandbox
      Core.Sandbox.layerOptions({ pageSize: 5 })
    ]
    expectTypeOf(refused).toBeArray()
  })
})

describe("catching", () => {
  it("takes the tags that an operation gives, and no other", () => {
    // @ts-expect-error -- a search names no contact that could be missing
    const search = Effect.catchTag(contacts.search({ name: "Jane" }), "NotFound", () => Effect.void)
    expectTypeOf(search).not.toBeAny()
    const deleted = Effect.catchTag(contacts.delete("id"), "NotFound", () => Effect.void)
    expectTypeOf<Effect.Error<typeof deleted>>().toEqualTypeOf<Core.CallError>()
  })
})
