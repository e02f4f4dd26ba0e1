import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { inspect } from "node:util"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import { Contacts } from "../src/Contacts.ts"
import * as Sandbox from "../src/Sandbox.ts"
import type { Token } from "../src/Token.ts"
import { operationNames } from "../src/internal/operation.ts"
import { acceptedBody, callOnce, calls, contactsOver, json, make } from "./ScriptedApi.ts"

const orgA = "aaaaaaaa-0000-4000-8000-000000000001"
const orgB = "bbbbbbbb-0000-4000-8000-000000000002"
const makeToken = (secret: string) => Redacted.make(`${orgA}.${secret}`)

/** A client that answers every request with 200, and the requests it received. */
const always = () => make(() => json(200, acceptedBody))

describe("every operation", () => {
  it.effect("sends the token, and omits the organization header by default", () =>
    Effect.gen(function* () {
      const { client, sent } = always()
      const contacts = yield* contactsOver(client, { token: makeToken("s") })
      yield* Effect.forEach(operationNames, (operation) => calls[operation](contacts))
      assert.lengthOf(sent, operationNames.length)
      for (const { headers } of sent) {
        assert.strictEqual(headers["authorization"], `Bearer ${orgA}.s`)
        assert.notProperty(headers, "x-organization-id")
      }
    })
  )

  it.effect("sends its own headers, independent of the previous call", () =>
    Effect.gen(function* () {
      const { client, sent } = always()
      const contacts = yield* contactsOver(client)
      const inOrgB = AgentalkClient.withOrganization(orgB)
      const remove = calls.delete(contacts)
      for (const call of [calls.upsert(contacts), remove, inOrgB(remove), remove]) yield* call
      assert.deepStrictEqual(
        sent.map(({ headers }) => [headers["content-type"], headers["x-organization-id"]]),
        [
          ["application/json", undefined],
          [undefined, undefined],
          [undefined, orgB],
          [undefined, undefined]
        ]
      )
    })
  )
})

/** Calls every operation and returns the distinct values of the `X-Organization-ID` header. */
const sentFor = (option: string | undefined, wrap: typeof AgentalkClient.withOrganization | undefined, own = orgB) =>
  Effect.gen(function* () {
    const { client, sent } = always()
    const contacts = yield* contactsOver(client, { organization: option })
    const all = Effect.forEach(operationNames, (operation) => calls[operation](contacts))
    yield* wrap === undefined ? all : wrap(own)(all)
    return new Set(sent.map(({ headers }) => headers["x-organization-id"]))
  })

describe("the organization", () => {
  it.effect("comes from the option", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* sentFor(orgA.toUpperCase(), undefined), new Set([orgA]))
    })
  )

  it.effect("comes from withOrganization, which takes precedence over the option", () =>
    Effect.gen(function* () {
      const wrap = AgentalkClient.withOrganization
      assert.deepStrictEqual(yield* sentFor(undefined, wrap, orgB.toUpperCase()), new Set([orgB]))
      assert.deepStrictEqual(yield* sentFor(orgA, wrap), new Set([orgB]))
    })
  )

  it.effect(
    "comes from the context in which the client was built, and the innermost withOrganization takes precedence",
    () =>
      Effect.gen(function* () {
        const { client, sent } = always()
        const contacts = yield* contactsOver(client).pipe(AgentalkClient.withOrganization(orgA))
        yield* contacts.search({ name: "a" })
        yield* contacts.search({ name: "b" }).pipe(AgentalkClient.withOrganization(orgB))
        yield* contacts
          .search({ name: "c" })
          .pipe(AgentalkClient.withOrganization(orgA), AgentalkClient.withOrganization("no UUID"))
        assert.deepStrictEqual(
          sent.map(({ headers }) => headers["x-organization-id"]),
          [orgA, orgB, orgA]
        )
      })
  )

  it.effect.each(["", "Zaphod-7261", `${orgA}\r\nx-evil: 1`, `${orgA} `])("%j fails with Validation", (bad) =>
    Effect.gen(function* () {
      const { client, sent } = always()
      const contacts = yield* contactsOver(client)
      const error = yield* Effect.flip(contacts.search({ name: "a" }).pipe(AgentalkClient.withOrganization(bad)))
      assert.deepInclude(error, { _tag: "Validation", source: "client", outcome: "not-applied" })
      assert.deepStrictEqual("issues" in error && error.issues?.map(({ path }) => path), [["organization"]])
      assert.lengthOf(sent, 0)
      assert.notInclude(inspect(error), "Zaphod")
    })
  )
})

