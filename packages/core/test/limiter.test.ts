import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as TestClock from "effect/testing/TestClock"
import { makeServerHolds } from "../src/internal/call/limiter.ts"
import { ended, withChance } from "./Attempts.ts"

const key = "5a4db0c5-0000-4000-8000-000000000000"

// Fri, 15 Jan 2027 08:00:00 GMT
const now = 1_800_000_000_000

/** Holds whose organization has been told to wait, and how to tell it again. */
const held = Effect.fnUntraced(function* (seconds: number | undefined, headers: Record<string, string> = {}) {
  yield* TestClock.setTime(now)
  const clock = yield* Clock.Clock
  const holds = makeServerHolds()
  const observe = (wait: number | undefined, said: Record<string, string> = {}) =>
    holds.observe(key, Headers.fromInput(said), wait === undefined ? undefined : Duration.seconds(wait), clock)
  observe(seconds, headers)
  return { holds, observe, resetAfter: Effect.map(holds.state(key), (state) => Duration.toMillis(state.resetAfter)) }
})

const exhausted = (reset: string) => ({ "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset })

describe("what a server says about its limit", () => {
  it.effect.each<
    readonly [name: string, headers: Record<string, string>, retryAfter: number | undefined, millis: number]
  >([
    ["seconds", exhausted("20"), undefined, 20_000],
    ["seconds with blanks around them", exhausted(" 20 "), undefined, 20_000],
    ["a part of a second", exhausted("20.55"), undefined, 20_550],
    ["a time in seconds", exhausted("1800000020"), undefined, 20_000],
    ["a time in milliseconds", exhausted("1800000020000"), undefined, 20_000],
    ["a time in milliseconds that is over", exhausted("1799999999000"), undefined, 0],
    ["a day, of which an hour counts", exhausted("86400"), undefined, 3_600_000],
    ["the longer of two", exhausted("20"), 30, 30_000],
    ["no number", exhausted("later"), 7, 7_000],
    ["a number in front of a text", exhausted("20 or so"), 7, 7_000],
    ["a number in a word", exhausted("20x"), 7, 7_000],
    ["a number behind a text", exhausted("about 20"), 7, 7_000],
    ["no reset", { "x-ratelimit-remaining": "0" }, 7, 7_000],
    ["one field that begins with what remains", { ratelimit: "remaining=0, reset=20" }, undefined, 20_000],
    ["one field that begins with the reset", { ratelimit: "reset=20, remaining=0" }, undefined, 20_000],
    ["one field of which 7 remain", { ratelimit: "remaining=07, reset=20" }, undefined, 0],
    ["one field without what remains", { ratelimit: "limit=100, reset=20" }, undefined, 0],
    ["one field without a reset", { ratelimit: "remaining=0" }, undefined, 0]
  ])("in %s", ([, headers, retryAfter, millis]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* (yield* held(retryAfter, headers)).resetAfter, millis)
    })
  )
})

describe("a call that is held back", () => {
  it.effect("waits for a time that fits exactly, and not a moment longer", () =>
    Effect.gen(function* () {
      const { holds } = yield* held(20)
      const { millis, result } = yield* ended(holds.acquire(key, 20_000, Infinity))
      assert.deepStrictEqual([millis, result._tag], [20_000, "Success"])
    })
  )

  it.effect.each<readonly [maxWait: number, millis: number]>([
    [60_000, 20_125],
    [20_100, 20_050]
  ])("with %d ms to wait arrives by chance after the others", ([maxWait, expected]) =>
    Effect.gen(function* () {
      const { holds } = yield* held(20)
      const { millis } = yield* withChance(0.5)(ended(holds.acquire(key, maxWait, Infinity)))
      assert.strictEqual(millis, expected)
    })
  )

  it.effect.each<readonly [again: number, millis: number, tag: string]>([
    [12, 22_000, "Success"],
    [25, 20_000, "Failure"]
  ])("is held back again for %d s while it waits, for no longer than it may wait", ([again, expected, tag]) =>
    Effect.gen(function* () {
      const { holds, observe } = yield* held(20)
      yield* Effect.forkChild(
        Effect.delay(
          Effect.sync(() => observe(again)),
          "10 seconds"
        )
      )
      const { millis, result } = yield* withChance(0)(ended(holds.acquire(key, 30_000, Infinity)))
      assert.deepStrictEqual([millis, result._tag], [expected, tag])
    })
  )

  it.effect("too long is told that the server has asked for it", () =>
    Effect.gen(function* () {
      const { holds } = yield* held(20)
      const { isServerHint, wait } = yield* Effect.flip(holds.acquire(key, 19_999, Infinity))
      assert.deepStrictEqual([isServerHint, wait], [true, Duration.seconds(20)])
    })
  )

  it.effect("is counted until it gives up, and no other with it", () =>
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
