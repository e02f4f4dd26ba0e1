import { Contacts, Sandbox } from "@agentalk/core"
import { AgentalkNode, SandboxServer } from "@agentalk/node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"

// The server listens on a free port of 127.0.0.1.
const layerContacts = Layer.unwrap(
  Effect.map(SandboxServer.Address, ({ url }) => AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl: url }))
).pipe(Layer.provideMerge(SandboxServer.layer))

const program = Effect.gen(function* () {
  const contacts = yield* Contacts
  yield* contacts.upsert({ phone: "+15551234567", firstName: "Jane", tags: ["vip"] })
  const found = yield* contacts.search({ name: "Jane" })
  yield* Console.log(`found: ${found.contacts.length}`)

  // The requests that the server received, for assertions in tests.
  const { requests } = yield* Sandbox.State
  for (const { method, path, status } of yield* requests) yield* Console.log(`${method} ${path} ${status}`)
})

NodeRuntime.runMain(Effect.provide(program, layerContacts))