describe("a token that is an effect", () => {
  it.effect("runs before every call, so that the token can rotate", () =>
    Effect.gen(function* () {
      let issued = 0
      const token = Effect.sync(() => makeToken(`s${++issued}`))
      const { client, sent } = always()
      const contacts = yield* contactsOver(client, { token })
      assert.strictEqual(issued, 0)
      yield* contacts.search({ name: "a" })
      yield* contacts.search({ name: "b" })
      assert.deepStrictEqual(
        sent.map(({ headers }) => headers["authorization"]),
        [`Bearer ${orgA}.s1`, `Bearer ${orgA}.s2`]
      )
    })
  )

  it.effect("does not run if the input fails validation", () =>
    Effect.gen(function* () {
      const token = Effect.die("asked")
      const contacts = yield* contactsOver(always().client, { token })
      assert.strictEqual((yield* Effect.flip(contacts.delete("x")))._tag, "Validation")
    })
  )

  it.effect.each<readonly [name: string, token: Token, expected: string]>([
    ["fails", Effect.fail("vault Zaphod-7261 is sealed"), "could not be obtained"],
    ["is malformed", Effect.succeed(Redacted.make("Zaphod-7261")), "{orgId}.{secret}"],
    ["is a JWT", Effect.succeed(Redacted.make("Zaphod-7261.Zaphod-7261.Zaphod-7261")), "{orgId}.{secret}"],
    ["contains a line break", Effect.succeed(Redacted.make(`${orgA}.Zaphod-7261\r\nx-evil: 1`)), "{orgId}.{secret}"],
    ["is empty", Effect.succeed(Redacted.make("")), "{orgId}.{secret}"]
  ])("that %s fails the call with Unauthorized and sends nothing", ([, token, expected]) =>
    Effect.gen(function* () {
      const { client, sent } = always()
      const contacts = yield* contactsOver(client, { token })
      for (const operation of operationNames) {
        const error = yield* Effect.flip(calls[operation](contacts))
        assert.deepInclude(error, { _tag: "Unauthorized", operation, outcome: "not-applied" })
        assert.include(error.message, expected)
        assert.notInclude(inspect(error) + error.message, "Zaphod")
      }
      assert.lengthOf(sent, 0)
    })
  )

  it.effect("that never completes fails the call with Timeout and sends nothing", () =>
    Effect.gen(function* () {
      const { client, sent } = always()
      const contacts = yield* contactsOver(client, { token: Effect.never, attemptTimeout: "5 seconds" })
      const fiber = yield* Effect.forkChild(Effect.flip(contacts.delete(orgA)))
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("2 millis")
      const error = yield* Fiber.join(fiber)
      assert.deepInclude(error, { _tag: "Timeout", outcome: "not-applied", limit: "attempt" })
      assert.lengthOf(sent, 0)
    })
  )
})

