import * as Effect from "effect/Effect"
import { type Connect, ofEffects } from "../block.ts"
import { id } from "../work.ts"
import { makeLayer, upsert } from "./agentalk.ts"

/**
 * The default client for a server that sometimes fails. One call in a thousand fails in all three attempts, and its error
 * is ignored.
 */
export const connect: Connect = (baseUrl) =>
  ofEffects(
    makeLayer(baseUrl),
    Effect.map(upsert, (call) => Effect.catchTag(call, "ServerFault", () => Effect.succeed(id)))
  )
