import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as TestClock from "effect/testing/TestClock"
import { makeServerLimiter } from "../src/internal/call/limiter.ts"
import { runToEnd, withRandom } from "./Attempts.ts"

const key = "5a4db0c5-0000-4000-8000-000000000000"

// Fri, 15 Jan 2027 08:00:00 GMT
const now = 1_800_000_000_000

/** A limiter whose organization has received a `Retry-After` or rate limit headers. `observe` reports another response. */
const held = Effect.fnUntraced(function* (seconds: number | undefined, headers: Record<string, string> = {}) {
  yield* TestClock.setTime(now)
  const clock = yield* Clock.Clock
  const holds = makeServerLimiter()
  const observe = (wait: number | undefined, received: Record<string, string> = {}) =>
    holds.observe(key, Headers.fromInput(received), wait === undefined ? undefined : Duration.seconds(wait), clock)
  observe(seconds, headers)
  return { holds, observe, resetAfter: Effect.map(holds.state(key), (state) => Duration.toMillis(state.resetAfter)) }
})

const exhausted = (reset: string) => ({ "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset })

describe("a rate limit reset", () => {
  it.effect.each<
    readonly [name: string, headers: Record<string, string>, retryAfter: number | undefined, millis: number]
  >([
    ["seconds", exhausted("20"), undefined, 20_000],
    ["seconds with spaces around them", exhausted(" 20 "), undefined, 20_000],
    ["fractional seconds", exhausted("20.55"), undefined, 20_550],
    ["a Unix time in seconds", exhausted("1800000020"), undefined, 20_000],
    ["a Unix time in milliseconds", exhausted("1800000020000"), undefined, 20_000],
    ["a past Unix time in milliseconds", exhausted("1799999999000"), undefined, 0],
    ["a day, which is cut to an hour", exhausted("86400"), undefined, 3_600_000],
    ["a reset shorter than Retry-After", exhausted("20"), 30, 30_000],
    ["text, which falls back to Retry-After", exhausted("later"), 7, 7_000],
    ["a number before text", exhausted("20 or so"), 7, 7_000],
    ["a number with a suffix", exhausted("20x"), 7, 7_000],
    ["a number after text", exhausted("about 20"), 7, 7_000],
    ["no reset, which falls back to Retry-After", { "x-ratelimit-remaining": "0" }, 7, 7_000],
    ["a RateLimit field with remaining first", { ratelimit: "remaining=0, reset=20" }, undefined, 20_000],
    ["a RateLimit field with reset first", { ratelimit: "reset=20, remaining=0" }, undefined, 20_000],
    ["a RateLimit field with 7 remaining", { ratelimit: "remaining=07, reset=20" }, undefined, 0],
    ["a RateLimit field without remaining", { ratelimit: "limit=100, reset=20" }, undefined, 0],
    ["a RateLimit field without reset", { ratelimit: "remaining=0" }, undefined, 0]
  ])("is read from %s", ([, headers, retryAfter, millis]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* (yield* held(retryAfter, headers)).resetAfter, millis)
    })
  )
})

describe("a delayed call", () => {
  it.effect("waits without jitter if its maximum wait equals the delay", () =>
    Effect.gen(function* () {
      const { holds } = yield* held(20)
      const { millis, result } = yield* runToEnd(holds.acquire(key, 20_000, Infinity))
      assert.deepStrictEqual([millis, result._tag], [20_000, "Success"])
    })
  )

  it.effect.each<readonly [maxWait: number, millis: number]>([
    [60_000, 20_125],
    [20_100, 20_050]
  ])("with a maximum wait of %d ms waits for the delay plus random jitter", ([maxWait, expected]) =>
    Effect.gen(function* () {
      const { holds } = yield* held(20)
      const { millis } = yield* withRandom(0.5)(runToEnd(holds.acquire(key, maxWait, Infinity)))
      assert.strictEqual(millis, expected)
    })
  )

  it.effect.each<readonly [again: number, millis: number, tag: string]>([
    [12, 22_000, "Success"],
    [25, 20_000, "Failure"]
  ])("is delayed by a further %d s that arrive while it waits, up to its maximum wait", ([again, expected, tag]) =>
    Effect.gen(function* () {
      const { holds, observe } = yield* held(20)
      yield* Effect.forkChild(
        Effect.delay(
          Effect.sync(() => observe(again)),
          "10 seconds"
        )
      )
      const { millis, result } = yield* withRandom(0)(runToEnd(holds.acquire(key, 30_000, Infinity)))
      assert.deepStrictEqual([millis, result._tag], [expected, tag])
    })
  )

  it.effect("fails with the wait that the server requested if it exceeds the maximum wait", () =>
    Effect.gen(function* () {
      const { holds } = yield* held(20)
      const { isServerHint, wait } = yield* Effect.flip(holds.acquire(key, 19_999, Infinity))
      assert.deepStrictEqual([isServerHint, wait], [true, Duration.seconds(20)])
    })
  )

  it.effect("is counted as waiting until it is interrupted", () =>
    Effect.gen(function* () {
      const { holds } = yield* held(20)
      const waiting = Effect.map(holds.state(key), (state) => state.waiting)
      const acquire = Effect.forkChild(holds.acquire(key, 60_000, Infinity), { startImmediately: true })
      const [one, two] = [yield* acquire, yield* acquire]
      assert.strictEqual(yield* waiting, 2)
      yield* Fiber.interrupt(one)
      assert.strictEqual(yield* waiting, 1)
      yield* Fiber.interrupt(two)
      assert.strictEqual(yield* waiting, 0)
    })
  )
})
