import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as AgentalkClient from "../src/AgentalkClient.ts"
import type { Unauthorized } from "../src/AgentalkError.ts"
import * as RateLimit from "../src/RateLimit.ts"
import * as Retry from "../src/Retry.ts"
import { ended } from "./Attempts.ts"
import type { Token } from "../src/Token.ts"
import { calls, contactsOver, json, make } from "./ScriptedApi.ts"

const org = "5a4db0c5-0000-4000-8000-000000000000"
const tokenOf = (secret: string) => Redacted.make(`${org}.${secret}`)

/** An API that takes one token, which a test may change, and what it was sent. */
const guarded = Effect.fnUntraced(function* (token: Token, options?: Partial<AgentalkClient.Options>) {
  const api = { accepts: "new", refusal: 401 }
  const { client, sent } = make(({ headers }) =>
    headers["authorization"] === `Bearer ${org}.${api.accepts}`
      ? json(200, { contacts: [] })
      : json(api.refusal, { detail: "Invalid token." })
  )
  const contacts = yield* Effect.orDie(contactsOver(client, { token, ...options }))
  const secrets = () => sent.map(({ headers }) => headers["authorization"]?.split(".")[1])
  return { api, search: calls.search(contacts), secrets }
})

const unauthorized = <A, R>(call: Effect.Effect<A, { readonly _tag: string }, R>) =>
  Effect.map(Effect.flip(call), (error) => {
    assert.strictEqual(error._tag, "Unauthorized")
    return error as Unauthorized
  })

describe("a token that is an effect", () => {
  it.effect("is asked again, once, when the API has refused what it gave", () =>
    Effect.gen(function* () {
      const given = ["old", "new"]
      const { search, secrets } = yield* guarded(Effect.sync(() => tokenOf(given.shift() ?? "none")))
      yield* search
      assert.deepStrictEqual(secrets(), ["old", "new"])
    })
  )

  it.effect("that gives the same again ends the call", () =>
    Effect.gen(function* () {
      const { search, secrets } = yield* guarded(Effect.sync(() => tokenOf("old")))
      const error = yield* unauthorized(search)
      assert.deepStrictEqual([error.attempts, error.status], [1, 401])
      assert.deepStrictEqual(secrets(), ["old"])
    })
  )

  it.effect("that gives ever new ones is asked no third time", () =>
    Effect.gen(function* () {
      let count = 0
      const { search, secrets } = yield* guarded(Effect.sync(() => tokenOf(`t${++count}`)))
      const error = yield* unauthorized(search)
      assert.deepStrictEqual([error.attempts, error.outcome], [2, "not-applied"])
      assert.deepStrictEqual(secrets(), ["t1", "t2"])
    })
  )

  it.effect("that fails the second time leaves the answer of the API", () =>
    Effect.gen(function* () {
      let count = 0
      const { search } = yield* guarded(
        Effect.suspend(() => (count++ === 0 ? Effect.succeed(tokenOf("old")) : Effect.fail("down")))
      )
      const error = yield* unauthorized(search)
      assert.deepStrictEqual([error.attempts, error.status], [1, 401])
    })
  )

  it.effect.each([400, 403, 404, 429, 500])("is not asked again when the API has refused with %d", (code) =>
    Effect.gen(function* () {
      const given = ["old", "new"]
      const { api, search, secrets } = yield* guarded(Effect.sync(() => tokenOf(given.shift() ?? "none")))
      api.refusal = code
      yield* Effect.flip(search)
      assert.deepStrictEqual(secrets(), ["old"])
    })
  )

  it.effect("that hangs the second time is not waited for beyond the time of an attempt", () =>
    Effect.gen(function* () {
      let count = 0
      const { search } = yield* guarded(
        Effect.suspend(() => (count++ === 0 ? Effect.succeed(tokenOf("old")) : Effect.never)),
        { attemptTimeout: "3 seconds" }
      )
      const { millis, result } = yield* ended(search)
      assert.strictEqual(millis, 3000)
      assert.strictEqual(result._tag, "Failure")
    })
  )
})

