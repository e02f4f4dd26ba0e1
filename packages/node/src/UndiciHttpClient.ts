/**
 * An `HttpClient` on undici's dispatcher. It creates its own connection pool, or uses a dispatcher that you own.
 *
 * In calls of the SDK, it enforces the timeout and the size limit of each attempt itself, so a call needs no race of
 * fibers. Each request has one handler, which receives the whole response, counts its bytes and holds the only timer.
 * You can also use it as an ordinary `HttpClient` if requests and responses fit into memory.
 *
 * @since 0.1.0
 */
import {
  CurrentAttempt,
  markAttemptAware,
  monotonicMillis,
  TransportFault,
  usesDefaultClock
} from "@agentalk/core/unstable"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as Url from "effect/http/Url"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { Socket } from "node:net"
import type { Dispatcher } from "undici"
import { validateRequest } from "./internal/headerValidation.ts"
import {
  cancelledMessage,
  failTransport,
  ResponseHandler,
  type SendResult,
  toTimerDelay
} from "./internal/responseHandler.ts"
import { loadUndici } from "./internal/undici.ts"

/**
 * The size limit of responses.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface SizeLimit {
  /**
   * The maximum size of a response body in bytes, before and after decompression. Default: 10 MiB (10,485,760 bytes).
   *
   * In calls of the SDK, the client's `maxBodySize` takes precedence. Elsewhere, Effect's
   * `HttpIncomingMessage.MaxBodySize` takes precedence if it is set.
   */
  readonly maxBodyBytes?: number | undefined
}

/**
 * The options of a connection pool.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options extends SizeLimit {
  /**
   * The maximum number of connections to one origin, at least 1. Default: 64.
   *
   * Further requests wait in a queue, and this wait counts against their timeout. undici itself sets no limit, so a
   * burst of 10,000 calls would open 10,000 sockets. If the API responds within 100 milliseconds, 64 connections are
   * enough for 640 calls a second.
   */
  readonly connections?: number | undefined
  /**
   * The maximum number of requests in flight on one connection (RFC 9112, section 9.3.2), at least 0. Default: 1.
   *
   * If it is more than 1, a broken response can also break the requests behind it. If it is 0, every request opens a
   * new connection.
   */
  readonly pipelining?: number | undefined
  /**
   * How long an idle connection stays open, unless the server's `Keep-Alive` header sets another time.
   * Default: 4 seconds.
   *
   * By default, a Node server closes idle connections after 5 seconds. If it does so while a request is being sent, the
   * outcome of that request is unknown. The default is shorter to avoid this.
   */
  readonly keepAliveTimeout?: Duration.Input | undefined
  /**
   * The timeout for opening a connection, including the TLS handshake. Default: 10 seconds.
   *
   * If the timeout of the attempt is shorter, it ends the request first. undici checks the connect timeout about twice
   * a second.
   */
  readonly connectTimeout?: Duration.Input | undefined
}

const defaultMaxBodyBytes = 10 * 1024 * 1024

