/** A block: so many calls of a contender, so many of them at a time. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { id } from "./work.ts"

export type Block = (calls: number, concurrency: number) => Promise<void>

/** What a contender's module exports as `connect`. */
export type Connect = (server: string) => Block

const check = (got: string): void => {
  if (got !== id) throw new Error(`A contender answered ${JSON.stringify(got)}`)
}

const turns = (concurrency: number): ReadonlyArray<number> => Array.from({ length: concurrency }, (_, n) => n)

/** Of a call that gives the id of the contact as a promise. */
export const ofPromises =
  (call: () => Promise<string>): Block =>
  async (calls, concurrency) => {
    let left = calls
    const turn = async () => {
      while (left-- > 0) check(await call())
    }
    await Promise.all(turns(concurrency).map(turn))
  }

/** Of a call that gives the id of the contact as an effect: one fiber for each that is under way. */
export const ofEffects = <R, E, E2>(
  layer: Layer.Layer<R, E>,
  makeCall: Effect.Effect<Effect.Effect<string, E2, R>, never, R>
): Block => {
  const runtime = ManagedRuntime.make(layer)
  return (calls, concurrency) => {
    let left = calls
    const all = Effect.flatMap(makeCall, (call) => {
      const turn = Effect.whileLoop({ while: () => left-- > 0, body: () => call, step: check })
      return Effect.forEach(turns(concurrency), () => turn, { concurrency: "unbounded", discard: true })
    })
    return runtime.runPromise(all)
  }
}
