/** A block is a number of calls of one contender with a given concurrency. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { id } from "./work.ts"

export type Block = (calls: number, concurrency: number) => Promise<void>

/** The type of the export `connect` of a contender's module. */
export type Connect = (server: string) => Block

const check = (result: string): void => {
  if (result !== id) throw new Error(`A contender returned ${JSON.stringify(result)} instead of the id`)
}

const slots = (concurrency: number): ReadonlyArray<number> => Array.from({ length: concurrency }, (_, n) => n)

/** Makes a block from a call that returns the id of the contact as a promise. */
export const ofPromises =
  (call: () => Promise<string>): Block =>
  async (calls, concurrency) => {
    let left = calls
    const worker = async () => {
      while (left-- > 0) check(await call())
    }
    await Promise.all(slots(concurrency).map(worker))
  }

/** Makes a block from a call that returns the id of the contact as an effect. Each concurrent call has its own fiber. */
export const ofEffects = <R, E, E2>(
  layer: Layer.Layer<R, E>,
  makeCall: Effect.Effect<Effect.Effect<string, E2, R>, never, R>
): Block => {
  const runtime = ManagedRuntime.make(layer)
  return (calls, concurrency) => {
    let left = calls
    const all = Effect.flatMap(makeCall, (call) => {
      const worker = Effect.whileLoop({ while: () => left-- > 0, body: () => call, step: check })
      return Effect.forEach(slots(concurrency), () => worker, { concurrency: "unbounded", discard: true })
    })
    return runtime.runPromise(all)
  }
}
