/**
 * A local replacement of the API that keeps its contacts in memory, for tests and for experiments.
 *
 * The sandbox receives HTTP requests and sends HTTP responses by the contract `AgentalkApi`. A test therefore covers
 * paths, headers, bodies and statuses as they are on the wire. `SandboxServer` of `@agentalk/node` serves it on a
 * socket.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, TransportError } from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as AgentalkClient from "./AgentalkClient.ts"
import type { Contacts } from "./Contacts.ts"
import { type Connection, ConnectionReset } from "./internal/sandbox/fault.ts"
import * as Handlers from "./internal/sandbox/handlers.ts"
import { type Options, token } from "./internal/sandbox/options.ts"
import { respond, routerConfig } from "./internal/sandbox/server.ts"
import { Backend, layer as layerState, State } from "./internal/sandbox/state.ts"
import { TransportFault } from "./internal/wire/transport.ts"

export { organization, type Options, token } from "./internal/sandbox/options.ts"
export type { RecordedRequest } from "./internal/sandbox/requestLog.ts"
export { State } from "./internal/sandbox/state.ts"

/**
 * The routes of a sandbox and its `State`, for an HTTP server of your own.
 *
 * **Details**
 *
 * Effect's router refuses path parameters of more than 100 characters by default. To accept long tags and keys, serve
 * the routes with `HttpRouter.serve(Sandbox.layerRoutes(), { routerConfig: { maxParamLength: 65_536 } })`.
 *
 * **Gotchas**
 *
 * These routes do not record requests and do not apply a script: `requests` stays empty. `SandboxServer` of
 * `@agentalk/node` does both.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRoutes = (options: Options = {}) =>
  Layer.merge(Handlers.layer(options), Layer.effect(State, State)).pipe(Layer.provide(layerState))

/**
 * A sandbox as an `HttpClient`, without a socket. It responds to every request, whatever the host of the request is.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHttpClientOptions = (options: Options): Layer.Layer<HttpClient.HttpClient | State> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function* () {
      const handle = yield* HttpRouter.toHttpEffect(Handlers.layer(options))
      const backend = yield* Backend
      const operation = Effect.catchCause(handle, (cause) =>
        Effect.map(HttpServerError.causeResponse(cause), ([response]) => response)
      )
      const connection: Connection = { reset: Effect.fail(new ConnectionReset()) }
      const networkFault = new TransportFault("network", { sent: true, code: "ECONNRESET" })
      const send = (request: HttpClientRequest) =>
        respond(operation, connection).pipe(
          Effect.map((response) => HttpServerResponse.toClientResponse(response, { request })),
          Effect.mapError(() => new HttpClientError({ reason: new TransportError({ request, cause: networkFault }) })),
          Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromClientRequest(request)),
          Effect.provideService(Backend, backend),
          Effect.scoped
        )
      return HttpClient.makeWith(
        (request: Effect.Effect<HttpClientRequest, HttpClientError>) => Effect.flatMap(request, send),
        Effect.succeed
      )
    })
  ).pipe(
    Layer.provide(Layer.succeed(HttpRouter.RouterConfig, routerConfig)),
    Layer.provide(HttpServer.layerServices),
    Layer.merge(Layer.effect(State, State)),
    Layer.provide(layerState)
  )

/**
 * A sandbox with the default options as an `HttpClient`, without a socket.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient | State> = layerHttpClientOptions({})

/**
 * Provides `Contacts` on a sandbox in memory, and the sandbox's `State`. The client uses the first token of `tokens`.
 * Every build of the layer makes a new, empty sandbox.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOptions = (options: Options): Layer.Layer<Contacts | State> =>
  AgentalkClient.layer({ token: options.tokens?.[0] ?? token, baseUrl: "http://localhost" }).pipe(
    // The options of a sandbox are written in code, so an invalid token is a programmer's mistake.
    Layer.orDie,
    Layer.merge(Layer.effect(State, State)),
    // Not merged, because this `HttpClient` would replace the one of the program.
    Layer.provide(layerHttpClientOptions(options))
  )

/**
 * Provides `Contacts` on a sandbox in memory with the default options, and the sandbox's `State`. Every build of the
 * layer makes a new, empty sandbox.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Contacts | State> = layerOptions({})