/**
 * Creates a client on a dispatcher that you own, such as an `Agent` with other options, a `ProxyAgent` or a
 * `MockAgent`.
 *
 * **Details**
 *
 * The client does not close the dispatcher. It disables the dispatcher's `headersTimeout` and `bodyTimeout` for its
 * requests, so only the timeout of the attempt applies. Time in the dispatcher's queue or in its retries counts against
 * that timeout.
 *
 * **Gotchas**
 *
 * Outside of calls of the SDK, requests have no timeout, no client span and no trace headers. Use `Effect.timeout`
 * there. Redirects are not followed, unless the dispatcher follows them.
 *
 * The whole response is buffered, even if you read its `stream`. If the body exceeds the size limit, reading it fails.
 * Request bodies that are streams or forms fail with an `EncodeError`. Use a client of `@effect/platform-node` for
 * them.
 *
 * The client does not add an `accept-encoding` header, so servers normally do not compress their responses. If a
 * response is compressed with `gzip`, `deflate`, `br` or `zstd`, it is decompressed. With another `content-encoding`,
 * the body stays unchanged.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (dispatcher: Dispatcher, options?: SizeLimit): HttpClient.HttpClient =>
  makeClient(dispatcher, options, false)

const integerOption = (name: string, value: number, minimum: number): number => {
  if (!Number.isInteger(value) || value < minimum) {
    throw new RangeError(`The pool option "${name}" must be an integer of at least ${minimum}`)
  }
  return value
}

const makeAgent = (options: Options): Effect.Effect<Dispatcher, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.map(loadUndici(), ({ Agent, buildConnector }) => {
        const connect = buildConnector({
          // Otherwise ALPN could select HTTP/2. Then all requests would share one connection and fail with it.
          allowH2: false,
          timeout: toTimerDelay(Duration.toMillis(options.connectTimeout ?? "10 seconds"))
        })
        const connecting = new Set<Socket>()
        const agent = new Agent({
          allowH2: false,
          connections: integerOption("connections", options.connections ?? 64, 1),
          pipelining: integerOption("pipelining", options.pipelining ?? 1, 0),
          keepAliveTimeout: toTimerDelay(Duration.toMillis(options.keepAliveTimeout ?? "4 seconds")),
          connect(target, callback) {
            const socket: unknown = connect(target, (...result) => {
              if (socket instanceof Socket) connecting.delete(socket)
              callback(...result)
            })
            if (socket instanceof Socket) connecting.add(socket)
          }
        })
        return {
          agent,
          close: () => {
            const destroyed = agent.destroy()
            // `destroy` does not close sockets that are still connecting. They would keep the process alive until the
            // connect timeout.
            for (const socket of connecting) socket.destroy(new Error(cancelledMessage))
            return destroyed
          }
        }
      }),
      (pool) => Effect.promise(pool.close)
    ),
    (pool) => pool.agent
  )

/**
 * Provides a client with its own connection pool. The pool closes with the layer's scope.
 *
 * **Details**
 *
 * When the pool closes, requests in flight fail, and no socket keeps the process alive. undici is loaded when the
 * layer is built. The connections use HTTP/1.1.
 *
 * **Gotchas**
 *
 * If `connections` or `pipelining` is invalid, building the layer dies with a `RangeError` that names the option. Text
 * that is not a duration is also a defect. `maxBodyBytes` is not checked.
 *
 * **Example** (A smaller pool)
 *
 * ```ts
 * import { UndiciHttpClient } from "@agentalk/node"
 *
 * const layerHttpClient = UndiciHttpClient.layerOptions({ connections: 8, connectTimeout: "2 seconds" })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOptions = (options: Options): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(makeAgent(options), (agent) => makeClient(agent, options, true))
  )

/**
 * Provides a client with its own connection pool and the default options.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = layerOptions({})

/**
 * Provides a client on a dispatcher that you own, like `make`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDispatcher = (dispatcher: Dispatcher, options?: SizeLimit): Layer.Layer<HttpClient.HttpClient> =>
  Layer.sync(HttpClient.HttpClient, () => make(dispatcher, options))

// --- the request ---------------------------------------------------------------------------------------------------

const makeClient = (
  dispatcher: Dispatcher,
  options: SizeLimit | undefined,
  ownsPool: boolean
): HttpClient.HttpClient => {
  const maxBodyBytes = options?.maxBodyBytes ?? defaultMaxBodyBytes
  const parseUrl = makeUrlParser()
  return markAttemptAware(
    HttpClient.makeWith(
      (prepared: Effect.Effect<HttpClientRequest>) =>
        Effect.flatMap(prepared, (request) =>
          Effect.withFiber((fiber) => send(dispatcher, ownsPool, maxBodyBytes, parseUrl, request, fiber))
        ),
      Effect.succeed
    )
  )
}

type ParseUrl = (request: HttpClientRequest) => ReturnType<typeof Url.make>

/** Makes a parser that caches the last URL, because consecutive requests often have the same URL. */
const makeUrlParser = (): ParseUrl => {
  let last: { readonly text: string; readonly result: ReturnType<typeof Url.make> } | undefined
  return ({ url, urlParams }) => {
    if (urlParams.params.length > 0) return Url.make(url, urlParams, undefined)
    if (last?.text !== url) last = { text: url, result: Url.make(url, urlParams, undefined) }
    return last.result
  }
}

const send = (
  dispatcher: Dispatcher,
  ownsPool: boolean,
  maxBodyBytes: number,
  parseUrl: ParseUrl,
  request: HttpClientRequest,
  fiber: Fiber.Fiber<unknown, unknown>
): SendResult => {
  const parsed = parseUrl(request)
  // The error must not contain the failure of the parser, because it quotes the URL.
  if (Result.isFailure(parsed)) return failInvalidUrl(request, "the URL cannot be parsed")
  const url = parsed.success
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return failInvalidUrl(request, "the scheme of the URL must be https or http")
  }
  const body = toDispatchBody(request)
  if (body === undefined) {
    return failEncode(request, "the body must be text or bytes in memory, because this client does not send streams")
  }
  const invalidReason = validateRequest(request)
  if (invalidReason !== undefined) return failEncode(request, invalidReason)

  const attempt = fiber.getRef(CurrentAttempt)
  const sizeLimit = attempt?.maxBodyBytes ?? Number(fiber.getRef(HttpIncomingMessage.MaxBodySize) ?? maxBodyBytes)
  const clock = fiber.getRef(Clock.Clock)
  const deadline = attempt !== undefined && usesDefaultClock(fiber) ? attempt.deadline : Infinity
  if (deadline !== Infinity && !(monotonicMillis(clock) < deadline)) {
    return failTransport(request, new TransportFault("timeout", { sent: false }))
  }
  return Effect.callback((resume) => {
    const handler = new ResponseHandler(request, url, sizeLimit, deadline, clock, ownsPool, resume)
    attempt?.onDispatch(handler)
    try {
      dispatcher.dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: request.method,
          headers: request.headers,
          body,
          headersTimeout: 0,
          bodyTimeout: 0
        },
        handler
      )
    } catch (error) {
      handler.onResponseError(undefined, error)
    }
    return Effect.sync(() => handler.interrupt())
  })
}

/** The body for undici. `null` if the request has no body, `undefined` if its body cannot be sent. */
const toDispatchBody = ({ body }: HttpClientRequest): Uint8Array | string | null | undefined => {
  switch (body._tag) {
    case "Empty":
      return null
    case "Uint8Array":
      // The text is preferred, because a `MockAgent` compares bodies as text.
      return body.text ?? body.body
    case "Raw":
      return typeof body.body === "string" || body.body instanceof Uint8Array ? body.body : undefined
    default:
      return undefined
  }
}

const failInvalidUrl = (request: HttpClientRequest, description: string): SendResult =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.InvalidUrlError({ request, description }) })
  )

const failEncode = (request: HttpClientRequest, description: string): SendResult =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.EncodeError({ request, description }) })
  )