describe("client options", () => {
  const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2VjcmV0"

  it.effect.each<readonly [name: string, options: object, words: ReadonlyArray<string>, secret: string]>([
    ["a token without a secret", { token: Redacted.make(orgA) }, ["token", "{orgId}.{secret}"], orgA],
    ["a token without a UUID", { token: Redacted.make("zaphod.s") }, ["token", "UUID"], "zaphod"],
    ["a token that contains a space", { token: Redacted.make(`${orgA}.zap hod`) }, ["token"], "hod"],
    ["a token that includes the Bearer scheme", { token: Redacted.make(`Bearer ${orgA}.zaphod`) }, ["token"], "zaphod"],
    ["an empty token", { token: Redacted.make("") }, ["token"], "zaphod"],
    ["a token that is not redacted", { token: `${orgA}.zaphod` as never }, ["token"], "zaphod"],
    ["no token", { token: null as never }, ["token"], "zaphod"],
    ["a token that is an empty object", { token: {} as never }, ["token"], "zaphod"],
    ["a token source without a refresh", { token: { current: Effect.never } as never }, ["token"], "zaphod"],
    [
      "a token source whose current token is not an effect",
      { token: { current: 1, refresh: Effect.never } as never },
      ["token"],
      "zaphod"
    ],
    ["a token that is not a string", { token: Redacted.make(7261) }, ["token"], "7261"],
    ["a JWT", { token: Redacted.make(jwt) }, ["token", "JWT"], "eyJ"],
    ["plain http", { baseUrl: "http://zaphod.example" }, ["baseUrl", "https"], "zaphod"],
    [
      "plain http to a host name that starts with a loopback address",
      { baseUrl: "http://127.0.0.1.zaphod.example" },
      ["baseUrl"],
      "zaphod"
    ],
    ["plain http to a private network", { baseUrl: "http://10.0.0.1" }, ["baseUrl"], "10.0.0"],
    ["plain http to 0.0.0.0", { baseUrl: "http://0.0.0.0:8080" }, ["baseUrl", "https"], "0.0.0"],
    [
      "plain http to a host name that starts with localhost",
      { baseUrl: "http://localhost.zaphod.example" },
      ["baseUrl"],
      "zaphod"
    ],
    [
      "plain http to a host name that ends with -localhost",
      { baseUrl: "http://zaphod-localhost" },
      ["baseUrl"],
      "zaphod"
    ],
    [
      "plain http to localhost with a trailing dot",
      { baseUrl: "http://localhost./zaphod" },
      ["baseUrl", "https"],
      "zaphod"
    ],
    [
      "plain http to an IPv4-mapped IPv6 address",
      { baseUrl: "http://[::ffff:10.0.0.1]" },
      ["baseUrl", "https"],
      "ffff"
    ],
    [
      "plain http with localhost as the user name",
      { baseUrl: "http://localhost@zaphod.example" },
      ["baseUrl", "credentials"],
      "zaphod"
    ],
    [
      "plain http with a loopback address as user name and password",
      { baseUrl: "http://127.0.0.1:80@zaphod.example" },
      ["baseUrl"],
      "zaphod"
    ],
    ["plain http with backslashes", { baseUrl: "http:\\\\zaphod.example\\@localhost" }, ["baseUrl"], "zaphod"],
    [
      "plain http with a line break in the scheme",
      { baseUrl: "ht\ntp://zaphod.example" },
      ["baseUrl", "https"],
      "zaphod"
    ],
    ["a token that contains a line break", { token: Redacted.make(`${orgA}.zap\r\nx-evil: hod`) }, ["token"], "hod"],
    ["a token that contains a letter outside ASCII", { token: Redacted.make(`${orgA}.zaphöd`) }, ["token"], "zaph"],
    ["a token that contains a control character", { token: Redacted.make(`${orgA}.zap\0hod`) }, ["token"], "hod"],
    ["an organization with a line break", { organization: `${orgA}\nx: zaphod` }, ["organization"], "zaphod"],
    ["credentials in a URL", { baseUrl: "https://zaphod:pw@example.com" }, ["baseUrl", "credentials"], "zaphod"],
    ["a user in a URL", { baseUrl: "https://zaphod@example.com" }, ["baseUrl", "credentials"], "zaphod"],
    ["a password in a URL", { baseUrl: "https://:zaphod@example.com" }, ["baseUrl", "credentials"], "zaphod"],
    ["a query in a URL", { baseUrl: "https://example.com?zaphod" }, ["baseUrl", "query"], "zaphod"],
    ["a fragment in a URL", { baseUrl: "https://example.com#zaphod" }, ["baseUrl", "fragment"], "zaphod"],
    ["a base URL that is not a URL", { baseUrl: "zaphod" }, ["baseUrl", "URL"], "zaphod"],
    ["an empty base URL", { baseUrl: "" }, ["baseUrl"], "zaphod"],
    ["another protocol", { baseUrl: "ftp://zaphod.example" }, ["baseUrl"], "zaphod"],
    ["a protocol that ends with http", { baseUrl: "zaphod+http://localhost" }, ["baseUrl", "https"], "zaphod"],
    ["an organization that is not a UUID", { organization: "zaphod" }, ["organization", "UUID"], "zaphod"],
    [
      "an attempt timeout that is not a duration",
      { attemptTimeout: "zaphod" },
      ["attemptTimeout", "duration"],
      "zaphod"
    ],
    ["a deadline of zero", { deadline: 0 }, ["deadline", "above zero"], "zaphod"],
    ["a retry policy with no attempts", { retry: { attempts: 0 } }, ["retry.attempts", "at least 1"], "zaphod"],
    [
      "a base delay that is not a duration",
      { retry: { baseDelay: "zaphod" } },
      ["retry.baseDelay", "duration"],
      "zaphod"
    ],
    [
      "a maximum delay that is not a duration",
      { retry: { maxDelay: "zaphod" } },
      ["retry.maxDelay", "duration"],
      "zaphod"
    ],
    [
      "a maximum Retry-After that is not a duration",
      { retry: { maxRetryAfter: "zaphod" } },
      ["retry.maxRetryAfter", "duration"],
      "zaphod"
    ],
    ["a base URL that cannot be converted to a string", { baseUrl: Object.create(null) }, ["baseUrl", "URL"], "zaphod"],
    ["a maximum body size that is not a size", { maxBodySize: "zaphod" }, ["maxBodySize", "size"], "zaphod"]
  ])("reject %s with a ConfigError that omits the value", ([, options, words, secret]) =>
    Effect.gen(function* () {
      const { client, sent } = always()
      const error = yield* Effect.flip(contactsOver(client, options))
      assert.strictEqual(error._tag, "ConfigError")
      for (const word of words) assert.include(error.message, word)
      for (const shown of [error.message, inspect(error, { depth: Infinity }), JSON.stringify(error)]) {
        assert.notInclude(shown, secret)
      }
      assert.lengthOf(sent, 0)
    })
  )

  it.effect.each<readonly [baseUrl: string | URL, href: string]>([
    ["https://example.com/", "https://example.com"],
    ["https://example.com/crm/v1//", "https://example.com/crm/v1"],
    [new URL("https://EXAMPLE.com"), "https://example.com"],
    ["http://localhost:3000", "http://localhost:3000"],
    ["http://api.localhost", "http://api.localhost"],
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ["http://[::1]:8080/x", "http://[::1]:8080/x"],
    ["http://127.10.20.30", "http://127.10.20.30"],
    ["http://127.1", "http://127.0.0.1"],
    ["http://0x7f000001:8080", "http://127.0.0.1:8080"],
    ["http://LOCALHOST", "http://localhost"],
    ["http://localhost\\@zaphod.example", "http://localhost/@zaphod.example"]
  ])("accept the base URL %s", ([baseUrl, href]) =>
    Effect.gen(function* () {
      const { client, sent } = always()
      yield* (yield* contactsOver(client, { baseUrl })).search({ name: "a" })
      assert.strictEqual(sent[0]?.url.href, `${href}/api/contacts/search?name=a`)
    })
  )

  it.effect("accept plain http with dangerouslyAllowPlainHttp", () =>
    Effect.gen(function* () {
      const { client, sent } = always()
      yield* (yield* contactsOver(client, { baseUrl: "http://10.0.0.1", dangerouslyAllowPlainHttp: true })).search({
        name: "a"
      })
      assert.strictEqual(sent[0]?.url.host, "10.0.0.1")
    })
  )

  it.effect("accept a token with white space around it, and trim it", () =>
    Effect.gen(function* () {
      const { client, sent } = always()
      yield* (yield* contactsOver(client, { token: Redacted.make(` ${orgA}.s\n`) })).search({ name: "a" })
      assert.strictEqual(sent[0]?.headers["authorization"], `Bearer ${orgA}.s`)
    })
  )
})

