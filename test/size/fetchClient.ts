/** A program as it runs on Workers: the client over `fetch` and one upsert. */
import * as AgentalkClient from "@agentalk/core/AgentalkClient"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { program } from "./tag.ts"

export const upsert = (token: string) => {
  const layer = AgentalkClient.layer({ token: Redacted.make(token) })
  return Effect.runPromise(Effect.provide(program, Layer.provide(layer, FetchHttpClient.layer)))
}
