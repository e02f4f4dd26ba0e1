/**
 * The sandbox of `@agentalk/core` on a real socket: for end-to-end tests, and for programs in other languages.
 *
 * @since 0.1.0
 */
import * as Faults from "@agentalk/core/Faults"
import * as Sandbox from "@agentalk/core/Sandbox"
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

/** Lets the script of the sandbox strike: on a socket, a broken connection is one. */
const layerFaults = HttpRouter.middleware(
  Effect.map(
    Sandbox.State,
    (state) => (operation) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
        const reset = Effect.callback<never>(() => {
          // Two turns later, what was written of the answer has left.
          setImmediate(() => setImmediate(() => socket.destroy()))
        })
        return Sandbox.withFaults(operation, { reset }).pipe(
          Effect.provideService(Sandbox.State, state),
          Effect.catchIf((error) => error instanceof Faults.Broken, Effect.die),
          // A router's middleware is not, and a fault that hangs would outlive its connection.
          Effect.interruptible
        )
      })
  ),
  { global: true }
)

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
      HttpRouter.serve(Layer.provideMerge(layerFaults, Sandbox.layerRoutes(options)), {
        routerConfig: Sandbox.routerConfig,
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
