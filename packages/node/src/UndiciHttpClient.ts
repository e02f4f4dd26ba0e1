/**
 * An `HttpClient` directly on undici's dispatcher: one object a request, which receives the whole response, holds the
 * only timer, counts the bytes and resumes the fiber. It enforces the limits of an attempt (`Transport.CurrentAttempt`)
 * by itself, so that a call needs no race of fibers.
 *
 * Everywhere else it is an ordinary `HttpClient`, for requests and responses that fit into memory.
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
import { findUnsendable } from "./internal/headerValidation.ts"
import { abandoned, failed, type Outcome, ResponseHandler, timerMillis } from "./internal/responseHandler.ts"
import { loadUndici } from "./internal/undici.ts"

/**
 * How large a response may be.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface SizeLimit {
  /**
   * The most bytes of a response body, before and after decompression. Default: 10 MiB.
   *
   * `Transport.CurrentAttempt` and Effect's `HttpIncomingMessage.MaxBodySize`, in this order, take precedence.
   */
  readonly maxBodyBytes?: number | undefined
}

/**
 * The pool of connections.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options extends SizeLimit {
  /**
   * The most connections to one origin, at least 1. Default: 64.
   *
   * Further requests wait, and their waiting counts against their time limit. undici itself sets no limit, and a burst
   * of ten thousand calls would then open as many sockets; 64 in parallel are 640 calls a second at 100 ms each.
   */
  readonly connections?: number | undefined
  /**
   * The most requests under way on one connection (RFC 9112, section 9.3.2). Default: 1.
   *
   * With more, one broken response can take others with it. With 0 every request has a connection of its own.
   */
  readonly pipelining?: number | undefined
  /**
   * How long a connection without a request stays open, unless the server's `Keep-Alive` header says otherwise.
   * Default: 4 seconds.
   *
   * It stays below the 5 seconds after which a Node server closes its end: a request written just then breaks, and
   * nobody knows what became of it.
   */
  readonly keepAliveTimeout?: Duration.Input | undefined
  /**
   * How long connecting may take, TLS included. Default: 10 seconds.
   *
   * A shorter time limit of the attempt comes first. undici looks at this one about twice a second.
   */
  readonly connectTimeout?: Duration.Input | undefined
}

const defaultMaxBodyBytes = 10 * 1024 * 1024

