/** An API whose answers are lined up, one an attempt, and what a test clock shows of the calls to it. */
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

/** What an attempt is answered. */
export type Answer = Effect.Effect<Response, { readonly cause: TransportFault }>

/** Answers with a status, and nothing of interest besides the headers. */
export const status = (code: number, headers?: Record<string, string>): Answer =>
  Effect.sync(() => json(code, {}, headers))

export const ok = status(200)

export const reset: Answer = Effect.fail({ cause: new TransportFault("network", { sent: true, code: "ECONNRESET" }) })

export const refused: Answer = Effect.fail({
  cause: new TransportFault("network", { sent: false, code: "ECONNREFUSED" })
})

/** Begins to answer with JSON, and never ends. */
export const stall: Answer = Effect.sync(
  () =>
    new Response(Stream.toReadableStream(Stream.concat(Stream.succeed(new Uint8Array([0x7b])), Stream.never)), {
      headers: { "content-type": "application/json" }
    })
)

/** `Contacts` with the default policy, whose attempts are answered one after another, by the last answer from there on, and what they sent. */
export const lineUp = Effect.fnUntraced(function* (
  answers: ReadonlyArray<Answer>,
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

/** Lets time pass until a call has ended, and tells when that was. */
export const ended = Effect.fnUntraced(function* <A, E, R>(call: Effect.Effect<A, E, R>) {
  const started = yield* Clock.currentTimeMillis
  const fiber = yield* Effect.forkChild(
    Effect.all({ result: Effect.result(call), millis: Effect.map(Clock.currentTimeMillis, (now) => now - started) })
  )
  yield* TestClock.adjust("1 hour")
  return yield* Fiber.join(fiber)
})

/** The error of a call, after all its waits. */
export const failed = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<E, A, R> =>
  Effect.flip(Effect.flatMap(ended(call), ({ result }) => Effect.fromResult(result)))

/** Chance that always gives the same. */
export const withChance = (value: number) =>
  Effect.provideService(Random.Random, {
    nextDoubleUnsafe: () => value,
    nextIntUnsafe: () => Math.floor(value * Number.MAX_SAFE_INTEGER)
  })

/** A Redis that has lost its server, and what it was asked. */
export const silentRedis = () => {
  const asked: Array<ReadonlyArray<unknown>> = []
  const layer = Layer.mock(Redis, {
    eval:
      () =>
      (...params) => {
        asked.push(params)
        return Effect.never
      }
  })
  return { asked, layer }
}
