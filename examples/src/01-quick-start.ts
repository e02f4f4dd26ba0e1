import { Contacts } from "@agentalk/core"
import { AgentalkNode } from "@agentalk/node"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  const contacts = yield* Contacts
  const { contact, isNew } = yield* contacts.upsert({ phone: "+15551234567", firstName: "Jane", tags: ["vip"] })
  yield* contacts.addTags(contact.id, ["newsletter"])
  return isNew
}).pipe(
  Effect.catchTags({
    Validation: (error) => Effect.as(Effect.logWarning("refused", error.issues), false),
    Unauthorized: () => Effect.as(Effect.logError("check AGENTALK_API_TOKEN"), false)
  }),
  Effect.provide(AgentalkNode.layer) // AGENTALK_API_TOKEN from the environment, a pool of connections, time limits
)

console.log((await Effect.runPromise(program)) ? "created" : "not new")