/**
 * Creates a client on a dispatcher that the caller owns: a pool with options of its own, a proxy, a `MockAgent`.
 *
 * **Details**
 *
 * The dispatcher is not closed. Its `headersTimeout` and `bodyTimeout` are switched off for these requests, so that the
 * attempt's time limit is the one that acts. What is queued or retried inside a dispatcher counts against that limit.
 *
 * **Gotchas**
 *
 * Outside of a call of the SDK there is no time limit: use `Effect.timeout`. There is no client span and no trace header
 * either. Redirects are not followed, unless the dispatcher does so.
 *
 * The whole response is buffered, also for `stream`, and fails to be read beyond the size limit. Request bodies that are
 * streams or forms are refused with an `EncodeError`. Use the clients of `@effect/platform-node` for these.
 *
 * No `accept-encoding` is sent, so responses come uncompressed. One that is compressed all the same is decompressed where
 * its `content-encoding` is one of `gzip`, `deflate`, `br` and `zstd`, and else left as it is.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (dispatcher: Dispatcher, options?: SizeLimit): HttpClient.HttpClient =>
  makeClient(dispatcher, options, false)

const integerOption = (name: string, value: number, least: number): number => {
  if (!Number.isInteger(value) || value < least) throw new RangeError(`${name} must be an integer, at least ${least}`)
  return value
}

const makeAgent = (options: Options): Effect.Effect<Dispatcher, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.map(loadUndici(), ({ Agent, buildConnector }) => {
        const connect = buildConnector({
          // ALPN would decide otherwise, and HTTP/2 differs in what queues where and in what breaks with what.
          allowH2: false,
          timeout: timerMillis(Duration.toMillis(options.connectTimeout ?? "10 seconds"))
        })
        const connecting = new Set<Socket>()
        const agent = new Agent({
          allowH2: false,
          connections: integerOption("connections", options.connections ?? 64, 1),
          pipelining: integerOption("pipelining", options.pipelining ?? 1, 0),
          keepAliveTimeout: timerMillis(Duration.toMillis(options.keepAliveTimeout ?? "4 seconds")),
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
            // undici leaves these open until their timeout, and the process with them.
            for (const socket of connecting) socket.destroy(new Error(abandoned))
            return destroyed
          }
        }
      }),
      (pool) => Effect.promise(pool.close)
    ),
    (pool) => pool.agent
  )

/**
 * Provides a client with a pool of its own, which is closed with the layer's scope.
 *
 * **Details**
 *
 * Closing destroys the pool: requests still under way fail, and no socket keeps the process alive. undici is loaded when
 * the layer is built, not before.
 *
 * The connections speak HTTP/1.1. Options out of their range are a defect when the layer is built.
 *
 * **Example** (A smaller pool)
 *
 * ```ts
 * import { UndiciHttpClient } from "@agentalk/node"
 *
 * const HttpClientLive = UndiciHttpClient.layerOptions({ connections: 8, connectTimeout: "2 seconds" })
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
 * Provides a client with a pool of its own and the default options.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = layerOptions({})

/**
 * Provides a client on a dispatcher that the caller owns, as `make` does.
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
  isOwnPool: boolean
): HttpClient.HttpClient => {
  const maxBodyBytes = options?.maxBodyBytes ?? defaultMaxBodyBytes
  const parse = makeParse()
  return markAttemptAware(
    HttpClient.makeWith(
      (prepared: Effect.Effect<HttpClientRequest>) =>
        Effect.flatMap(prepared, (request) =>
          Effect.withFiber((fiber) => send(dispatcher, isOwnPool, maxBodyBytes, parse, request, fiber))
        ),
      Effect.succeed
    )
  )
}

type Parse = (request: HttpClientRequest) => ReturnType<typeof Url.make>

/** Makes URLs of requests, and keeps the last: most calls go where the one before went. */
const makeParse = (): Parse => {
  let last: { readonly text: string; readonly made: ReturnType<typeof Url.make> } | undefined
  return ({ url, urlParams }) => {
    if (urlParams.params.length > 0) return Url.make(url, urlParams, undefined)
    if (last?.text !== url) last = { text: url, made: Url.make(url, urlParams, undefined) }
    return last.made
  }
}

const send = (
  dispatcher: Dispatcher,
  isOwnPool: boolean,
  maxBodyBytes: number,
  parse: Parse,
  request: HttpClientRequest,
  fiber: Fiber.Fiber<unknown, unknown>
): Outcome => {
  const made = parse(request)
  // The cause of such a failure holds the URL.
  if (Result.isFailure(made)) return invalidUrl(request, "the URL cannot be parsed")
  const url = made.success
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return invalidUrl(request, "the URL is neither https nor http")
  }
  const body = toBody(request)
  if (body === undefined) return cannotEncode(request, "the transport sends bodies that are in memory only")
  const unsendable = findUnsendable(request)
  if (unsendable !== undefined) return cannotEncode(request, unsendable)

  const attempt = fiber.getRef(CurrentAttempt)
  const limit = attempt?.maxBodyBytes ?? Number(fiber.getRef(HttpIncomingMessage.MaxBodySize) ?? maxBodyBytes)
  const clock = fiber.getRef(Clock.Clock)
  const deadline = attempt !== undefined && usesDefaultClock(fiber) ? attempt.deadline : Infinity
  if (deadline !== Infinity && !(monotonicMillis(clock) < deadline)) {
    return failed(request, new TransportFault("timeout", { sent: false }))
  }
  return Effect.callback((resume) => {
    const handler = new ResponseHandler(request, url, limit, deadline, clock, isOwnPool, resume)
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
    return Effect.sync(() => handler.abandon())
  })
}

/** The body for undici, `null` where there is none, `undefined` where it is none that can be sent. */
const toBody = ({ body }: HttpClientRequest): Uint8Array | string | null | undefined => {
  switch (body._tag) {
    case "Empty":
      return null
    case "Uint8Array":
      // The text, where there is one, is also what a `MockAgent` compares.
      return body.text ?? body.body
    case "Raw":
      return typeof body.body === "string" || body.body instanceof Uint8Array ? body.body : undefined
    default:
      return undefined
  }
}

const invalidUrl = (request: HttpClientRequest, description: string): Outcome =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.InvalidUrlError({ request, description }) })
  )

const cannotEncode = (request: HttpClientRequest, description: string): Outcome =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.EncodeError({ request, description }) })
  )