const source = () => {
  const state = { token: "old", refreshes: 0 }
  const token = {
    current: Effect.sync(() => tokenOf(state.token)),
    refresh: Effect.sync(() => {
      state.refreshes++
      state.token = "new"
      return tokenOf("new")
    }).pipe(Effect.delay("1 second"))
  }
  return { state, token }
}

describe("a token source", () => {
  it.effect("refreshes after a refusal, even where nothing is retried", () =>
    Effect.gen(function* () {
      const { state, token } = source()
      const { search, secrets } = yield* guarded(token, { retry: Retry.none })
      yield* ended(search)
      assert.deepStrictEqual(secrets(), ["old", "new"])
      yield* search
      assert.strictEqual(state.refreshes, 1)
    })
  )

  it.effect("refreshes once for all calls that were refused together", () =>
    Effect.gen(function* () {
      const { state, token } = source()
      const { search, secrets } = yield* guarded(token)
      yield* ended(Effect.all([search, search, search], { concurrency: "unbounded" }))
      assert.strictEqual(state.refreshes, 1)
      assert.deepStrictEqual(secrets(), ["old", "old", "old", "new", "new", "new"])
    })
  )

  it.effect("whose current token is cached refreshes once for the calls of one moment, and anew for later ones", () =>
    Effect.gen(function* () {
      const { state, token } = source()
      const cached = { ...token, current: Effect.succeed(tokenOf("old")) }
      const { search } = yield* guarded(cached)
      yield* ended(Effect.all([search, search, search], { concurrency: "unbounded" }))
      assert.strictEqual(state.refreshes, 1)
      yield* ended(search)
      assert.strictEqual(state.refreshes, 2)
    })
  )

  it.effect("that cannot refresh is asked once for the calls of one moment", () =>
    Effect.gen(function* () {
      let asked = 0
      const refresh = Effect.suspend(() => Effect.fail(`down ${++asked}`)).pipe(Effect.delay("1 second"))
      const { search } = yield* guarded({ current: Effect.succeed(tokenOf("old")), refresh })
      const { result } = yield* ended(
        Effect.all([unauthorized(search), unauthorized(search)], { concurrency: "unbounded" })
      )
      assert.strictEqual(result._tag, "Success")
      assert.strictEqual(asked, 1)
    })
  )

  it.effect("that has another token by the time of the refusal is not asked to refresh", () =>
    Effect.gen(function* () {
      const given = ["old", "new"]
      const { search, secrets } = yield* guarded({
        current: Effect.sync(() => tokenOf(given.shift() ?? "none")),
        refresh: Effect.die("asked")
      })
      yield* search
      assert.deepStrictEqual(secrets(), ["old", "new"])
    })
  )

  it.effect("is free for others when the call that refreshes is interrupted", () =>
    Effect.gen(function* () {
      const { state, token } = source()
      const { search } = yield* guarded(token)
      const fiber = yield* Effect.forkChild(search, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      yield* ended(search)
      assert.strictEqual(state.refreshes, 1)
    })
  )

  it.effect("never refreshes for a token that is not refused", () =>
    Effect.gen(function* () {
      const { state, token } = source()
      const { api, search } = yield* guarded(token)
      api.accepts = "old"
      yield* search
      assert.strictEqual(state.refreshes, 0)
    })
  )
})

it.effect("a token is of its organization, in lower case", () =>
  Effect.gen(function* () {
    const { search } = yield* guarded(Redacted.make(`${org.toUpperCase()}.new`))
    yield* Effect.ignore(search)
    const state = Option.getOrThrow(yield* RateLimit.state(org))
    assert.deepStrictEqual(state.tokensLeft, Option.some(0))
  }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "1 day" })))
)

it.effect("a fixed token is not tried again", () =>
  Effect.gen(function* () {
    const { search, secrets } = yield* guarded(tokenOf("old"), { retry: {} })
    yield* unauthorized(search)
    assert.deepStrictEqual(secrets(), ["old"])
  })
)
