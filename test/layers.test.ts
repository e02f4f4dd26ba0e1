import { Contacts, Sandbox } from "@agentalk/core"
import { AgentalkNode, SandboxServer } from "@agentalk/node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpClient } from "effect/http"

describe("Sandbox.layer", () => {
  const upsert = Effect.flatMap(Contacts, (contacts) => contacts.upsert({ phone: "+12025550143" }))

  // A layer can provide more services than its type declares, which would silently replace the program's own services.
  it.effect("does not replace the HttpClient of a program", () => {
    const own = HttpClient.make(() => Effect.die("this client must not be called"))
    return Effect.gen(function* () {
      yield* upsert
      assert.lengthOf(yield* (yield* Sandbox.State).contacts(), 1)
      assert.strictEqual(yield* HttpClient.HttpClient, own)
    }).pipe(Effect.provide(Sandbox.layer), Effect.provideService(HttpClient.HttpClient, own))
  })

  // Layers that are built together share their common layers, so a shared state would show here.
  it.effect("has its own state beside a sandbox server", () =>
    Effect.gen(function* () {
      const { url } = yield* SandboxServer.Address
      const server = AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl: url })
      assert.isTrue((yield* upsert).isNew)
      assert.isTrue((yield* Effect.provide(upsert, server)).isNew)
      assert.isFalse((yield* Effect.provide(upsert, server)).isNew)
    }).pipe(Effect.provide(Layer.merge(Sandbox.layer, SandboxServer.layer)))
  )
})

describe("sandbox layers", () => {
  const { HttpClient: Http } = HttpClient
  it.effect.each<readonly [name: string, layer: Layer.Layer<never, unknown>, services: ReadonlyArray<{ key: string }>]>(
    [
      ["Sandbox.layer", Sandbox.layer, [Contacts, Sandbox.State]],
      ["Sandbox.layerHttpClient", Sandbox.layerHttpClient, [Http, Sandbox.State]],
      ["SandboxServer.layer", SandboxServer.layer, [SandboxServer.Address, Sandbox.State]]
    ]
  )("provide exactly the services of their types: %s", ([, layer, services]) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(layer)
      assert.sameMembers(
        [...context.mapUnsafe.keys()],
        // Every built context also contains the memo map.
        [...services, Layer.CurrentMemoMap].map(({ key }) => key)
      )
    })
  )
})
