/** Responds to the requests of a sandbox, in memory and on a server. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { type Connection, ConnectionReset } from "./fault.ts"
import * as Handlers from "./handlers.ts"
import type { Options } from "./options.ts"
import * as State from "./state.ts"

/**
 * The configuration of a sandbox's router. The length of a path parameter is limited only by the size of a request,
 * because a tag or a field key may be long.
 *
 * @category configuration
 * @since 0.1.0
 */
export const routerConfig = { maxParamLength: 65_536 }

/** Records a request, then applies the fault that the script chooses, or the operation if it chooses no fault. */
export const respond = <E, R>(
  operation: Effect.Effect<HttpServerResponse, E, R>,
  connection: Connection
): Effect.Effect<HttpServerResponse, E | ConnectionReset, R | State.Backend | HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function* () {
    const { requestLog } = yield* State.Backend
    const request = yield* HttpServerRequest.HttpServerRequest
    const body = yield* Effect.orElseSucceed(request.text, () => "")
    const { fault, setStatus } = requestLog.record(request, body)
    const response = yield* fault === undefined ? operation : fault.respond(operation, connection)
    setStatus(response.status)
    return response
  })

const layerFaults = (connection: Effect.Effect<Connection, never, HttpServerRequest.HttpServerRequest>) =>
  HttpRouter.middleware(
    Effect.map(
      State.Backend,
      (backend) => (operation) =>
        Effect.flatMap(connection, (connection) => respond(operation, connection)).pipe(
          Effect.provideService(State.Backend, backend),
          Effect.catchIf((error) => error instanceof ConnectionReset, Effect.die),
          // By default, the middleware of a router is uninterruptible. Then a fault that hangs would continue after its
          // connection is closed.
          Effect.interruptible
        )
    ),
    { global: true }
  )

/**
 * The routes of a sandbox for an HTTP server, and its `State`. The server records every request and applies the faults
 * of the script; `connection` resets the connection of the current request.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRoutes = (
  options: Options,
  connection: Effect.Effect<Connection, never, HttpServerRequest.HttpServerRequest>
) =>
  Layer.mergeAll(Handlers.layer(options), layerFaults(connection), Layer.effect(State.State, State.State)).pipe(
    Layer.provide(State.layer)
  )
