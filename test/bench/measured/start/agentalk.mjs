import { Contacts } from "@agentalk/core/Contacts"
import * as AgentalkNode from "@agentalk/node/AgentalkNode"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Work from "./work.mjs"

const layer = AgentalkNode.layerOptions({ token: Redacted.make(Work.token), baseUrl: process.argv[2] })

const { contact } = await Effect.runPromise(
  Effect.provide(
    Effect.flatMap(Contacts, (contacts) => contacts.upsert(Work.input)),
    layer
  )
)
console.log(contact.id)
process.exit()
