/**
 * The sandbox of `@agentalk/core` as an HTTP server, for end-to-end tests and for programs in other languages.
 *
 * @since 0.1.0
 */
import * as Sandbox from "@agentalk/core/Sandbox"
import { loadSandboxServer } from "@agentalk/core/unstable"
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
 * The address of a running sandbox server.
 *
 * @category services
 * @since 0.1.0
 */
export class Address extends Context.Service<
  Address,
  {
    /** The base URL for clients, such as `http://127.0.0.1:49152`. */
    readonly url: string
  }
>()("@agentalk/node/SandboxServer/Address") {}

/**
 * The options of a sandbox server.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options extends Sandbox.Options {
  /** The TCP port to listen on. Default: 0, which selects a free port. */
  readonly port?: number | undefined
  /** The host name or IP address to listen on. Default: `127.0.0.1`, so other machines cannot connect. */
  readonly host?: string | undefined
}

/** The connection of the current request, which a scripted fault can reset. */
const connection = Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
  const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
  return {
    reset: Effect.callback<never>(() => {
      // The socket is destroyed two turns of the event loop later, so that Node first sends the written part of the
      // response.
      setImmediate(() => setImmediate(() => socket.destroy()))
    })
  }
})

/**
 * Provides a sandbox server's `Address` and its `Sandbox.State`. The server stops with the layer's scope.
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
    // `Layer.provide` hides the router of this server. With `Layer.merge`, it would replace the router of the program.
    Layer.provide(
      Layer.unwrap(
        Effect.map(loadSandboxServer, ({ layerRoutes, routerConfig }) =>
          HttpRouter.serve(layerRoutes(options, connection), {
            routerConfig,
            disableLogger: true,
            disableListenLog: true
          })
        )
      )
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
 * Provides a sandbox server like `layerOptions`, with the default options: it listens on a free port of the loopback
 * address.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Address | Sandbox.State, ServeError> = layerOptions({})
