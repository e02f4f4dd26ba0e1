/**
 * An `HttpClient` directly on undici's dispatcher: one object a request, which receives the whole response, holds the
 * only timer, counts the bytes and resumes the fiber. It enforces the limits of an attempt (`Transport.CurrentAttempt`)
 * by itself, so that a call needs no race of fibers.
 *
 * Everywhere else it is an ordinary `HttpClient`, for requests and responses that fit into memory.
 *
 * @since 0.1.0
 */
import * as Transport from "@agentalk/core/Transport"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as Url from "effect/http/Url"
import * as UrlParams from "effect/http/UrlParams"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as EffectSocket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import { constants as bufferConstants } from "node:buffer"
import { Socket } from "node:net"
import * as Zlib from "node:zlib"
import type { Dispatcher } from "undici"

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

/** A delay as timers take it: whole, and neither negative nor so long that it overflows and they fire at once. */
const timerMillis = (millis: number): number => Math.min(Math.max(Math.ceil(millis), 1), 2 ** 31 - 1)

const integerOption = (name: string, value: number, least: number): number => {
  if (!Number.isInteger(value) || value < least) throw new RangeError(`${name} must be an integer, at least ${least}`)
  return value
}

const makeAgent = (options: Options): Effect.Effect<Dispatcher, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.map(
        // Its index loads a hundred modules; what is needed of it is behind paths that it does not promise to keep.
        Effect.promise(() => import("undici")),
        ({ Agent, buildConnector }) => {
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
        }
      ),
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

// -----------------------------------------------------------------------------
// The request
// -----------------------------------------------------------------------------

const makeClient = (
  dispatcher: Dispatcher,
  options: SizeLimit | undefined,
  isOwnPool: boolean
): HttpClient.HttpClient => {
  const maxBodyBytes = options?.maxBodyBytes ?? defaultMaxBodyBytes
  return Transport.ownsAttempt(
    HttpClient.makeWith(
      (prepared: Effect.Effect<HttpClientRequest>) =>
        Effect.flatMap(prepared, (request) =>
          Effect.withFiber((fiber) => send(dispatcher, isOwnPool, maxBodyBytes, request, fiber))
        ),
      Effect.succeed
    )
  )
}

type Outcome = Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

