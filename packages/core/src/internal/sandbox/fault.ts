/** The types of faults, scripts and requests. The request log and `Faults` share them. */
import type * as Effect from "effect/Effect"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import type { Json } from "effect/Schema"
import type { Operation } from "../../Operations.ts"

/**
 * Whether a fault strikes before the operation is applied, or after it.
 *
 * @category models
 * @since 0.1.0
 */
export type Side = "before" | "after"

/**
 * A fault. It replaces, changes or delays the response of an operation, or prevents any response.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fault {
  /** A short name, such as `"status 503"`. It appears in the recorded requests. */
  readonly name: string
  /**
   * `"before"`: the operation is not applied, or is applied late. `"after"`: the operation is applied, and the fault
   * changes only its response.
   */
  readonly strikes: Side
  /** Makes the response. `operation` applies the operation and returns its real response. */
  readonly respond: <E, R>(
    operation: Effect.Effect<HttpServerResponse, E, R>,
    connection: Connection
  ) => Effect.Effect<HttpServerResponse, E | ConnectionReset, R>
}

/**
 * The connection of a request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connection {
  /** Closes the connection without a response. */
  readonly reset: Effect.Effect<never, ConnectionReset>
}

/**
 * A fault reset the connection.
 *
 * @category errors
 * @since 0.1.0
 */
export class ConnectionReset {
  readonly _tag = "ConnectionReset"
}

/**
 * A request that a sandbox received.
 *
 * @category models
 * @since 0.1.0
 */
export interface Request {
  /** The position among all requests, counted from 1. */
  readonly index: number
  /** The operation of the request; `undefined` if the contract does not have its method and path. */
  readonly operation: Operation | undefined
  readonly method: string
  /** The path and the query, as they were sent. */
  readonly path: string
  /** The path and query parameters, decoded, by their names in the contract. */
  readonly params: Readonly<Record<string, string>>
  /** The organization in `X-Organization-ID`, otherwise the organization of the token. */
  readonly organization: string
  /** The headers, with names in lower case. `authorization` is left out, because it contains the token. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body, parsed as JSON. A body that is not JSON is kept as text. */
  readonly body: Json | undefined
}

/**
 * Chooses the fault of a request. If it returns `undefined`, the request is handled without a fault.
 *
 * @category models
 * @since 0.1.0
 */
export type Script = (request: Request) => Fault | undefined
