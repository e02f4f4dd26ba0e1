import { describe, expectTypeOf, it } from "@effect/vitest"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Core from "../src/index.ts"
import type { Reader } from "../src/internal/wire/readers.ts"

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
type Requirements<M extends Method> = Effect.Services<ReturnType<M>>
type Api = typeof contacts

type NamesContact<K extends Core.Operation> =
  (typeof Core.operations)[K]["path"] extends `${string}{contact_id}${string}` ? true : false
type ResultOf<K extends Core.Operation> =
  (typeof Core.operations)[K]["response"] extends Reader<never, infer A> ? A : never

describe("Contacts", () => {
  it("has exactly one method for each operation", () => {
    expectTypeOf<keyof Api>().toEqualTypeOf<Core.Operation>()
  })

  it("fails with exactly these errors", () => {
    expectTypeOf<{ readonly [K in Core.Operation]: Failure<Api[K]> }>().toEqualTypeOf<{
      readonly [K in Core.Operation]: NamesContact<K> extends true ? Everywhere | Core.NotFound : Everywhere
    }>()
    expectTypeOf<Failure<Api["delete"]>>().toEqualTypeOf<Everywhere | Core.NotFound>()
  })

  it("fails upsert and search without NotFound", () => {
    expectTypeOf<Extract<Failure<Api["upsert" | "search"]>, { readonly _tag: "NotFound" }>>().toBeNever()
    expectTypeOf<Failure<Api[keyof Api]>>().toEqualTypeOf<Core.AgentalkError>()
  })

  it("returns these values, and requires no service", () => {
    expectTypeOf<{ readonly [K in Core.Operation]: Success<Api[K]> }>().toEqualTypeOf<{
      readonly [K in Core.Operation]: ResultOf<K>
    }>()
    expectTypeOf<Success<Api["upsert"]>>().toEqualTypeOf<Core.UpsertResult>()
    expectTypeOf<Success<Api["upsert"]>["contact"]["id"]>().toEqualTypeOf<Core.ContactId>()
    expectTypeOf<Success<Api["upsert"]>["isNew"]>().toEqualTypeOf<boolean>()
    expectTypeOf<Success<Api["delete"]>>().toEqualTypeOf<void>()
    expectTypeOf<Success<Api["addTags"]>>().toEqualTypeOf<Option.Option<Core.Contact>>()
    expectTypeOf<Success<Api["search"]>>().toEqualTypeOf<Core.SearchPage>()
    expectTypeOf<Success<Api["search"]>["total"]>().toEqualTypeOf<Option.Option<number>>()
    expectTypeOf<Requirements<Api[keyof Api]>>().toBeNever()
  })

  it("accepts plain values, and undefined for optional properties", () => {
    const fields = { city: null }
    expectTypeOf(contacts.upsert).toBeCallableWith({ phone: "+1555", firstName: undefined, tags: undefined, fields })
    expectTypeOf(contacts.delete).toBeCallableWith("0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11")
    expectTypeOf(contacts.search).toBeCallableWith({ name: "Jane" })
    expectTypeOf(contacts.search).toBeCallableWith({ phone: "555", name: undefined, limit: 10 })
  })

  it("accepts a copy of fields whose type is an interface", () => {
    interface Fields {
      city: string
      seats?: number
    }
    const fields = {} as Fields
    expectTypeOf(contacts.updateFields).toBeCallableWith("id", { ...fields })
    expectTypeOf(contacts.upsert).toBeCallableWith({ phone: "+1555", fields: { ...fields } })
    // @ts-expect-error -- an interface has no index signature, because declaration merging can add keys to it
    const rejected = contacts.updateFields("id", fields)
    expectTypeOf(rejected).not.toBeAny()
  })

  it("rejects invalid inputs", () => {
    expectTypeOf<{ readonly limit: number }>().not.toExtend<Core.SearchQuery>()
    const rejected = [
      // @ts-expect-error -- search requires a name or a phone
      contacts.search({}),
      // @ts-expect-error -- a limit alone is not a search
      contacts.search({ limit: 1 }),
      // @ts-expect-error -- name cannot be undefined if phone is missing
      contacts.search({ name: undefined }),
      // @ts-expect-error -- search has no email
      contacts.search({ name: "Jane", email: "jane@example.com" }),
      // @ts-expect-error -- upsert requires a phone
      contacts.upsert({ firstName: "Jane" }),
      // @ts-expect-error -- phone cannot be undefined
      contacts.upsert({ phone: undefined }),
      // @ts-expect-error -- the wire format's snake case is not a key of an input
      contacts.upsert({ phone: "+15551234567", first_name: "Jane" }),
      // @ts-expect-error -- an input value cannot be null
      contacts.upsert({ phone: "+15551234567", email: null }),
      // @ts-expect-error -- a function has no JSON form
      contacts.updateFields("id", { city: () => "Oslo" }),
      // @ts-expect-error -- tags are a list
      contacts.addTags("id", "vip")
    ]
    expectTypeOf(rejected).toBeArray()
  })
})

