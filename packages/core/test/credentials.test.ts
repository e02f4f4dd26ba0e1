import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as AgentalkClient from "../src/AgentalkClient.ts"
import type { Unauthorized } from "../src/AgentalkError.ts"
import * as RateLimit from "../src/RateLimit.ts"
import * as Retry from "../src/Retry.ts"
import { runToEnd } from "./Attempts.ts"
import type { Token } from "../src/Token.ts"
import { calls, contactsOver, json, make } from "./ScriptedApi.ts"

const org = "5a4db0c5-0000-4000-8000-000000000000"
const tokenOf = (secret: string) => Redacted.make(`${org}.${secret}`)

/** A client of an API that accepts one token. A test may change that token; `secrets` returns the secrets received. */
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
  it.effect("runs again once after a 401, and the call uses the new token", () =>
    Effect.gen(function* () {
      const tokens = ["old", "new"]
      const { search, secrets } = yield* guarded(Effect.sync(() => tokenOf(tokens.shift() ?? "none")))
      yield* search
      assert.deepStrictEqual(secrets(), ["old", "new"])
    })
  )

  it.effect("ends the call with Unauthorized if it returns the same token after a 401", () =>
    Effect.gen(function* () {
      const { search, secrets } = yield* guarded(Effect.sync(() => tokenOf("old")))
      const error = yield* unauthorized(search)
      assert.deepStrictEqual([error.attempts, error.status], [1, 401])
      assert.deepStrictEqual(secrets(), ["old"])
    })
  )

  it.effect("does not run a third time, even if it returns a new token each time", () =>
    Effect.gen(function* () {
      let count = 0
      const { search, secrets } = yield* guarded(Effect.sync(() => tokenOf(`t${++count}`)))
      const error = yield* unauthorized(search)
      assert.deepStrictEqual([error.attempts, error.outcome], [2, "not-applied"])
      assert.deepStrictEqual(secrets(), ["t1", "t2"])
    })
  )

  it.effect("ends the call with the API's 401 if it fails the second time", () =>
    Effect.gen(function* () {
      let count = 0
      const { search } = yield* guarded(
        Effect.suspend(() => (count++ === 0 ? Effect.succeed(tokenOf("old")) : Effect.fail("down")))
      )
      const error = yield* unauthorized(search)
      assert.deepStrictEqual([error.attempts, error.status], [1, 401])
    })
  )

  it.effect.each([400, 403, 404, 429, 500])("does not run again after a %d", (code) =>
    Effect.gen(function* () {
      const tokens = ["old", "new"]
      const { api, search, secrets } = yield* guarded(Effect.sync(() => tokenOf(tokens.shift() ?? "none")))
      api.refusal = code
      yield* Effect.flip(search)
      assert.deepStrictEqual(secrets(), ["old"])
    })
  )

  it.effect("ends the call after the attempt timeout if it never completes the second time", () =>
    Effect.gen(function* () {
      let count = 0
      const { search } = yield* guarded(
        Effect.suspend(() => (count++ === 0 ? Effect.succeed(tokenOf("old")) : Effect.never)),
        { attemptTimeout: "3 seconds" }
      )
      const { millis, result } = yield* runToEnd(search)
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
  it.effect("refreshes after a 401, even with Retry.none", () =>
    Effect.gen(function* () {
      const { state, token } = source()
      const { search, secrets } = yield* guarded(token, { retry: Retry.none })
      yield* runToEnd(search)
      assert.deepStrictEqual(secrets(), ["old", "new"])
      yield* search
      assert.strictEqual(state.refreshes, 1)
    })
  )

  it.effect("refreshes once for concurrent calls that receive a 401", () =>
    Effect.gen(function* () {
      const { state, token } = source()
      const { search, secrets } = yield* guarded(token)
      yield* runToEnd(Effect.all([search, search, search], { concurrency: "unbounded" }))
      assert.strictEqual(state.refreshes, 1)
      assert.deepStrictEqual(secrets(), ["old", "old", "old", "new", "new", "new"])
    })
  )

  it.effect("with a cached current token refreshes once for concurrent calls, and again for later calls", () =>
    Effect.gen(function* () {
      const { state, token } = source()
      const cached = { ...token, current: Effect.succeed(tokenOf("old")) }
      const { search } = yield* guarded(cached)
      yield* runToEnd(Effect.all([search, search, search], { concurrency: "unbounded" }))
      assert.strictEqual(state.refreshes, 1)
      yield* runToEnd(search)
      assert.strictEqual(state.refreshes, 2)
    })
  )

  it.effect("runs a failing refresh once for concurrent calls", () =>
    Effect.gen(function* () {
      let refreshes = 0
      const refresh = Effect.suspend(() => Effect.fail(`down ${++refreshes}`)).pipe(Effect.delay("1 second"))
      const { search } = yield* guarded({ current: Effect.succeed(tokenOf("old")), refresh })
      const { result } = yield* runToEnd(
        Effect.all([unauthorized(search), unauthorized(search)], { concurrency: "unbounded" })
      )
      assert.strictEqual(result._tag, "Success")
      assert.strictEqual(refreshes, 1)
    })
  )

  it.effect("does not refresh if current returns another token after the 401", () =>
    Effect.gen(function* () {
      const tokens = ["old", "new"]
      const { search, secrets } = yield* guarded({
        current: Effect.sync(() => tokenOf(tokens.shift() ?? "none")),
        refresh: Effect.die("not called")
      })
      yield* search
      assert.deepStrictEqual(secrets(), ["old", "new"])
    })
  )

  it.effect("can refresh again after the refreshing call is interrupted", () =>
    Effect.gen(function* () {
      const { state, token } = source()
      const { search } = yield* guarded(token)
      const fiber = yield* Effect.forkChild(search, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      yield* runToEnd(search)
      assert.strictEqual(state.refreshes, 1)
    })
  )

  it.effect("does not refresh if the API accepts the token", () =>
    Effect.gen(function* () {
      const { state, token } = source()
      const { api, search } = yield* guarded(token)
      api.accepts = "old"
      yield* search
      assert.strictEqual(state.refreshes, 0)
    })
  )
})

it.effect("the limiter's key is the token's organization in lower case", () =>
  Effect.gen(function* () {
    const { search } = yield* guarded(Redacted.make(`${org.toUpperCase()}.new`))
    yield* Effect.ignore(search)
    const state = Option.getOrThrow(yield* RateLimit.state(org))
    assert.deepStrictEqual(state.tokensLeft, Option.some(0))
  }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "1 day" })))
)

it.effect("a fixed token is not retried after a 401", () =>
  Effect.gen(function* () {
    const { search, secrets } = yield* guarded(tokenOf("old"), { retry: {} })
    yield* unauthorized(search)
    assert.deepStrictEqual(secrets(), ["old"])
  })
)
