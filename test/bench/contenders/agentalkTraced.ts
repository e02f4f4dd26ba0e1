import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import { type Connect, ofEffects } from "../block.ts"
import { makeLayer, upsert } from "./agentalk.ts"

const batch = 512

/** Keeps every span that ended until a batch is full, as an exporter does before it sends it. */
const makeRecorder = (): Tracer.Tracer => {
  let ended: Array<Tracer.Span> = []
  class Recorded extends Tracer.NativeSpan {
    override end(...end: Parameters<Tracer.Span["end"]>): void {
      super.end(...end)
      if (ended.push(this) === batch) ended = []
    }
  }
  return Tracer.make({ span: (options) => new Recorded(options) })
}

/** The default with a tracer that records every span that is made. Metrics are kept as they are. */
export const connect: Connect = (baseUrl) =>
  ofEffects(Layer.merge(makeLayer(baseUrl), Layer.succeed(Tracer.Tracer, makeRecorder())), upsert)
