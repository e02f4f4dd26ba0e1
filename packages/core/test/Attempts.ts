/** A scripted API with one response for each attempt, and helpers that run calls under the test clock. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { Redis } from "effect/persistence/Redis"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type * as AgentalkClient from "../src/AgentalkClient.ts"
import { TransportFault } from "../src/internal/wire/transport.ts"
import { contactsOver, json, make } from "./ScriptedApi.ts"

/** The response to one attempt, or its transport fault. */
export type AttemptResponse = Effect.Effect<Response, { readonly cause: TransportFault }>

/** A response with this status, these headers and the body `{}`. */
export const status = (code: number, headers?: Record<string, string>): AttemptResponse =>
  Effect.sync(() => json(code, {}, headers))

export const ok = status(200)

export const reset: AttemptResponse = Effect.fail({
  cause: new TransportFault("network", { sent: true, code: "ECONNRESET" })
})

export const refused: AttemptResponse = Effect.fail({
  cause: new TransportFault("network", { sent: false, code: "ECONNREFUSED" })
})

/** A response whose JSON body starts and never ends. */
export const stall: AttemptResponse = Effect.sync(
  () =>
    new Response(Stream.toReadableStream(Stream.concat(Stream.succeed(new Uint8Array([0x7b])), Stream.never)), {
      headers: { "content-type": "application/json" }
    })
)

/**
 * `Contacts` with the default retry policy. Each attempt receives the next answer; further attempts repeat the last one.
 * `sent` holds the requests, and `times` holds the clock's milliseconds at each of them.
 */
export const scriptedContacts = Effect.fnUntraced(function* (
  answers: ReadonlyArray<AttemptResponse>,
  options?: Partial<AgentalkClient.Options>
) {
  const times: Array<number> = []
  const { client, sent } = make((_, index) =>
    Effect.flatMap(Clock.currentTimeMillis, (millis) => {
      times.push(millis)
      return answers[Math.min(index, answers.length - 1)] ?? Effect.never
    })
  )
  const contacts = yield* Effect.orDie(contactsOver(client, { retry: {}, ...options }))
  return { client, contacts, sent, times }
})

/** Runs a call, advances the test clock by an hour, and returns the result and the milliseconds that the call took. */
export const runToEnd = Effect.fnUntraced(function* <A, E, R>(call: Effect.Effect<A, E, R>) {
  const startMillis = yield* Clock.currentTimeMillis
  const fiber = yield* Effect.forkChild(
    Effect.all({ result: Effect.result(call), millis: Effect.map(Clock.currentTimeMillis, (now) => now - startMillis) })
  )
  yield* TestClock.adjust("1 hour")
  return yield* Fiber.join(fiber)
})

/** Runs a call that fails, with all its waits, and returns its error. */
export const errorOf = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<E, A, R> =>
  Effect.flip(Effect.flatMap(runToEnd(call), ({ result }) => Effect.fromResult(result)))

/** Provides a `Random` that always returns the same number. */
export const withRandom = (value: number) =>
  Effect.provideService(Random.Random, {
    nextDoubleUnsafe: () => value,
    nextIntUnsafe: () => Math.floor(value * Number.MAX_SAFE_INTEGER)
  })

/** A Redis client whose commands never complete, and the commands that it received. */
export const unresponsiveRedis = () => {
  const commands: Array<ReadonlyArray<unknown>> = []
  const layer = Layer.mock(Redis, {
    eval:
      () =>
      (...params) => {
        commands.push(params)
        return Effect.never
      }
  })
  return { commands, layer }
}
