import { Contacts } from "@agentalk/core"
import { AgentalkNode } from "@agentalk/node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"

const program = Effect.gen(function* () {
  const contacts = yield* Contacts
  const { contact, isNew } = yield* contacts.upsert({ phone: "+15551234567", firstName: "Jane", tags: ["vip"] })
  yield* contacts.addTags(contact.id, ["newsletter"])
  yield* Console.log(isNew ? "created" : "not new")
}).pipe(
  Effect.catchTags({
    Validation: (error) => Effect.logWarning("invalid input", error.issues),
    Unauthorized: () => Effect.logError("check AGENTALK_API_TOKEN")
  }),
  Effect.provide(AgentalkNode.layer) // reads AGENTALK_API_TOKEN; retries and timeouts are on by default
)

NodeRuntime.runMain(program)