const send = (
  dispatcher: Dispatcher,
  isOwnPool: boolean,
  maxBodyBytes: number,
  request: HttpClientRequest,
  fiber: Fiber.Fiber<unknown, unknown>
): Outcome => {
  const made = Url.make(request.url, request.urlParams, undefined)
  // The cause of such a failure holds the URL.
  if (Result.isFailure(made)) return invalidUrl(request, "the URL cannot be parsed")
  const url = made.success
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return invalidUrl(request, "the URL is neither https nor http")
  }
  const body = toBody(request)
  if (body === undefined) return cannotEncode(request, "the transport sends bodies that are in memory only")
  const objection = objectionTo(request)
  if (objection !== undefined) return cannotEncode(request, objection)

  const attempt = fiber.getRef(Transport.CurrentAttempt)
  const limit = attempt?.maxBodyBytes ?? Number(fiber.getRef(HttpIncomingMessage.MaxBodySize) ?? maxBodyBytes)
  const clock = fiber.getRef(Clock.Clock)
  const deadline = attempt !== undefined && Transport.usesDefaultClock(fiber) ? attempt.deadline : Infinity
  if (deadline !== Infinity && !(Transport.now(clock) < deadline)) {
    return failed(request, new Transport.Fault("timeout", { sent: false }))
  }
  return Effect.callback((resume) => {
    const exchange = new Exchange(request, url, limit, deadline, clock, isOwnPool, resume)
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
        exchange
      )
    } catch (error) {
      exchange.onResponseError(undefined, error)
    }
    return Effect.sync(() => exchange.abandon())
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

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const tokens = /^[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*(?:,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*)*$/
const digits = /^\d+$/
const unsendable = /[^\t\u0020-\u007e\u0080-\u00ff]/

/**
 * What undici would refuse, and why.
 *
 * It must not come to that: in undici 8.12 a pool counts a connection as busy for ever once a request was refused on
 * it, so that a token with a stray line break would stop the whole pool after as many calls as it has connections.
 */
const objectionTo = ({ headers, method }: HttpClientRequest): string | undefined => {
  if (!token.test(method) || method === "CONNECT") return "the method cannot be sent"
  for (const name of Object.keys(headers)) {
    if (!token.test(name)) return "the name of a header cannot be sent"
    const value = headers[name]
    if (value === undefined) continue
    switch (name) {
      case "content-length":
        if (!digits.test(value)) return "the header content-length is no number"
        break
      case "connection":
        if (!tokens.test(value)) return "the header connection is malformed"
        break
      case "expect":
      case "keep-alive":
      case "transfer-encoding":
      case "upgrade":
        return `the header ${name} is not supported`
      default:
        if (unsendable.test(value)) return `the header ${name} has characters that cannot be sent`
    }
  }
  return undefined
}

const abandoned = "Nobody waits for this request any more"

/**
 * One request and its response: undici's handler, the timer, and what resumes the fiber.
 *
 * When anything is sent (undici 8.12, `lib/dispatcher/client-h1.js`): `onRequestStart` is called when a connection is at
 * hand, right before the request is written to it and in the same turn; on a reused connection, after a turn in which its
 * end would have shown. All that comes before it has written nothing: a refusal by `dispatch`, waiting in a queue, the
 * lookup, connecting, TLS, a wrong `content-length`. From then on bytes may have left. Over HTTP/2 it is called before
 * the stream is opened.
 *
 * It may be called again: undici sends anew what was pipelined behind a request that broke (and never anything else), and
 * so does a dispatcher that retries by itself. The first call counts.
 */
class Exchange implements Dispatcher.DispatchHandler {
  private readonly request: HttpClientRequest
  private readonly url: URL
  private readonly limit: number
  private readonly deadline: number
  private readonly clock: Clock.Clock
  private readonly isOwnPool: boolean
  private readonly resume: (outcome: Outcome) => void
  private controller: Dispatcher.DispatchController | undefined = undefined
  private timer: NodeJS.Timeout | undefined = undefined
  private isSettled = false
  private status = 0
  private headers: Headers.Input = {}
  private body: Uint8Array = empty
  private size = 0

  constructor(
    request: HttpClientRequest,
    url: URL,
    limit: number,
    deadline: number,
    clock: Clock.Clock,
    isOwnPool: boolean,
    resume: (outcome: Outcome) => void
  ) {
    this.request = request
    this.url = url
    this.limit = limit
    this.deadline = deadline
    this.clock = clock
    this.isOwnPool = isOwnPool
    this.resume = resume
    if (deadline !== Infinity) this.arm()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (!this.isSettled) {
      this.controller = controller
      return
    }
    // Given up while it was queued. Aborting closes the connection, one for every such request; over HTTP/1.1 undici
    // takes an error as a refusal and leaves the connection alone. Other dispatchers would let it escape.
    const reason = new Error(abandoned)
    if (this.isOwnPool) throw reason
    controller.abort(reason)
  }

  onResponseStart(_: unknown, status: number, headers: Headers.Input): void {
    // 1xx informs; the response is still to come (RFC 9110, section 15.2).
    if (this.isSettled || status < 200) return
    this.status = status
    this.headers = headers
    if (isTooLong(headers, this.limit) && this.request.method !== "HEAD" && status !== 204 && status !== 304) {
      this.giveUp("size")
    }
  }

  onResponseData(_: unknown, chunk: Uint8Array): void {
    if (this.isSettled) return
    const size = this.size + chunk.length
    if (!(size <= this.limit)) return this.giveUp("size")
    if (this.size === 0) {
      this.body = chunk
    } else {
      if (size > this.body.length) {
        // One growing buffer instead of a list: a body of a million tiny chunks costs its bytes, not its chunks.
        const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(size, 2 * this.body.length), this.limit))
        grown.set(this.body)
        this.body = grown
      }
      this.body.set(chunk, this.size)
    }
    this.size = size
  }

  onResponseEnd(): void {
    if (!this.isSettled) this.settle(undefined)
  }

  // An error thrown here would be an unhandled event of undici's client.
  onResponseError(_: unknown, error: unknown): void {
    if (!this.isSettled) this.settle(new Transport.Fault("network", { sent: this.isSent, code: codeOf(error) }))
  }

  /** For the finalizer: nobody is to be resumed. */
  abandon(): void {
    if (this.isSettled) return
    this.isSettled = true
    clearTimeout(this.timer)
    this.controller?.abort(new Error(abandoned))
  }

  private get isSent(): boolean {
    return this.controller !== undefined
  }

  private arm(): void {
    // @effect-diagnostics-next-line globalTimers:off -- a fiber that sleeps would have to be raced, and interrupted
    this.timer = setTimeout(expire, timerMillis(this.deadline - Transport.now(this.clock)), this)
  }

  expire(): void {
    // Timers have a longest delay, and may be early by a fraction of a millisecond.
    if (Transport.now(this.clock) < this.deadline) this.arm()
    else this.giveUp("timeout")
  }

  private giveUp(kind: "size" | "timeout"): void {
    // First, for undici reports the abort as an error.
    this.settle(new Transport.Fault(kind, { sent: this.isSent }))
    this.controller?.abort(new Error(abandoned))
  }

  private settle(fault: Transport.Fault | undefined): void {
    this.isSettled = true
    clearTimeout(this.timer)
    const outcome =
      this.status === 0
        ? failed(this.request, fault ?? new Transport.Fault("network", { sent: this.isSent }))
        : Effect.succeed(
            new BufferedResponse(
              this.request,
              this.url,
              this.status,
              this.headers,
              fault ?? this.body.subarray(0, this.size),
              this.limit
            )
          )
    // Resuming runs the fiber, and so the caller's code: not inside of undici's parser, which is not reentrant.
    queueMicrotask(() => this.resume(outcome))
  }
}