const provider = (env: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromUnknown(env))

describe("layers", () => {
  const { client, sent } = always()
  const http = Layer.succeed(HttpClient.HttpClient, client)
  const search = Effect.flatMap(Contacts, (contacts) => contacts.search({ name: "a" }))
  const fromConfig = AgentalkClient.layerConfig({
    token: Config.Redacted("TOKEN"),
    organization: Config.String("ORGANIZATION")
  }).pipe(Layer.provide(http))

  it.effect("layer accepts options", () =>
    Effect.gen(function* () {
      yield* search.pipe(Effect.provide(AgentalkClient.layer({ token: Sandbox.token }).pipe(Layer.provide(http))))
      assert.strictEqual(sent.at(-1)?.headers["authorization"], `Bearer ${Redacted.value(Sandbox.token)}`)
    })
  )

  it.effect("layerConfig reads its options from the configuration", () =>
    Effect.gen(function* () {
      yield* search.pipe(
        Effect.provide(Layer.provide(fromConfig, provider({ TOKEN: `${orgA}.s`, ORGANIZATION: orgB })))
      )
      assert.deepInclude(sent.at(-1)?.headers, { authorization: `Bearer ${orgA}.s`, "x-organization-id": orgB })
    })
  )

  it.effect("layerConfig fails with an error that names the missing variable", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        Effect.provide(search, Layer.provide(fromConfig, provider({ TOKEN: `${orgA}.s` })))
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.include(inspect(exit, { depth: 5 }), "ORGANIZATION")
    })
  )
})

describe("interruption", () => {
  it.effect("of a call interrupts its request", () =>
    Effect.gen(function* () {
      let isInterrupted = false
      const hang = Effect.onInterrupt(Effect.never, () => Effect.sync(() => (isInterrupted = true)))
      const fiber = yield* Effect.forkChild(callOnce("upsert", () => hang))
      yield* TestClock.adjust(Duration.seconds(1))
      assert.isFalse(isInterrupted)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(isInterrupted)
    })
  )
})
