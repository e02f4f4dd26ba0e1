import * as Effect from "effect/Effect"
import { type Connect, ofEffects } from "../block.ts"
import { id } from "../work.ts"
import { makeLayer, upsert } from "./agentalk.ts"

/** The default, where the server fails now and then. One call of a thousand meets three failures and gives up. */
export const connect: Connect = (baseUrl) =>
  ofEffects(
    makeLayer(baseUrl),
    Effect.map(upsert, (call) => Effect.catchTag(call, "ServerFault", () => Effect.succeed(id)))
  )
