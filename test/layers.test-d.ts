/** Checks what every exported layer provides, fails with and requires. A new layer fails the test until it is added. */
import type * as Cli from "@agentalk/cli"
import type * as Core from "@agentalk/core"
import type * as Importer from "@agentalk/import"
import type * as Node from "@agentalk/node"
import type { Config, Layer } from "effect"
import type { HttpClient, HttpRouter, HttpServerError } from "effect/http"
import type { Redis } from "effect/persistence"
import type { Scope } from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"

type LayerNames<M> = keyof M & `layer${string}`

/** The names of the layers of all modules together. */
type AnyLayerName<Modules> = { readonly [N in keyof Modules]: LayerNames<Modules[N]> }[keyof Modules]

/** The layers of each module that exports layers. For functions, this is the layer that they return. */
type Layers<Modules> = {
  readonly [N in keyof Modules as LayerNames<Modules[N]> extends never ? never : N]: {
    readonly [K in LayerNames<Modules[N]>]: Modules[N][K] extends (...args: never) => infer L ? L : Modules[N][K]
  }
}

type Live<Requirements> = Layer.Layer<Core.Contacts, Config.ConfigError, Requirements>
type Policy<Requirements = never> = Layer.Layer<never, never, Requirements>
type Double = Layer.Layer<Core.Contacts | Core.Sandbox.State>
type SandboxClient = Layer.Layer<HttpClient.HttpClient | Core.Sandbox.State>
// The type is inferred, because it includes the requirements of every Effect route.
type Routes = ReturnType<typeof Core.Sandbox.layerRoutes>
type Listening = Layer.Layer<Node.SandboxServer.Address | Core.Sandbox.State, HttpServerError.ServeError>

describe("the types of the exported layers", () => {
  it("are as expected in @agentalk/core", () => {
    expectTypeOf<Layers<typeof Core>>().toEqualTypeOf<{
      readonly AgentalkClient: {
        readonly layer: Live<HttpClient.HttpClient>
        readonly layerConfig: Live<HttpClient.HttpClient>
      }
      readonly CircuitBreaker: { readonly layer: Policy; readonly layerRedis: Policy<Redis.Redis> }
      readonly RateLimit: { readonly layer: Policy; readonly layerRedis: Policy<Redis.Redis> }
      readonly Retry: { readonly layer: Policy }
      readonly Sandbox: {
        readonly layer: Double
        readonly layerOptions: Double
        readonly layerHttpClient: SandboxClient
        readonly layerHttpClientOptions: SandboxClient
        readonly layerRoutes: Routes
      }
      readonly Telemetry: { readonly layer: Policy }
      readonly TimeLimit: { readonly layer: Policy }
    }>()
  })

  it("are as expected in @agentalk/node", () => {
    expectTypeOf<AnyLayerName<typeof Node>>().toEqualTypeOf<
      "layer" | "layerOptions" | "layerConfig" | "layerDispatcher"
    >()
    expectTypeOf<Layers<typeof Node>>().toEqualTypeOf<{
      readonly AgentalkNode: {
        readonly layer: Live<never>
        readonly layerOptions: Live<never>
        readonly layerConfig: Live<never>
      }
      readonly SandboxServer: { readonly layer: Listening; readonly layerOptions: Listening }
      readonly UndiciHttpClient: {
        readonly layer: Layer.Layer<HttpClient.HttpClient>
        readonly layerOptions: Layer.Layer<HttpClient.HttpClient>
        readonly layerDispatcher: Layer.Layer<HttpClient.HttpClient>
      }
    }>()
  })

  it("are as expected in @agentalk/import and @agentalk/cli, which have none", () => {
    expectTypeOf<AnyLayerName<typeof Importer>>().toBeNever()
    expectTypeOf<AnyLayerName<typeof Cli>>().toBeNever()
  })
})

describe("Sandbox.layerRoutes", () => {
  it("requires a router, but no Contacts, HttpClient or Scope", () => {
    type Requirements = Layer.Services<Routes>
    expectTypeOf<Extract<Requirements, Core.Contacts | HttpClient.HttpClient | Scope>>().toBeNever()
    expectTypeOf<HttpRouter.HttpRouter>().toExtend<Requirements>()
    expectTypeOf<Core.Sandbox.State>().toExtend<Layer.Success<Routes>>()
    expectTypeOf<Layer.Error<Routes>>().toBeNever()
  })
})
