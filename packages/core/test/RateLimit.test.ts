import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import type { AgentalkError } from "../src/AgentalkError.ts"
import { Contacts } from "../src/Contacts.ts"
import * as RateLimit from "../src/RateLimit.ts"
import * as Retry from "../src/Retry.ts"
import * as Sandbox from "../src/Sandbox.ts"
import * as TimeLimit from "../src/TimeLimit.ts"
import { runToEnd, errorOf, scriptedContacts, ok, unresponsiveRedis, status, withRandom } from "./Attempts.ts"
import { id } from "./ScriptedApi.ts"

const tag = (contacts: Contacts["Service"]) => contacts.addTags(id, ["vip"])
/** Raises the deadline and the maximum wait to a day. */
const patiently = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  call.pipe(Retry.withPolicy({ maxRetryAfter: "1 day" }), TimeLimit.withLimits({ deadline: "1 day" }))
const otherOrganization = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

/** The highest number of requests in any window. A window starts at each request. */
const mostIn = (windowMillis: number, times: ReadonlyArray<number>): number =>
  Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + windowMillis - 0.001).length))

describe("a quota", () => {
  it.effect("is never exceeded in any window, and every call is sent", () =>
    Effect.gen(function* () {
      let fullest = 0
      for (let run = 0; run < 60; run++) {
        const limit = yield* Random.nextIntBetween(1, 24)
        const window = yield* Random.nextIntBetween(50, 5000)
        const burst = (yield* Random.nextBoolean) ? yield* Random.nextIntBetween(1, limit) : undefined
        const calls = limit * 3
        yield* Effect.gen(function* () {
          const { contacts, times } = yield* scriptedContacts([ok])
          const pause = yield* Random.choice([0, window / 10, window, 3 * window])
          const all = yield* Effect.forEach(Array.from({ length: calls }), () =>
            Effect.flatMap(Random.nextBetween(0, pause), (at) => Effect.forkChild(Effect.delay(tag(contacts), at)))
          )
          yield* TestClock.adjust("1 day")
          yield* Fiber.joinAll(all)
          assert.strictEqual(times.length, calls)
          const most = mostIn(window, times)
          assert.isAtMost(most, limit, `${limit} in ${window} ms, burst ${burst}`)
          fullest = Math.max(fullest, most / limit)
        }).pipe(patiently, Effect.provide(RateLimit.layer({ limit, window, burst })))
      }
      // The limiter must not delay requests that the quota allows: at least one window is nearly full.
      assert.isAtLeast(fullest, 0.9)
    }).pipe(Random.withSeed("windows"))
  )

  it.effect("is never exceeded if waiting calls are interrupted", () =>
    Effect.gen(function* () {
      for (let run = 0; run < 40; run++) {
        const limit = yield* Random.nextIntBetween(2, 12)
        const window = yield* Random.nextIntBetween(100, 2000)
        yield* Effect.gen(function* () {
          const { contacts, times } = yield* scriptedContacts([ok])
          const launch = Effect.flatMap(Random.nextBetween(0, 2 * window), (at) =>
            Effect.forkChild(Effect.delay(tag(contacts), at))
          )
          for (let wave = 0; wave < 4; wave++) {
            const fibers = yield* Effect.replicateEffect(launch, limit * 2)
            yield* TestClock.adjust(window)
            yield* Effect.forEach(fibers, (fiber) =>
              Effect.flatMap(Random.nextBoolean, (isChosen) => (isChosen ? Fiber.interrupt(fiber) : Effect.void))
            )
          }
          yield* TestClock.adjust("1 day")
          assert.isAtMost(mostIn(window, times), limit, `${limit} in ${window} ms`)
        }).pipe(patiently, Effect.provide(RateLimit.layer({ limit, window })))
      }
    }).pipe(Random.withSeed("waves"))
  )

  it.effect("admits waiting calls in the order of their arrival", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([ok])
      const names = Array.from({ length: 20 }, (_, index) => `tag${index}`)
      const fibers = yield* Effect.forEach(names, (name) => Effect.forkChild(contacts.addTags(id, [name])))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(
        sent.map(({ body }) => body),
        names.map((name) => ({ tags: [name] }))
      )
    }).pipe(Effect.provide(RateLimit.layer({ limit: 3, window: "5 seconds" })))
  )

  it.effect("counts every attempt", () =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([status(500), status(500), ok])
      yield* runToEnd(patiently(tag(contacts))).pipe(withRandom(0))
      assert.deepStrictEqual(times, [0, 10_000, 20_000])
    }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "10 seconds" })))
  )

  it.effect("is separate for each organization, which comes from the header, otherwise from the token", () =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([ok])
      const byHeader = (organization: string) =>
        Effect.forkChild(tag(contacts).pipe(AgentalkClient.withOrganization(organization), patiently))
      const calls = [
        yield* Effect.forkChild(patiently(tag(contacts))),
        yield* byHeader(otherOrganization),
        yield* byHeader(Sandbox.organization.toUpperCase()),
        yield* byHeader(otherOrganization.toUpperCase())
      ]
      yield* TestClock.adjust("1 minute")
      yield* Fiber.joinAll(calls)
      assert.deepStrictEqual(times, [0, 0, 10_000, 10_000])
    }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "10 seconds" })))
  )

  it.effect("applies to the organization of a token that an effect returns", () =>
    Effect.gen(function* () {
      const token = Effect.succeed(Redacted.make(`${otherOrganization.toUpperCase()}.secret`))
      const { contacts, times } = yield* scriptedContacts([ok], { token })
      const calls = yield* Effect.replicateEffect(Effect.forkChild(patiently(tag(contacts))), 3)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.joinAll(calls)
      assert.strictEqual(mostIn(10_000, times), 1)
    }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "10 seconds" })))
  )

  it.effect("applies with Layer.provide, Layer.provideMerge and Layer.merge", () =>
    Effect.gen(function* () {
      const limiter = RateLimit.layer({ limit: 1, window: "10 seconds" })
      const millisBetween = Effect.fnUntraced(function* (
        provide: (live: Layer.Layer<Contacts>) => Layer.Layer<Contacts>
      ) {
        const { client, times } = yield* scriptedContacts([ok])
        const live = AgentalkClient.layer({ token: Sandbox.token }).pipe(
          Layer.provide(Layer.succeed(HttpClient.HttpClient, client)),
          Layer.orDie
        )
        const twice = Effect.flatMap(Contacts, (contacts) => Effect.all([tag(contacts), tag(contacts)]))
        yield* runToEnd(Effect.provide(twice, provide(live)))
        return (times[1] ?? 0) - (times[0] ?? 0)
      })
      assert.strictEqual(yield* millisBetween((live) => live), 0)
      assert.strictEqual(yield* millisBetween(Layer.provide(limiter)), 10_000)
      assert.strictEqual(yield* millisBetween(Layer.provideMerge(limiter)), 10_000)
      assert.strictEqual(yield* millisBetween(Layer.merge(limiter)), 10_000)
    })
  )

  it.effect.each<[string, Partial<RateLimit.Quota>, expected: string]>([
    ["a limit of zero", { limit: 0 }, "limit must be"],
    ["a fractional limit", { limit: 1.5 }, "limit must be"],
    ["a window of zero", { window: 0 }, "window must be"],
    ["an infinite window", { window: Infinity }, "window must be"],
    ["a burst larger than the limit", { burst: 11 }, "burst must be"],
    ["a burst of zero", { burst: 0 }, "burst must be"]
  ])("with %s is a defect", ([, quota, expected]) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        Effect.provide(Effect.void, RateLimit.layer({ limit: 10, window: "1 second", ...quota }))
      )
      assert(Exit.isFailure(exit))
      const defect = Cause.squash(exit.cause)
      assert.instanceOf(defect, RangeError)
      assert.include(String(defect), expected)
    })
  )

  it.effect("is not enforced while its store fails, and each call logs a warning", () =>
    Effect.gen(function* () {
      const down = new RateLimiter.RateLimiterError({
        reason: new RateLimiter.RateLimitStoreError({ message: "down" })
      })
      const store = Layer.mock(RateLimiter.RateLimiterStore, { tokenBucket: () => Effect.fail(down) })
      const limiter = yield* RateLimit.make({ limit: 1, window: "1 day" }).pipe(
        Effect.provide(Layer.provide(RateLimiter.layer, store))
      )
      const { contacts, times } = yield* scriptedContacts([ok])
      const logged: Array<unknown> = []
      yield* Effect.all([tag(contacts), tag(contacts)]).pipe(
        Effect.provideService(RateLimit.CurrentLimiter, limiter),
        Effect.provide(Logger.layer([Logger.make(({ logLevel, message }) => logged.push([logLevel, message]))]))
      )
      assert.deepStrictEqual(times, [0, 0])
      const warning = ["Warn", ["The rate limit is not enforced, because its store is unavailable"]]
      assert.deepStrictEqual(logged, [warning, warning])
    })
  )
})

