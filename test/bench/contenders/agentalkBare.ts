import * as AgentalkClient from "@agentalk/core/AgentalkClient"
import { enableJit } from "@agentalk/core/unstable"
import * as Retry from "@agentalk/core/Retry"
import * as UndiciHttpClient from "@agentalk/node/UndiciHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { type Connect, ofEffects } from "../block.ts"
import * as Work from "../work.ts"
import { upsert } from "./agentalk.ts"

/** The client with one attempt and without timeouts. Its schemas are compiled, as in `AgentalkNode`. */
export const connect: Connect = (baseUrl) =>
  ofEffects(
    AgentalkClient.layer({
      token: Redacted.make(Work.token),
      baseUrl,
      retry: Retry.none,
      attemptTimeout: Infinity,
      deadline: Infinity
    }).pipe(Layer.provide(UndiciHttpClient.layer), Layer.provide(Layer.effectDiscard(enableJit))),
    upsert
  )