describe("errors", () => {
  it("are distinguished by their tags", () => {
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

  it("are narrowed by isAgentalkError", () => {
    expectTypeOf(Core.isAgentalkError).guards.toEqualTypeOf<Core.AgentalkError>()
  })
})

describe("layers and combinators", () => {
  it("declare their output, error and requirement types", () => {
    type Live = Layer.Layer<Core.Contacts, Config.ConfigError, HttpClient.HttpClient>
    expectTypeOf<ReturnType<typeof Core.AgentalkClient.layer>>().toEqualTypeOf<Live>()
    expectTypeOf<ReturnType<typeof Core.AgentalkClient.layerConfig>>().toEqualTypeOf<Live>()
    expectTypeOf<ReturnType<typeof Core.AgentalkClient.make>>().toEqualTypeOf<
      Effect.Effect<Core.Contacts["Service"], Config.ConfigError, HttpClient.HttpClient>
    >()
    type SandboxLayer = Layer.Layer<Core.Contacts | Core.Sandbox.State>
    expectTypeOf(Core.Sandbox.layer).toEqualTypeOf<SandboxLayer>()
    expectTypeOf<ReturnType<typeof Core.Sandbox.layerOptions>>().toEqualTypeOf<SandboxLayer>()
    expectTypeOf(Core.Sandbox.layerHttpClient).toEqualTypeOf<Layer.Layer<HttpClient.HttpClient | Core.Sandbox.State>>()
    expectTypeOf<ReturnType<typeof Core.TimeLimit.layer>>().toEqualTypeOf<Layer.Layer<never>>()
  })

  it("preserve the type of an effect in withOrganization and withLimits", () => {
    type Search = ReturnType<Api["search"]>
    const scoped = (search: Search) => Core.AgentalkClient.withOrganization("id")(search)
    const limited = (search: Search) => Core.TimeLimit.withLimits({ attempt: "1 second" })(search)
    expectTypeOf<ReturnType<typeof scoped>>().toEqualTypeOf<Search>()
    expectTypeOf<ReturnType<typeof limited>>().toEqualTypeOf<Search>()
  })
})

describe("streams", () => {
  type Parts<S> = S extends Stream.Stream<infer A, infer E, infer R> ? readonly [A, E, R] : never

  it("of a search have the errors of search and require only Contacts", () => {
    type Search = Parts<ReturnType<typeof Core.ContactsStream.search>>
    type Pages = Parts<ReturnType<typeof Core.ContactsStream.pages>>
    expectTypeOf<Search>().toEqualTypeOf<readonly [Core.Contact, Core.CallError, Core.Contacts]>()
    expectTypeOf<Pages>().toEqualTypeOf<readonly [Core.SearchPage, Core.CallError, Core.Contacts]>()
  })

  it("of bulk calls keep the errors and requirements of their input, and add Stopped", () => {
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

  it("reject invalid inputs", () => {
    const rejected = [
      // @ts-expect-error -- search requires a name or a phone
      Core.ContactsStream.search({}),
      // @ts-expect-error -- pages sets the offset itself
      Core.ContactsStream.pages({ name: "Jane", offset: 5 }),
      // @ts-expect-error -- search has no email
      Core.ContactsStream.search({ name: "Jane", email: "jane@example.com" }),
      // @ts-expect-error -- rows are inputs of upsert
      Core.ContactsStream.upsertAll(Stream.succeed({ firstName: "Jane" }))
    ]
    expectTypeOf(rejected).toBeArray()
  })
})

describe("settings", () => {
  it("reject unknown and missing options", () => {
    const token = Redacted.make("t")
    const rejected = [
      // @ts-expect-error -- a token is Redacted
      Core.AgentalkClient.layer({ token: "t" }),
      // @ts-expect-error -- a client requires a token
      Core.AgentalkClient.layer({}),
      // @ts-expect-error -- an unknown option
      Core.AgentalkClient.layer({ token, timeout: "1 second" }),
      // @ts-expect-error -- an unknown property of a policy
      Core.Retry.layer({ times: 3 }),
      // @ts-expect-error -- an unknown property of the time limits
      Core.TimeLimit.layer({ total: "1 minute" }),
      // @ts-expect-error -- a quota without its window
      () => Core.RateLimit.layer({ limit: 5 }),
      // @ts-expect-error -- an unknown option of a breaker
      Core.CircuitBreaker.layer({ times: 3 }),
      // @ts-expect-error -- an unknown option of a sandbox
      Core.Sandbox.layerOptions({ pageSize: 5 })
    ]
    expectTypeOf(rejected).toBeArray()
  })
})

describe("catchTag", () => {
  it("accepts only the tags of the errors that an operation declares", () => {
    // @ts-expect-error -- search cannot fail with NotFound
    const search = Effect.catchTag(contacts.search({ name: "Jane" }), "NotFound", () => Effect.void)
    expectTypeOf(search).not.toBeAny()
    const deleted = Effect.catchTag(contacts.delete("id"), "NotFound", () => Effect.void)
    expectTypeOf<Effect.Error<typeof deleted>>().toEqualTypeOf<Core.CallError>()
  })
})