const summaryOf = (error: AgentalkError) => ({
  tag: error._tag,
  attempts: error.attempts,
  outcome: error.outcome,
  retryStopped: error.retryStopped,
  retryAfter: Reflect.get(error, "retryAfter")
})

describe("a rate limit wait that is too long", () => {
  it.effect("fails the call immediately, sends nothing and returns the limiter's token", () =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([ok])
      yield* tag(contacts)
      for (let i = 0; i < 20; i++) {
        const error = yield* Effect.flip(tag(contacts)).pipe(TimeLimit.withLimits({ deadline: "9 seconds" }))
        assert.deepStrictEqual(summaryOf(error), {
          tag: "RateLimited",
          attempts: 0,
          outcome: "not-applied",
          retryStopped: "deadline",
          retryAfter: Duration.seconds(10)
        })
      }
      yield* runToEnd(tag(contacts))
      assert.deepStrictEqual(times, [0, 10_000])
    }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "10 seconds" })))
  )

  it.effect("fails the call immediately if the calls ahead of it cause the wait", () =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([ok])
      yield* tag(contacts)
      const waiting = yield* Effect.replicateEffect(Effect.forkChild(tag(contacts)), 2)
      yield* TestClock.adjust("1 second")
      const error = yield* Effect.flip(tag(contacts)).pipe(TimeLimit.withLimits({ deadline: "28 seconds" }))
      assert.deepInclude(summaryOf(error), { tag: "RateLimited", attempts: 0, retryAfter: Duration.seconds(29) })
      const last = yield* Effect.forkChild(tag(contacts).pipe(TimeLimit.withLimits({ deadline: "30 seconds" })))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.joinAll([...waiting, last])
      assert.deepStrictEqual(times, [0, 10_000, 20_000, 30_000])
    }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "10 seconds" })))
  )

  it.effect("after a Retry-After wait fails by the deadline and sends nothing", () =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([status(429, { "retry-after": "20" }), ok])
      yield* Effect.exit(Retry.withPolicy(Retry.none)(tag(contacts)))
      const both = [tag(contacts), tag(contacts)].map((call) => Effect.result(call))
      const { millis, result } = yield* runToEnd(
        Effect.all(both, { concurrency: 2 }).pipe(TimeLimit.withLimits({ deadline: "25 seconds" }))
      )
      assert.isAtMost(millis, 25_000)
      const results = Result.getOrThrow(result)
      assert.strictEqual(results.filter(Result.isSuccess).length, 1)
      assert.strictEqual(times.length, 2)
    }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "10 seconds" })))
  )

  it.effect("fails with retryStopped retry-after if it exceeds maxRetryAfter", () =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([ok])
      yield* tag(contacts)
      const error = yield* Effect.flip(tag(contacts)).pipe(Retry.withPolicy({ maxRetryAfter: "9 seconds" }))
      assert.strictEqual(error.retryStopped, "retry-after")
      assert.strictEqual(times.length, 1)
    }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "10 seconds" })))
  )

  it.effect("keeps the outcome of earlier attempts", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([status(500), ok])
      const error = yield* errorOf(tag(contacts)).pipe(TimeLimit.withLimits({ deadline: "9 seconds" }))
      assert.deepInclude(summaryOf(error), { tag: "RateLimited", attempts: 1, outcome: "unknown" })
    }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "10 seconds" })))
  )

  it.effect("returns the limiter's token if the call is interrupted", () =>
    Effect.gen(function* () {
      const { contacts, times } = yield* scriptedContacts([ok])
      yield* tag(contacts)
      for (let i = 0; i < 5; i++) {
        const fiber = yield* Effect.forkChild(tag(contacts))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
      }
      yield* runToEnd(tag(contacts))
      assert.deepStrictEqual(times, [0, 10_000])
    }).pipe(Effect.provide(RateLimit.layer({ limit: 1, window: "10 seconds" })))
  )
})