const expire = (exchange: Exchange): void => exchange.expire()

const empty = new Uint8Array(0)

const isTooLong = (headers: Headers.Input, limit: number): boolean =>
  "content-length" in headers && Number(headers["content-length"]) > limit

const codePattern = /^[A-Z][A-Z0-9_]*$/

/** The first code of an error, of those that it gathers, or of its causes. */
const codeOf = (error: unknown, depth = 0): string | undefined => {
  if (depth > 8) return undefined
  if (Predicate.hasProperty(error, "code") && typeof error.code === "string" && codePattern.test(error.code)) {
    return error.code
  }
  if (Predicate.hasProperty(error, "errors") && Array.isArray(error.errors)) {
    for (const each of error.errors) {
      const found = codeOf(each, depth + 1)
      if (found !== undefined) return found
    }
  }
  return Predicate.hasProperty(error, "cause") ? codeOf(error.cause, depth + 1) : undefined
}

const failed = (
  request: HttpClientRequest,
  fault: Transport.Fault
): Effect.Effect<never, HttpClientError.HttpClientError> =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause: fault }) })
  )

const invalidUrl = (request: HttpClientRequest, description: string): Outcome =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.InvalidUrlError({ request, description }) })
  )

const cannotEncode = (request: HttpClientRequest, description: string): Outcome =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.EncodeError({ request, description }) })
  )

// -----------------------------------------------------------------------------
// The response
// -----------------------------------------------------------------------------

type Read<A> = Effect.Effect<A, HttpClientError.HttpClientError>

class BufferedResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse, Pipeable {
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest
  readonly status: number
  // Truly private, so that no inspection of an error that holds the response shows the body.
  readonly #location: URL
  readonly #received: Headers.Input
  readonly #limit: number
  #body: Uint8Array | Transport.Fault
  #isEncoded: boolean
  #headers: Headers.Headers | undefined = undefined

  constructor(
    request: HttpClientRequest,
    location: URL,
    status: number,
    received: Headers.Input,
    body: Uint8Array | Transport.Fault,
    limit: number
  ) {
    super()
    this.request = request
    this.status = status
    this.#location = location
    this.#received = received
    this.#body = body
    this.#isEncoded = "content-encoding" in received && !Transport.isFault(body) && body.length > 0
    this.#limit = limit
  }

  get url(): string {
    const { hash, href } = this.#location
    return href.slice(0, href.length - hash.length)
  }

