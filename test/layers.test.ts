import { Contacts, Sandbox } from "@agentalk/core"
import { AgentalkNode, SandboxServer } from "@agentalk/node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpClient } from "effect/http"

describe("Sandbox.layer", () => {
  const upsert = Effect.flatMap(Contacts, (contacts) => contacts.upsert({ phone: "+12025550143" }))

  // A layer can give more than its type says, and that takes the place of what a program has, without a word.
  it.effect("leaves the HttpClient of a program alone", () => {
    const own = HttpClient.make(() => Effect.die("not to be called"))
    return Effect.gen(function* () {
      yield* upsert
      assert.lengthOf(yield* (yield* Sandbox.State).contacts(), 1)
      assert.strictEqual(yield* HttpClient.HttpClient, own)
    }).pipe(Effect.provide(Sandbox.layer), Effect.provideService(HttpClient.HttpClient, own))
  })

  // Layers that are built together share the layers that they have in common.
  it.effect("is a sandbox of its own beside a server", () =>
    Effect.gen(function* () {
      const { url } = yield* SandboxServer.Address
      const server = AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl: url })
      assert.isTrue((yield* upsert).isNew)
      assert.isTrue((yield* Effect.provide(upsert, server)).isNew)
      assert.isFalse((yield* Effect.provide(upsert, server)).isNew)
    }).pipe(Effect.provide(Layer.merge(Sandbox.layer, SandboxServer.layer)))
  )
})

describe("the layers of the sandbox", () => {
  const { HttpClient: Http } = HttpClient
  it.effect.each<readonly [name: string, layer: Layer.Layer<never, unknown>, gives: ReadonlyArray<{ key: string }>]>([
    ["Sandbox.layer", Sandbox.layer, [Contacts, Sandbox.State]],
    ["Sandbox.layerHttpClient", Sandbox.layerHttpClient, [Http, Sandbox.State]],
    ["SandboxServer.layer", SandboxServer.layer, [SandboxServer.Address, Sandbox.State]]
  ])("give what their types say: %s", ([, layer, gives]) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(layer)
      assert.sameMembers(
        [...context.mapUnsafe.keys()],
        // Every layer gives the map that it was built with.
        [...gives, Layer.CurrentMemoMap].map(({ key }) => key)
      )
    })
  )
})