describe("rate limit headers", () => {
  // Fri, 15 Jan 2027 08:00:00 GMT
  const now = 1_800_000_000_000
  const exhausted: ReadonlyArray<readonly [name: string, code: number, headers: Record<string, string>]> = [
    ["429 with Retry-After", 429, { "retry-after": "20" }],
    ["503 with Retry-After", 503, { "retry-after": "20" }],
    ["429 with a date", 429, { "retry-after": "Fri, 15 Jan 2027 08:00:20 GMT" }],
    ["X-RateLimit, seconds", 200, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "20" }],
    ["X-RateLimit, a time", 200, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000020" }],
    ["RateLimit-Remaining", 200, { "ratelimit-remaining": "0", "ratelimit-reset": "20" }],
    ["RateLimit, draft 7", 200, { ratelimit: "limit=100, remaining=0, reset=20" }],
    ["RateLimit, draft 8", 200, { ratelimit: '"default";r=0;t=20' }],
    ["a 404 that leaves no requests", 404, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "20" }]
  ]

  it.effect.each(exhausted)("delay every call of that organization: %s", ([, code, headers]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const { contacts, times } = yield* scriptedContacts([status(code, headers), ok])
      yield* Effect.exit(Retry.withPolicy(Retry.none)(tag(contacts)))
      const delayed = yield* Effect.replicateEffect(Effect.forkChild(tag(contacts)), 20)
      const undelayed = yield* Effect.forkChild(AgentalkClient.withOrganization(otherOrganization)(tag(contacts)))
      yield* TestClock.adjust("19999 millis")
      assert.deepStrictEqual(times, [now, now])
      yield* Fiber.join(undelayed)
      yield* TestClock.adjust("251 millis")
      yield* Fiber.joinAll(delayed)
      assert.strictEqual(times.length, 22)
      // Jitter spreads the delayed calls.
      assert.isAbove(new Set(times.slice(2)).size, 10)
      yield* tag(contacts)
    }).pipe(Random.withSeed("holds"))
  )

  it.effect.each<[string, number, Record<string, string>]>([
    ["requests remain", 200, { "x-ratelimit-remaining": "1", "x-ratelimit-reset": "20" }],
    ["there is no reset time", 200, { "x-ratelimit-remaining": "0" }],
    ["the reset time is in the past", 200, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1799999999" }],
    ["the values are not numbers", 200, { "x-ratelimit-remaining": "none", "x-ratelimit-reset": "later" }],
    ["a 500 has Retry-After", 500, { "retry-after": "20" }],
    ["a 409 has Retry-After", 409, { "retry-after": "20" }],
    ["a 202 has Retry-After", 202, { "retry-after": "20" }]
  ])("delay no call if %s", ([, code, headers]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const { contacts, times } = yield* scriptedContacts([status(code, headers)])
      const once = Effect.exit(Retry.withPolicy(Retry.none)(tag(contacts)))
      yield* runToEnd(Effect.all([once, once]))
      assert.deepStrictEqual(times, [now, now])
    })
  )

  it.effect("fail a call immediately if it cannot wait that long, and nothing is sent", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([status(429, { "retry-after": "50" }), ok])
      yield* Effect.exit(Retry.withPolicy(Retry.none)(tag(contacts)))
      yield* TestClock.adjust("10 seconds")
      const byDeadline = yield* Effect.flip(tag(contacts)).pipe(TimeLimit.withLimits({ deadline: "39 seconds" }))
      assert.deepInclude(byDeadline, {
        _tag: "RateLimited",
        attempts: 0,
        outcome: "not-applied",
        retryStopped: "deadline"
      })
      assert.deepStrictEqual(Reflect.get(byDeadline, "retryAfter"), Duration.seconds(40))
      const byPolicy = yield* Effect.flip(tag(contacts)).pipe(Retry.withPolicy({ maxRetryAfter: "39 seconds" }))
      assert.strictEqual(byPolicy.retryStopped, "retry-after")
      assert.strictEqual(sent.length, 1)
    })
  )

  it.effect("delay the calls of every client that shares the limiter", () =>
    Effect.gen(function* () {
      const one = yield* scriptedContacts([status(429, { "retry-after": "20" }), ok])
      const two = yield* scriptedContacts([ok])
      yield* Effect.exit(Retry.withPolicy(Retry.none)(tag(one.contacts)))
      yield* runToEnd(tag(two.contacts))
      assert.isAtLeast(two.times[0] ?? 0, 20_000)
    }).pipe(Effect.provide(RateLimit.layer({ limit: 100, window: "1 second" })))
  )

  it.effect("delay the second call if an effect returns the token", () =>
    Effect.gen(function* () {
      const token = Effect.succeed(Sandbox.token)
      const { contacts, times } = yield* scriptedContacts([status(429, { "retry-after": "20" }), ok], { token })
      yield* Effect.exit(Retry.withPolicy(Retry.none)(tag(contacts)))
      yield* runToEnd(tag(contacts))
      assert.isAtLeast(times[1] ?? 0, 20_000)
    })
  )

  it.effect("do not delay the calls of clients without a shared limiter", () =>
    Effect.gen(function* () {
      const one = yield* scriptedContacts([status(429, { "retry-after": "20" }), ok])
      const two = yield* scriptedContacts([ok])
      yield* Effect.exit(Retry.withPolicy(Retry.none)(tag(one.contacts)))
      yield* tag(two.contacts)
      assert.deepStrictEqual(two.times, [0])
    })
  )

  it.effect("do not keep an interrupted call waiting", () =>
    Effect.gen(function* () {
      const { contacts, sent } = yield* scriptedContacts([status(429, { "retry-after": "20" }), ok])
      yield* Effect.exit(Retry.withPolicy(Retry.none)(tag(contacts)))
      const fiber = yield* Effect.forkChild(tag(contacts))
      yield* TestClock.adjust("19 seconds")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(sent.length, 1)
    })
  )
})

