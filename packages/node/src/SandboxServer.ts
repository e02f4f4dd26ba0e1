/**
 * The sandbox of `@agentalk/core` on a real socket: for end-to-end tests, and for programs in other languages.
 *
 * @since 0.1.0
 */
import * as Sandbox from "@agentalk/core/Sandbox"
import { layerSandboxRoutes, sandboxRouterConfig } from "@agentalk/core/unstable"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"

/**
 * Where a running sandbox is to be found.
 *
 * @category services
 * @since 0.1.0
 */
export class Address extends Context.Service<
  Address,
  {
    /** Where it listens, such as `http://127.0.0.1:49152`: a base URL for a client. */
    readonly url: string
  }
>()("@agentalk/node/SandboxServer/Address") {}

/**
 * The options of a sandbox on a socket.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options extends Sandbox.Options {
  /** The port to listen on. Default: 0, any that is free. */
  readonly port?: number | undefined
  /** The address to listen on. Default: `127.0.0.1`, so that no other machine can reach it. */
  readonly host?: string | undefined
}

/** The connection of the current request. */
const connection = Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
  const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
  return {
    reset: Effect.callback<never>(() => {
      // After two turns of the event loop, the written part of the response has been sent.
      setImmediate(() => setImmediate(() => socket.destroy()))
    })
  }
})

/**
 * A sandbox on a socket, and its state. It stops with the layer's scope.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOptions = (options: Options): Layer.Layer<Address | Sandbox.State, ServeError> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      const url = HttpServer.formatAddress(address).replace(/\/$/, "")
      return Context.make(Address, Address.of({ url })).pipe(Context.add(Sandbox.State, yield* Sandbox.State))
    })
  ).pipe(
    // Not merged: its router would take the place of the one that a program has.
    Layer.provide(
      HttpRouter.serve(layerSandboxRoutes(options, connection), {
        routerConfig: sandboxRouterConfig,
        disableLogger: true,
        disableListenLog: true
      })
    ),
    Layer.provide(
      NodeHttpServer.layer(() => createServer(), {
        port: options.port ?? 0,
        host: options.host ?? "127.0.0.1",
        gracefulShutdownTimeout: 0
      })
    )
  )

/**
 * A sandbox on any free port of the loopback address, and its state. It stops with the layer's scope.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Address | Sandbox.State, ServeError> = layerOptions({})