  get headers(): Headers.Headers {
    return (this.#headers ??= Headers.fromInput(this.#received))
  }

  get cookies(): Cookies.Cookies {
    const header = "set-cookie" in this.#received ? this.#received["set-cookie"] : undefined
    return header === undefined ? Cookies.empty : Cookies.fromSetCookie(header)
  }

  get remoteAddress(): Option.Option<string> {
    return Option.none()
  }

  get text(): Read<string> {
    return this.#read((bytes) => Effect.succeed(utf8.decode(bytes)))
  }

  get json(): Read<Schema.Json> {
    return this.#read((bytes) => {
      const text = utf8.decode(bytes)
      if (text === "") return Effect.succeed(null)
      try {
        const value: Schema.Json = JSON.parse(text)
        return Effect.succeed(value)
      } catch {
        // The parser's error quotes the body.
        return Effect.fail(this.#unreadable("the body is not JSON"))
      }
    })
  }

  get urlParamsBody(): Read<UrlParams.UrlParams> {
    return this.#read((bytes) =>
      // `URLSearchParams` drops a leading "?", which belongs to a body.
      Effect.succeed(UrlParams.fromInput(new URLSearchParams(`&${formUtf8.decode(bytes)}`)))
    )
  }

  get formData(): Read<FormData> {
    return this.#read((bytes) =>
      Effect.tryPromise({
        try: () => {
          const headers = { "content-type": this.headers["content-type"] ?? "" }
          return new Response(new Uint8Array(bytes), { headers }).formData()
        },
        catch: () => this.#unreadable("the body is not a form")
      })
    )
  }

  get arrayBuffer(): Read<ArrayBuffer> {
    return this.#read((bytes) => Effect.succeed(new Uint8Array(bytes).buffer))
  }

  get stream(): Stream.Stream<Uint8Array, HttpClientError.HttpClientError> {
    return Stream.unwrap(
      this.#read((bytes) => Effect.succeed(bytes.length === 0 ? Stream.empty : Stream.succeed(new Uint8Array(bytes))))
    )
  }

  get upgrade(): Read<EffectSocket.Socket> {
    return Effect.fail(
      new HttpClientError.HttpClientError({
        reason: new HttpClientError.StatusCodeError({
          request: this.request,
          response: this,
          description: "the transport does not upgrade connections"
        })
      })
    )
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "effect/http/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }

  pipe() {
    return pipeArguments(this, arguments)
  }

  #read<A>(f: (bytes: Uint8Array) => Read<A>): Read<A> {
    return Effect.suspend(() => {
      if (this.#isEncoded && !Transport.isFault(this.#body)) {
        this.#body = decompress(this.#body, this.headers["content-encoding"], this.#limit)
        this.#isEncoded = false
      }
      return Transport.isFault(this.#body) ? Effect.fail(this.#unreadable(undefined, this.#body)) : f(this.#body)
    })
  }

  #unreadable(description: string | undefined, cause?: Transport.Fault): HttpClientError.HttpClientError {
    return new HttpClientError.HttpClientError({
      reason: new HttpClientError.DecodeError({ request: this.request, response: this, description, cause })
    })
  }
}

const utf8 = new TextDecoder()

// What URL-encoded bodies begin with is data, a byte order mark too.
const formUtf8 = new TextDecoder("utf-8", { ignoreBOM: true })

/** The content of a body, its bytes as they are where its encoding is not known. */
const decompress = (body: Uint8Array, encoding: string | undefined, limit: number): Uint8Array | Transport.Fault => {
  const options = { maxOutputLength: Math.max(1, Math.min(limit, bufferConstants.MAX_LENGTH)) }
  try {
    switch (encoding?.trim().toLowerCase()) {
      case "gzip":
      case "x-gzip":
        return Zlib.gunzipSync(body, options)
      case "deflate":
        // Some servers leave out the zlib wrapper, whose first byte names the method, 8 (RFC 1950, section 2.2).
        return ((body[0] ?? 0) & 0x0f) === 8 ? Zlib.inflateSync(body, options) : Zlib.inflateRawSync(body, options)
      case "br":
        return Zlib.brotliDecompressSync(body, options)
      case "zstd":
        return Zlib.zstdDecompressSync(body, options)
      default:
        return body
    }
  } catch (error) {
    const code = codeOf(error)
    return new Transport.Fault(code === "ERR_BUFFER_TOO_LARGE" ? "size" : "network", { sent: true, code })
  }
}