describe("RateLimit.state", () => {
  it.effect("returns None without a limiter", () =>
    Effect.map(RateLimit.state(Sandbox.organization), (state) => assert.isTrue(Option.isNone(state)))
  )

  it.effect("returns the tokens left, the number of waiting calls and the time until the quota is full again", () =>
    Effect.gen(function* () {
      const state = Effect.map(RateLimit.state(Sandbox.organization.toUpperCase()), Option.getOrThrow)
      const { contacts } = yield* scriptedContacts([ok])
      assert.deepStrictEqual(yield* state, { tokensLeft: Option.some(2), waiting: 0, resetAfter: Duration.zero })
      yield* tag(contacts)
      assert.deepStrictEqual(yield* state, {
        tokensLeft: Option.some(1),
        waiting: 0,
        resetAfter: Duration.seconds(1)
      })
      const calls = yield* Effect.replicateEffect(Effect.forkChild(tag(contacts)), 4)
      yield* TestClock.adjust(0)
      assert.deepInclude(yield* state, { tokensLeft: Option.some(0), waiting: 3 })
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* state, { tokensLeft: Option.some(0), waiting: 2 })
      yield* Fiber.interruptAll(calls)
      assert.deepInclude(yield* state, { waiting: 0 })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* state, { tokensLeft: Option.some(2), waiting: 0, resetAfter: Duration.zero })
    }).pipe(Effect.provide(RateLimit.layer({ limit: 5, window: "3 seconds", burst: 2 })))
  )

  it.effect("returns the remaining Retry-After time and the number of delayed calls", () =>
    Effect.gen(function* () {
      const state = Effect.map(RateLimit.state(Sandbox.organization), Option.getOrThrow)
      const { contacts } = yield* scriptedContacts([status(429, { "retry-after": "20" }), ok])
      yield* Effect.exit(Retry.withPolicy(Retry.none)(tag(contacts)))
      const call = yield* Effect.forkChild(tag(contacts))
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* state, { waiting: 1, resetAfter: Duration.seconds(15) })
      yield* Fiber.interrupt(call)
      assert.deepInclude(yield* state, { waiting: 0 })
    }).pipe(Effect.provide(RateLimit.layer({ limit: 1000, window: "1 second" })))
  )
})

it.effect.each<readonly [prefix: string | undefined, key: string]>([
  [undefined, "ratelimiter:agentalk:"],
  ["acme:", "acme:agentalk:"]
])("with the prefix %s, a Redis that never responds delays a call by 500 ms", ([prefix, key]) => {
  const { commands, layer } = unresponsiveRedis()
  return Effect.gen(function* () {
    const { contacts } = yield* scriptedContacts([ok])
    const { millis, result } = yield* runToEnd(tag(contacts))
    assert.deepStrictEqual([millis, result._tag], [500, "Success"])
    assert.include(String(commands[0]), key)
  }).pipe(Effect.provide(RateLimit.layerRedis({ limit: 1, window: "1 day", prefix }).pipe(Layer.provide(layer))))
})
