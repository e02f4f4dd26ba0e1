import { Contacts } from "@agentalk/core/Contacts"
import * as AgentalkNode from "@agentalk/node/AgentalkNode"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type Connect, ofEffects } from "../block.ts"
import * as Work from "../work.ts"

/** Creates the effect of the call each time, as a program does. */
export const upsert = Effect.map(Contacts, (contacts) =>
  Effect.suspend(() => Effect.map(contacts.upsert(Work.input), ({ contact }) => contact.id))
)

export const makeLayer = (baseUrl: string) => AgentalkNode.layerOptions({ token: Redacted.make(Work.token), baseUrl })

/** The default client: retries, deadline, attempt timeout, rate limiter and decoding. */
export const connect: Connect = (baseUrl) => ofEffects(makeLayer(baseUrl), upsert)
