import { UndiciHttpClient } from "@agentalk/node"
import * as Transport from "@agentalk/core/unstable"
import { afterAll, assert, beforeAll, describe, it, vi } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpBody from "effect/http/HttpBody"
import * as Cookies from "effect/http/Cookies"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as UrlParams from "effect/http/UrlParams"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Http from "node:http"
import * as Net from "node:net"
import { inspect } from "node:util"
import * as Zlib from "node:zlib"
import { Agent, Dispatcher, MockAgent } from "undici"

// -----------------------------------------------------------------------------
// Servers on the loopback address
// -----------------------------------------------------------------------------

interface Listening {
  readonly origin: string
  readonly port: number
  /** All connections, including closed ones. */
  readonly sockets: Array<Net.Socket>
  /** The closed connections, in the order in which they closed. */
  readonly closedSockets: Queue.Queue<Net.Socket>
}

const listen = <S extends Net.Server>(
  server: S
): Effect.Effect<Listening & { readonly server: S }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Listening & { readonly server: S }>((resume) => {
      const sockets: Array<Net.Socket> = []
      const closedSockets = Effect.runSync(Queue.unbounded<Net.Socket>())
      server.on("connection", (socket) => {
        sockets.push(socket)
        socket.on("error", () => {})
        socket.on("close", () => Queue.offerUnsafe(closedSockets, socket))
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ server, origin: `http://127.0.0.1:${port}`, port, sockets, closedSockets }))
      })
    }),
    ({ server, sockets }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  )

/** An HTTP server that responds with `handle`. */
const serve = (handle: Http.RequestListener) => listen(Http.createServer({ keepAliveTimeout: 60_000 }, handle))

/** An HTTP server that puts every request into a queue. The test takes them and responds. */
const serveQueued = Effect.gen(function* () {
  const requests = yield* Queue.unbounded<{
    readonly request: Http.IncomingMessage
    readonly response: Http.ServerResponse
  }>()
  const listening = yield* serve((request, response) => {
    request.resume()
    Queue.offerUnsafe(requests, { request, response })
  })
  return { ...listening, requests }
})

/** A TCP server that accepts connections and never sends a byte, so a TLS handshake never ends. */
const serveSilent = Effect.suspend(() => listen(Net.createServer((socket) => socket.resume())))

/** A TCP server that writes `bytes` after the first data of each connection, and then calls `after`. */
const serveRaw = (bytes: string, after: (socket: Net.Socket) => void = () => {}) =>
  listen(
    Net.createServer((socket) => {
      socket.once("data", () => {
        if (bytes === "") after(socket)
        else socket.write(bytes, () => after(socket))
      })
    })
  )

// -----------------------------------------------------------------------------
// Clients and dispatchers
// -----------------------------------------------------------------------------

const build = (layer: Layer.Layer<HttpClient.HttpClient>) =>
  Effect.map(Layer.build(layer), (context) => Context.get(context, HttpClient.HttpClient))

const makeClient = (options: UndiciHttpClient.Options = {}) => build(UndiciHttpClient.layerOptions(options))

const mebibyte = 1024 * 1024

/** Makes the requests of an effect in an attempt that starts now, with a timeout and a size limit. */
const withAttempt =
  (millis: number, maxBodyBytes = mebibyte) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(
      Effect.clockWith((clock) => Effect.succeed(Transport.monotonicMillis(clock) + millis)),
      (deadline) =>
        Effect.provideService(effect, Transport.CurrentAttempt, { deadline, maxBodyBytes, onDispatch: () => {} })
    )

const assertFault = (
  error: HttpClientError.HttpClientError,
  reason: HttpClientError.HttpClientErrorReason["_tag"],
  expected: {
    readonly kind: Transport.TransportFault["kind"]
    readonly sent: boolean
    readonly code?: ReadonlyArray<string>
  }
) => {
  assert.strictEqual(error.reason._tag, reason)
  const fault = error.cause
  assert.isTrue(Transport.isTransportFault(fault))
  if (!Transport.isTransportFault(fault)) return
  assert.deepStrictEqual({ kind: fault.kind, sent: fault.sent }, { kind: expected.kind, sent: expected.sent })
  if (expected.code === undefined) assert.isUndefined(fault.code)
  else assert.include(expected.code, fault.code)
}

/** A dispatcher that calls a function of the test for each request. */
class ScriptedDispatcher extends Dispatcher {
  private readonly script: (handler: Dispatcher.DispatchHandler, options: Dispatcher.DispatchOptions) => void
  constructor(script: (handler: Dispatcher.DispatchHandler, options: Dispatcher.DispatchOptions) => void) {
    super()
    this.script = script
  }
  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.script(handler, options)
    return true
  }
}

const controller: Dispatcher.DispatchController = {
  aborted: false,
  paused: false,
  reason: null,
  abort() {},
  pause() {},
  resume() {}
}

const crlf = (...lines: ReadonlyArray<string>): string => lines.join("\r\n")

const fakeTimers = Effect.acquireRelease(
  Effect.sync(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })),
  () => Effect.sync(() => vi.useRealTimers())
)

describe("UndiciHttpClient", () => {
  const warnings: Array<Error> = []
  const onWarning = (warning: Error) => warnings.push(warning)
  beforeAll(() => {
    process.on("warning", onWarning)
  })
  afterAll(() => {
    process.off("warning", onWarning)
    assert.deepStrictEqual(warnings, [])
  })

  describe("requests", () => {
    it.live("sends the given JSON and headers, and adds only the headers that HTTP requires", () =>
      Effect.gen(function* () {
        const { requests, origin, port } = yield* serveQueued
        const client = yield* makeClient()
        const fiber = yield* HttpClientRequest.post(`${origin}/api/contacts`, {
          headers: { authorization: "Bearer x.y", "x-organization-id": "1" }
        }).pipe(HttpClientRequest.bodyJsonUnsafe({ name: "Zoë 🦊" }), client.execute, Effect.forkChild)

        const { request, response } = yield* Queue.take(requests)
        assert.strictEqual(request.method, "POST")
        assert.strictEqual(request.url, "/api/contacts")
        assert.deepStrictEqual(
          { ...request.headers },
          {
            host: `127.0.0.1:${port}`,
            connection: "keep-alive",
            authorization: "Bearer x.y",
            "x-organization-id": "1",
            "content-type": "application/json",
            "content-length": String(Buffer.byteLength(`{"name":"Zoë 🦊"}`))
          }
        )
        response.writeHead(201, {
          "Content-Type": "application/json",
          "X-Request-Id": "abc",
          "Set-Cookie": ["a=1; Path=/", "b=2"],
          Vary: ["accept", "origin"]
        })
        response.end(`{"id":"Zoë 🦊"}`)

        const received = yield* Fiber.join(fiber)
        assert.strictEqual(received.status, 201)
        assert.strictEqual(received.headers["content-type"], "application/json")
        assert.strictEqual(received.headers["x-request-id"], "abc")
        assert.strictEqual(received.headers["vary"], "accept, origin")
        assert.deepStrictEqual(Object.keys(received.cookies.cookies), ["a", "b"])
        assert.deepStrictEqual(yield* received.json, { id: "Zoë 🦊" })
        const plain = yield* serve((_, response) => response.end())
        assert.deepStrictEqual((yield* client.get(plain.origin)).cookies, Cookies.empty)
      })
    )

    it.live("sends text and byte bodies unchanged", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((request, response) => {
          response.setHeader("x-length", request.headers["content-length"] ?? "")
          request.pipe(response)
        })
        const client = yield* makeClient()
        const bytes = new TextEncoder().encode("-héllo-")
        for (const body of [
          HttpBody.text("héllo"),
          HttpBody.raw("héllo"),
          HttpBody.uint8Array(bytes.subarray(1, -1)),
          HttpBody.raw(bytes.subarray(1, -1))
        ]) {
          const response = yield* client.post(origin, { body })
          assert.strictEqual(yield* response.text, "héllo")
          assert.strictEqual(response.headers["x-length"], "6")
        }
      })
    )

    it.live("builds the URL from the request and its parameters, without the fragment", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((request, response) => response.end(request.url))
        const client = yield* makeClient()
        const response = yield* client.get(`${origin}/a%2Fb/ü?x=1#part`, {
          urlParams: { phone: "+1 555", name: "é&=" }
        })
        assert.strictEqual(yield* response.text, "/a%2Fb/%C3%BC?x=1&phone=%2B1+555&name=%C3%A9%26%3D")
        assert.strictEqual(response.url, `${origin}/a%2Fb/%C3%BC?x=1&phone=%2B1+555&name=%C3%A9%26%3D`)
      })
    )

    it.live("fails with InvalidUrlError if the URL is invalid or not HTTP, and does not quote the URL", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        for (const url of ["not a url", "ftp://127.0.0.1/", "data:,x"]) {
          const error = yield* Effect.flip(client.get(url))
          assert.strictEqual(error.reason._tag, "InvalidUrlError")
          assert.isUndefined(error.cause)
        }
      })
    )

    it.live("fails with EncodeError if the body is not in memory, and opens no connection", () =>
      Effect.gen(function* () {
        const { origin, sockets } = yield* serve((_, response) => response.end())
        const client = yield* makeClient()
        const form = new FormData()
        form.set("a", "b")
        for (const body of [
          HttpBody.stream(Stream.succeed(new Uint8Array(1))),
          HttpBody.formData(form),
          HttpBody.raw({ pipe: true })
        ]) {
          const error = yield* Effect.flip(client.post(origin, { body }))
          assert.strictEqual(error.reason._tag, "EncodeError")
        }
        assert.lengthOf(sockets, 0)
      })
    )

    it.live("fails with EncodeError for each header that undici refuses, and the pool stays usable", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => response.end("ok"))
        const client = yield* makeClient({ connections: 2 })
        for (const headers of [
          { authorization: "Bearer x.y\n" },
          { authorization: "Bearer ☎" },
          { "bad name": "x" },
          { "content-length": "1e3" },
          { connection: "a b" },
          { expect: "100-continue" },
          { "keep-alive": "timeout=5" },
          { "transfer-encoding": "chunked" },
          { upgrade: "websocket" }
        ]) {
          const error = yield* Effect.flip(client.get(origin, { headers }))
          assert.strictEqual(error.reason._tag, "EncodeError")
          for (const value of Object.values(headers)) assert.notInclude(error.message, value)
        }
        // undici detects a wrong length only after the connection is open.
        const mismatch = yield* Effect.flip(
          client.execute(
            HttpClientRequest.post(origin, { body: HttpBody.raw("four") }).pipe(
              HttpClientRequest.setHeader("content-length", "3")
            )
          )
        )
        assertFault(mismatch, "TransportError", {
          kind: "network",
          sent: false,
          code: ["UND_ERR_REQ_CONTENT_LENGTH_MISMATCH"]
        })
        const response = yield* client.get(origin, { headers: { connection: "keep-alive, x" } })
        assert.strictEqual(yield* response.text, "ok")
      })
    )

    it.live("does not follow redirects", () =>
      Effect.gen(function* () {
        const elsewhere = yield* serve((_, response) => response.end())
        const { origin } = yield* serve((_, response) => {
          response.writeHead(302, { location: `${elsewhere.origin}/` }).end("moved")
        })
        const client = yield* makeClient()
        const response = yield* client.get(origin)
        assert.strictEqual(response.status, 302)
        assert.strictEqual(response.headers["location"], `${elsewhere.origin}/`)
        assert.strictEqual(yield* response.text, "moved")
        assert.lengthOf(elsewhere.sockets, 0)
      })
    )

    it.live("reuses connections for sequential requests", () =>
      Effect.gen(function* () {
        // undici waits for one turn of the event loop before it reuses a connection. In that turn, a larger pool opens
        // a second connection.
        for (const [connections, opened] of [
          [1, 1],
          [64, 2]
        ] as const) {
          const { origin, sockets } = yield* serve((_, response) => response.end("ok"))
          const client = yield* makeClient({ connections })
          for (let i = 0; i < 20; i++) {
            const response = yield* client.get(origin)
            assert.strictEqual(yield* response.text, "ok")
          }
          assert.isAtMost(sockets.length, opened)
        }
      })
    )

    it.live("opens at most the configured number of connections", () =>
      Effect.gen(function* () {
        const { requests, origin, sockets } = yield* serveQueued
        const client = yield* makeClient({ connections: 3 })
        const fibers = yield* Effect.forEach(Array.from({ length: 9 }), () => Effect.forkChild(client.get(origin)))
        for (let i = 0; i < 9; i++) {
          const { response } = yield* Queue.take(requests)
          response.end()
        }
        yield* Effect.forEach(fibers, Fiber.join)
        assert.lengthOf(sockets, 3)
      })
    )

    it.live("is marked as a client that enforces the limits of an attempt", () =>
      Effect.gen(function* () {
        assert.isTrue(Transport.isAttemptAware(yield* makeClient()))
        assert.isTrue(Transport.isAttemptAware(UndiciHttpClient.make(new ScriptedDispatcher(() => {}))))
      })
    )
  })

  describe("responses", () => {
    it.live("decodes characters that are split between chunks, and drops a byte order mark", () =>
      Effect.gen(function* () {
        const text = "\uFEFFZoë 🦊 日本"
        const { origin } = yield* serve((_, response) => {
          for (const byte of Buffer.from(text)) response.write(Buffer.of(byte))
          response.end()
        })
        const client = yield* makeClient()
        const response = yield* client.get(origin)
        assert.strictEqual(yield* response.text, "Zoë 🦊 日本")
        assert.strictEqual(Buffer.from(yield* response.arrayBuffer).toString(), text)
      })
    )

    it.live("reassembles a body of many packets", () =>
      Effect.gen(function* () {
        const body = Array.from({ length: 300_000 }, (_, i) => String(i)).join()
        const { origin } = yield* serve((_, response) => {
          const bytes = Buffer.from(body)
          let at = 0
          const next = (): void => {
            if (at >= bytes.length) return void response.end()
            const size = 1 + ((at * 7919) % 60_000)
            response.write(bytes.subarray(at, at + size), next)
            at += size
          }
          next()
        })
        const client = yield* makeClient()
        const response = yield* client.get(origin)
        assert.isTrue((yield* response.text) === body)
        const streamed = yield* Stream.runFold(
          response.stream,
          () => 0,
          (size, chunk) => size + chunk.length
        )
        assert.strictEqual(streamed, body.length)
      })
    )

    it.live("reads an empty body with every accessor", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((request, response) => {
          response.writeHead(request.url === "/204" ? 204 : 200).end()
        })
        const client = yield* makeClient()
        for (const [path, status] of [
          ["/204", 204],
          ["/200", 200]
        ] as const) {
          const response = yield* client.del(origin + path)
          assert.strictEqual(response.status, status)
          assert.strictEqual(yield* response.text, "")
          assert.isNull(yield* response.json)
          assert.strictEqual((yield* response.arrayBuffer).byteLength, 0)
          assert.deepStrictEqual(yield* Stream.runCollect(response.stream), [])
        }
      })
    )

    it.live("ignores informational responses and returns the final response", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => {
          response.writeProcessing()
          response.writeEarlyHints({ link: "</a>; rel=preload" }, () => response.writeHead(202).end("done"))
        })
        const client = yield* makeClient()
        const response = yield* client.get(origin)
        assert.strictEqual(response.status, 202)
        assert.isUndefined(response.headers["link"])
        assert.strictEqual(yield* response.text, "done")
      })
    )

    it.live("fails with a network fault if the connection closes after an informational response", () =>
      Effect.gen(function* () {
        const { origin } = yield* serveRaw(crlf("HTTP/1.1 103 Early Hints", "link: </a>", "", ""), (socket) =>
          socket.end()
        )
        const client = yield* makeClient()
        assertFault(yield* Effect.flip(client.get(origin)), "TransportError", {
          kind: "network",
          sent: true,
          code: ["UND_ERR_SOCKET"]
        })
      })
    )

    it.live("reads a body that ends when the connection closes", () =>
      Effect.gen(function* () {
        const { origin } = yield* serveRaw(crlf("HTTP/1.1 200 OK", "connection: close", "", "to the end"), (socket) =>
          socket.end()
        )
        const client = yield* makeClient()
        const response = yield* client.get(origin)
        assert.strictEqual(yield* response.text, "to the end")
      })
    )

    it.live("reads forms, fails to upgrade, and hides the body and cookies from inspection", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((request, response) => {
          response.setHeader("set-cookie", "session=secret")
          if (request.url === "/form") {
            response.setHeader("content-type", "multipart/form-data; boundary=x")
            response.end(crlf("--x", `content-disposition: form-data; name="a"`, "", "b", "--x--", ""))
          } else {
            response.end("?a=1&b=%C3%A9&a=2")
          }
        })
        const client = yield* makeClient()
        const encoded = yield* client.get(origin)
        assert.deepStrictEqual(UrlParams.toRecord(yield* encoded.urlParamsBody), { "?a": "1", b: "é", a: "2" })
        const formError = yield* Effect.flip(encoded.formData)
        assert.strictEqual(formError.reason._tag, "DecodeError")
        const jsonError = yield* Effect.flip(encoded.json)
        assert.strictEqual(jsonError.reason._tag, "DecodeError")
        assert.isUndefined(jsonError.cause)
        assert.strictEqual((yield* Effect.flip(encoded.upgrade)).reason._tag, "StatusCodeError")
        assert.notInclude(inspect(encoded), "secret")
        assert.notInclude(inspect(encoded), "%C3%A9")
        // Loggers that ignore custom inspection read the own properties, which do not contain the body either.
        assert.deepStrictEqual(
          Object.values({ ...jsonError.response }).filter(
            (value) => value instanceof Uint8Array || value instanceof URL
          ),
          []
        )

        const form = yield* client.get(`${origin}/form`)
        assert.strictEqual((yield* form.formData).get("a"), "b")
      })
    )

    it.live("decompresses a compressed response, up to the size limit", () =>
      Effect.gen(function* () {
        const text = "a".repeat(100_000)
        const encodings: { readonly [name: string]: (text: string) => Buffer } = {
          gzip: Zlib.gzipSync,
          "X-GZIP": Zlib.gzipSync,
          deflate: Zlib.deflateSync,
          "deflate ": Zlib.deflateRawSync,
          br: Zlib.brotliCompressSync,
          zstd: Zlib.zstdCompressSync
        }
        const { origin } = yield* serve((request, response) => {
          const name = decodeURIComponent(request.url?.slice(1) ?? "")
          const compress = encodings[name]
          response.setHeader("content-encoding", name)
          response.end(compress === undefined ? "as it is" : compress(text))
        })
        const client = yield* makeClient()
        for (const name of Object.keys(encodings)) {
          const response = yield* client.get(`${origin}/${encodeURIComponent(name)}`)
          assert.isTrue((yield* response.text) === text, name)
          assert.isTrue((yield* response.text) === text, name)
          const tooLarge = yield* client.get(`${origin}/${encodeURIComponent(name)}`).pipe(withAttempt(10_000, 99_999))
          assertFault(yield* Effect.flip(tooLarge.text), "DecodeError", {
            kind: "size",
            sent: true,
            code: ["ERR_BUFFER_TOO_LARGE"]
          })
        }
        const unknown = yield* client.get(`${origin}/rot13`)
        assert.strictEqual(yield* unknown.text, "as it is")
        const empty = yield* client.head(`${origin}/gzip`)
        assert.strictEqual(yield* empty.text, "")
      })
    )

    it.live("fails to read a corrupt compressed body", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => {
          response.setHeader("content-encoding", "gzip")
          response.end("this is not gzip")
        })
        const client = yield* makeClient()
        const response = yield* client.get(origin)
        assert.strictEqual(response.status, 200)
        assertFault(yield* Effect.flip(response.json), "DecodeError", {
          kind: "network",
          sent: true,
          code: ["Z_DATA_ERROR"]
        })
      })
    )
  })

  describe("timeout of an attempt", () => {
    it.live("covers the wait for the response head", () =>
      Effect.gen(function* () {
        const { closedSockets, requests, origin } = yield* serveQueued
        const client = yield* makeClient()
        const error = yield* client.get(origin).pipe(withAttempt(50), Effect.flip)
        assertFault(error, "TransportError", { kind: "timeout", sent: true })
        assert.strictEqual(yield* Queue.size(requests), 1)
        yield* Queue.take(closedSockets)
      })
    )

    it.live("covers the body: the response has its status and headers, and reading the body fails", () =>
      Effect.gen(function* () {
        const { closedSockets, origin } = yield* serve((_, response) => {
          response.writeHead(503, { "retry-after": "7" })
          response.write("begun")
        })
        const client = yield* makeClient()
        const response = yield* client.get(origin).pipe(withAttempt(100))
        assert.strictEqual(response.status, 503)
        assert.strictEqual(response.headers["retry-after"], "7")
        for (const read of [
          Effect.asVoid(response.text),
          Effect.asVoid(response.json),
          Effect.asVoid(response.arrayBuffer),
          Stream.runDrain(response.stream)
        ]) {
          const error = yield* Effect.flip(read)
          assertFault(error, "DecodeError", { kind: "timeout", sent: true })
          assert.strictEqual(error.response, response)
        }
        yield* Queue.take(closedSockets)
      })
    )

    it.live("covers the wait in the queue of the pool, and reports the request as not sent", () =>
      Effect.gen(function* () {
        const { requests, origin, sockets } = yield* serveQueued
        const client = yield* makeClient({ connections: 1 })
        const first = yield* Effect.forkChild(client.get(origin))
        const { response } = yield* Queue.take(requests)
        const error = yield* client.post(origin).pipe(withAttempt(50), Effect.flip)
        assertFault(error, "TransportError", { kind: "timeout", sent: false })

        response.end("first")
        assert.strictEqual(yield* (yield* Fiber.join(first)).text, "first")
        const third = yield* Effect.forkChild(client.get(`${origin}/third`))
        const next = yield* Queue.take(requests)
        assert.strictEqual(next.request.url, "/third")
        next.response.end()
        yield* Fiber.join(third)
        assert.lengthOf(sockets, 1)
      })
    )

    it.live("covers connecting, and reports the request as not sent", () =>
      Effect.gen(function* () {
        const { port } = yield* serveSilent
        const client = yield* makeClient()
        const error = yield* client.get(`https://127.0.0.1:${port}`).pipe(withAttempt(50), Effect.flip)
        assertFault(error, "TransportError", { kind: "timeout", sent: false })
      })
    )

    it.live("sends nothing if the deadline has passed", () =>
      Effect.gen(function* () {
        const { origin, sockets } = yield* serve((_, response) => response.end())
        const client = yield* makeClient()
        for (const millis of [0, -1, NaN]) {
          const error = yield* client.get(origin).pipe(withAttempt(millis), Effect.flip)
          assertFault(error, "TransportError", { kind: "timeout", sent: false })
        }
        assert.lengthOf(sockets, 0)
      })
    )

    it.live("does not fire at once if the timeout is longer than the maximum delay of a timer", () =>
      Effect.gen(function* () {
        const { requests, origin } = yield* serveQueued
        const client = yield* makeClient()
        for (const millis of [2 ** 31, 2 ** 40, Infinity]) {
          const fiber = yield* client.get(origin).pipe(withAttempt(millis), Effect.forkChild)
          const { response } = yield* Queue.take(requests)
          // A timer that overflows fires after 1 millisecond, so it would fire during this sleep.
          yield* Effect.sleep(10)
          response.end("ok")
          assert.strictEqual(yield* (yield* Fiber.join(fiber)).text, "ok")
        }
      })
    )

    it.live("starts another timer if the timeout is longer than the maximum delay of a timer", () =>
      Effect.gen(function* () {
        let handler: Dispatcher.DispatchHandler | undefined
        const client = UndiciHttpClient.make(new ScriptedDispatcher((each) => (handler = each)))
        yield* fakeTimers
        const fiber = yield* client.get("http://a.example").pipe(withAttempt(2 ** 40), Effect.forkChild)
        yield* Effect.yieldNow
        for (let i = 0; i < 3; i++) vi.advanceTimersByTime(2 ** 31)
        assert.strictEqual(vi.getTimerCount(), 1)
        handler?.onRequestStart?.(controller, null)
        handler?.onResponseStart?.(controller, 200, {})
        handler?.onResponseEnd?.(controller, {})
        assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
        assert.strictEqual(vi.getTimerCount(), 0)
      })
    )

    it.live("never fires before the deadline", () =>
      Effect.gen(function* () {
        const { origin } = yield* serveQueued
        const client = yield* makeClient()
        const clock = yield* Clock.Clock
        for (let i = 0; i < 20; i++) {
          const deadline = Transport.monotonicMillis(clock) + 3.5
          yield* client.get(origin).pipe(
            Effect.provideService(Transport.CurrentAttempt, {
              deadline,
              maxBodyBytes: mebibyte,
              onDispatch: () => {}
            }),
            Effect.flip
          )
          assert.isAtLeast(Transport.monotonicMillis(clock), deadline)
        }
      })
    )

    it.live("clears its timer after a response, a failure and an interruption", () =>
      Effect.gen(function* () {
        const handlers: Array<Dispatcher.DispatchHandler> = []
        const client = UndiciHttpClient.make(new ScriptedDispatcher((each) => handlers.push(each)))
        yield* fakeTimers
        const calls = yield* Effect.replicateEffect(
          Effect.forkChild(Effect.exit(client.get("http://a.example").pipe(withAttempt(60_000)))),
          3
        )
        yield* Effect.yieldNow
        assert.strictEqual(vi.getTimerCount(), 3)
        const [completed, broken] = handlers
        completed?.onRequestStart?.(controller, null)
        completed?.onResponseStart?.(controller, 200, {})
        completed?.onResponseEnd?.(controller, {})
        broken?.onRequestStart?.(controller, null)
        broken?.onResponseError?.(controller, new Error("broken"))
        assert.strictEqual(vi.getTimerCount(), 1)
        yield* Effect.forEach(calls, Fiber.interrupt)
        assert.strictEqual(vi.getTimerCount(), 0)
      })
    )

    it.effect("is left to the SDK if the fiber has another clock", () =>
      Effect.gen(function* () {
        const { requests, origin } = yield* serveQueued
        const client = yield* makeClient()
        const fiber = yield* client.get(origin).pipe(withAttempt(1), Effect.forkChild)
        const { response } = yield* Queue.take(requests)
        yield* TestClock.adjust("1 hour")
        response.end("late")
        const received = yield* Fiber.join(fiber)
        assert.strictEqual(yield* received.text, "late")

        const passed = yield* client.get(origin).pipe(withAttempt(-1), Effect.forkChild)
        ;(yield* Queue.take(requests)).response.end("too large")
        const tooLarge = yield* Fiber.join(passed)
        assert.strictEqual(tooLarge.status, 200)
      })
    )

    it.effect("does not disable the size limit if the fiber has another clock", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => response.end("12345"))
        const client = yield* makeClient()
        const response = yield* client.get(origin).pipe(withAttempt(1, 4))
        assertFault(yield* Effect.flip(response.text), "DecodeError", { kind: "size", sent: true })
      })
    )
  })

  describe("size limit", () => {
    it.live("applies to the content-length, before the body is received", () =>
      Effect.gen(function* () {
        const { closedSockets, origin } = yield* serve((_, response) => {
          response.writeHead(200, { "content-length": "1001", "x-request-id": "abc" }).flushHeaders()
        })
        const client = yield* makeClient()
        const response = yield* client.get(origin).pipe(withAttempt(60_000, 1000))
        assert.strictEqual(response.status, 200)
        assert.strictEqual(response.headers["x-request-id"], "abc")
        assertFault(yield* Effect.flip(response.text), "DecodeError", { kind: "size", sent: true })
        yield* Queue.take(closedSockets)
      })
    )

    it.live("applies to the received bytes", () =>
      Effect.gen(function* () {
        const { closedSockets, origin } = yield* serve((_, response) => {
          const writeMore = (): void => {
            if (!response.destroyed) response.write("x".repeat(600), () => setImmediate(writeMore))
          }
          writeMore()
        })
        const client = yield* makeClient()
        const response = yield* client.get(origin).pipe(withAttempt(60_000, 1000))
        assertFault(yield* Effect.flip(response.text), "DecodeError", { kind: "size", sent: true })
        yield* Queue.take(closedSockets)
      })
    )

    it.live("allows a body of exactly that size", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((request, response) => {
          if (request.url === "/chunked") response.write("x".repeat(400))
          response.end("x".repeat(request.url === "/chunked" ? 600 : 1000))
        })
        const client = yield* makeClient()
        for (const path of ["/whole", "/chunked"]) {
          const response = yield* client.get(origin + path).pipe(withAttempt(60_000, 1000))
          assert.lengthOf(yield* response.text, 1000)
        }
      })
    )

    it.live("ignores the content-length of a response to HEAD", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => response.writeHead(200, { "content-length": "5000" }).end())
        const client = yield* makeClient()
        const response = yield* client.head(origin).pipe(withAttempt(60_000, 1000))
        assert.strictEqual(yield* response.text, "")
        assert.strictEqual(response.headers["content-length"], "5000")
      })
    )

    it.live("is taken from the attempt, then from MaxBodySize, then from the option", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => response.end("12345"))
        const client = yield* makeClient({ maxBodyBytes: 4 })
        const refused = yield* client.get(origin)
        assertFault(yield* Effect.flip(refused.text), "DecodeError", { kind: "size", sent: true })
        const allowed = yield* client
          .get(origin)
          .pipe(Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(5)))
        assert.strictEqual(yield* allowed.text, "12345")
        const limitedByAttempt = yield* client
          .get(origin)
          .pipe(
            Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(4)),
            withAttempt(60_000, 5)
          )
        assert.strictEqual(yield* limitedByAttempt.text, "12345")
      })
    )
  })

  describe("a failure", () => {
    it.live("reports the request as not sent if the connection is refused", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const { port } = yield* serveSilent.pipe(Scope.provide(scope))
        yield* Scope.close(scope, Exit.void)
        const client = yield* makeClient()
        for (const host of ["127.0.0.1", "localhost"]) {
          const error = yield* Effect.flip(client.post(`http://${host}:${port}/`))
          assertFault(error, "TransportError", { kind: "network", sent: false, code: ["ECONNREFUSED"] })
        }
      })
    )

    it.live("reports the request as not sent if the TLS handshake fails", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => response.end())
        const client = yield* makeClient()
        const error = yield* Effect.flip(client.get(origin.replace("http:", "https:")))
        assert.isTrue(Transport.isTransportFault(error.cause))
        if (Transport.isTransportFault(error.cause)) {
          assert.isFalse(error.cause.sent)
          assert.match(error.cause.code ?? "", /^E[A-Z_]+$/)
        }
      })
    )

    it.live("reports the request as not sent if connecting takes longer than connectTimeout", () =>
      Effect.gen(function* () {
        const { port } = yield* serveSilent
        const client = yield* makeClient({ connectTimeout: 20 })
        const error = yield* Effect.flip(client.get(`https://127.0.0.1:${port}`))
        assertFault(error, "TransportError", { kind: "network", sent: false, code: ["UND_ERR_CONNECT_TIMEOUT"] })
      })
    )

    it.live("reports the request as sent if the connection breaks before the response head", () =>
      Effect.gen(function* () {
        const reset = yield* serveRaw("", (socket) => socket.resetAndDestroy())
        const closed = yield* serveRaw("", (socket) => socket.end())
        const client = yield* makeClient()
        for (const origin of [reset.origin, closed.origin]) {
          const error = yield* Effect.flip(client.post(origin, { body: HttpBody.text("x") }))
          assertFault(error, "TransportError", { kind: "network", sent: true, code: ["ECONNRESET", "UND_ERR_SOCKET"] })
        }
      })
    )

    it.live("reports the request as sent if a reused connection breaks", () =>
      Effect.gen(function* () {
        const { origin, sockets } = yield* serve((request, response) => {
          if (request.url === "/second") request.socket.resetAndDestroy()
          else response.end("ok")
        })
        const client = yield* makeClient({ connections: 1 })
        yield* client.get(origin)
        const error = yield* Effect.flip(client.post(`${origin}/second`))
        assertFault(error, "TransportError", { kind: "network", sent: true, code: ["ECONNRESET", "UND_ERR_SOCKET"] })
        assert.lengthOf(sockets, 1)
        assert.strictEqual(yield* (yield* client.get(origin)).text, "ok")
      })
    )

    it.live("keeps the status and headers if the body is cut short", () =>
      Effect.gen(function* () {
        const long = yield* serveRaw(
          crlf("HTTP/1.1 201 Created", "content-length: 10", "x-a: b", "", "12345"),
          (socket) => socket.end()
        )
        const chunked = yield* serveRaw(
          crlf("HTTP/1.1 201 Created", "transfer-encoding: chunked", "x-a: b", "", "5", "12345", "5", "12"),
          (socket) => socket.end()
        )
        const reset = yield* serveRaw(
          crlf("HTTP/1.1 201 Created", "content-length: 10", "x-a: b", "", "12345"),
          (socket) => setTimeout(() => socket.resetAndDestroy(), 10)
        )
        const client = yield* makeClient()
        for (const { origin } of [long, chunked, reset]) {
          const response = yield* client.get(origin)
          assert.strictEqual(response.status, 201)
          assert.strictEqual(response.headers["x-a"], "b")
          assertFault(yield* Effect.flip(response.text), "DecodeError", {
            kind: "network",
            sent: true,
            code: ["UND_ERR_SOCKET", "ECONNRESET"]
          })
        }
      })
    )

    it.live("is a network fault if the response is not HTTP", () =>
      Effect.gen(function* () {
        const { origin } = yield* serveRaw("220 mail.example ESMTP\r\n\r\n")
        const client = yield* makeClient()
        const error = yield* Effect.flip(client.get(origin))
        assert.isTrue(Transport.isTransportFault(error.cause))
        if (Transport.isTransportFault(error.cause)) {
          assert.strictEqual(error.cause.kind, "network")
          assert.isTrue(error.cause.sent)
        }
      })
    )

    it.live("contains the system's error code and no data of the request", () =>
      Effect.gen(function* () {
        const refused = Object.assign(new Error("connect +15551234567"), { code: "ECONNREFUSED", address: "10.0.0.1" })
        for (const [thrown, expected] of [
          [refused, "ECONNREFUSED"],
          [new Error("outer", { cause: new Error("inner", { cause: refused }) }), "ECONNREFUSED"],
          [new AggregateError([new Error("first"), refused]), "ECONNREFUSED"],
          [Object.assign(new Error("outer", { cause: refused }), { code: "not a code" }), "ECONNREFUSED"],
          [Object.assign(new Error("x"), { code: 7 }), undefined],
          ["a string", undefined],
          [undefined, undefined]
        ] as const) {
          const throwing = UndiciHttpClient.make(
            new ScriptedDispatcher(() => {
              throw thrown
            })
          )
          const error = yield* Effect.flip(
            throwing.get("http://a.example/+15551234567", { headers: { authorization: "secret" } })
          )
          assertFault(error, "TransportError", {
            kind: "network",
            sent: false,
            ...(expected === undefined ? {} : { code: [expected] })
          })
          const shown = inspect(error.cause, { depth: null, showHidden: true }) + JSON.stringify(error.cause)
          for (const secret of ["5551234567", "secret", "a.example", "10.0.0.1"]) assert.notInclude(shown, secret)
        }
        const cyclic = new Error("loop")
        cyclic.cause = cyclic
        const failing = UndiciHttpClient.make(
          new ScriptedDispatcher((handler) => setImmediate(() => handler.onResponseError?.(controller, cyclic)))
        )
        assertFault(yield* Effect.flip(failing.get("http://a.example")), "TransportError", {
          kind: "network",
          sent: false
        })
      })
    )

    it.live("makes undici resend the request that is pipelined behind it", () =>
      Effect.gen(function* () {
        const { requests, origin, sockets } = yield* serveQueued
        const client = yield* makeClient({ connections: 1, pipelining: 2 })
        const first = yield* Effect.forkChild(client.get(`${origin}/first`))
        const { request, response } = yield* Queue.take(requests)
        response.write("begun")
        const second = yield* Effect.forkChild(client.get(`${origin}/second`))
        const pipelined = yield* Queue.take(requests)
        assert.strictEqual(pipelined.request.url, "/second")
        request.socket.resetAndDestroy()
        assertFault(yield* Effect.flip((yield* Fiber.join(first)).text), "DecodeError", {
          kind: "network",
          sent: true,
          code: ["ECONNRESET", "UND_ERR_SOCKET"]
        })
        const resent = yield* Queue.take(requests)
        assert.strictEqual(resent.request.url, "/second")
        resent.response.end("second")
        assert.strictEqual(yield* (yield* Fiber.join(second)).text, "second")
        assert.lengthOf(sockets, 2)
      })
    )
  })

  describe("interruption", () => {
    it.live("closes the connection of a request in flight", () =>
      Effect.gen(function* () {
        const { closedSockets, requests, origin } = yield* serveQueued
        const client = yield* makeClient({ connections: 1 })
        const fiber = yield* client.get(origin).pipe(withAttempt(60_000), Effect.forkChild)
        yield* Queue.take(requests)
        yield* Fiber.interrupt(fiber)
        yield* Queue.take(closedSockets)
      })
    )

    it.live("closes the connection while the body is being received", () =>
      Effect.gen(function* () {
        const { closedSockets, origin } = yield* serve((_, response) => response.writeHead(200).write("begun"))
        const client = yield* makeClient({ connections: 1 })
        const exit = yield* Effect.exit(Effect.timeout(client.get(origin), 50))
        assert.isTrue(Exit.isFailure(exit))
        yield* Queue.take(closedSockets)
      })
    )

    it.live("leaves the pool usable after 200 interruptions", () =>
      Effect.gen(function* () {
        const { closedSockets, requests, origin, sockets } = yield* serveQueued
        const client = yield* makeClient({ connections: 1 })
        for (let i = 0; i < 200; i++) {
          const fiber = yield* Effect.forkChild(client.get(origin))
          yield* Queue.take(requests)
          yield* Fiber.interrupt(fiber)
          yield* Queue.take(closedSockets)
        }
        assert.lengthOf(sockets, 200)
        const last = yield* Effect.forkChild(client.get(`${origin}/last`))
        const { request, response } = yield* Queue.take(requests)
        assert.strictEqual(request.url, "/last")
        response.end("ok")
        assert.strictEqual(yield* (yield* Fiber.join(last)).text, "ok")
      })
    )

    for (const connections of [1, 2]) {
      it.live(`sends none of 200 queued requests and closes no connection (connections: ${connections})`, () =>
        Effect.gen(function* () {
          const { requests, origin, sockets } = yield* serveQueued
          const client = yield* makeClient({ connections })
          const busy = yield* Effect.forEach(Array.from({ length: connections }), () =>
            Effect.forkChild(client.get(`${origin}/busy`))
          )
          const started = yield* Queue.takeN(requests, connections)
          const queued = yield* Effect.forEach(Array.from({ length: 200 }), () =>
            Effect.forkChild(client.get(`${origin}/queued`))
          )
          yield* Effect.yieldNow
          const last = yield* Effect.forkChild(client.get(`${origin}/last`))
          yield* Effect.yieldNow
          yield* Fiber.interruptAll(queued)
          for (const { response } of started) response.end()
          yield* Effect.forEach(busy, Fiber.join)
          const { request, response } = yield* Queue.take(requests)
          assert.strictEqual(request.url, "/last")
          response.end()
          yield* Fiber.join(last)
          assert.lengthOf(sockets, connections)
          assert.strictEqual(yield* Queue.size(requests), 0)
        })
      )
    }

    it.live("aborts a queued request of your own dispatcher as soon as it starts", () =>
      Effect.gen(function* () {
        const { requests, origin } = yield* serveQueued
        const agent = yield* Effect.acquireRelease(
          Effect.sync(() => new Agent({ connections: 1 })),
          (agent) => Effect.promise(() => agent.destroy())
        )
        const client = yield* build(UndiciHttpClient.layerDispatcher(agent))
        const busy = yield* Effect.forkChild(client.get(origin))
        const { response } = yield* Queue.take(requests)
        const queued = yield* Effect.forkChild(client.get(`${origin}/queued`))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(queued)
        response.end()
        yield* Fiber.join(busy)
        const last = yield* Effect.forkChild(client.get(`${origin}/last`))
        const next = yield* Queue.take(requests)
        assert.strictEqual(next.request.url, "/last")
        next.response.end()
        yield* Fiber.join(last)
      })
    )
  })

  describe("a dispatcher of yours", () => {
    it.live("can start a request after its interruption", () =>
      Effect.gen(function* () {
        const mock = yield* Effect.acquireRelease(
          Effect.sync(() => new MockAgent()),
          (mock) => Effect.promise(() => mock.close())
        )
        const intercepted = yield* Deferred.make<void>()
        const reply = Promise.withResolvers<{ readonly statusCode: number }>()
        mock
          .get("http://a.example")
          .intercept({ path: "/" })
          .reply(() => {
            Deferred.doneUnsafe(intercepted, Effect.void)
            return reply.promise
          })
        const client = yield* build(UndiciHttpClient.layerDispatcher(mock))
        const fiber = yield* Effect.forkChild(client.get("http://a.example"))
        yield* Deferred.await(intercepted)
        yield* Fiber.interrupt(fiber)
        reply.resolve({ statusCode: 200 })
        // After this sleep, an error thrown into the dispatcher's promise would be an unhandled rejection.
        yield* Effect.sleep(1)
      })
    )

    it.live("can be a MockAgent", () =>
      Effect.gen(function* () {
        const mock = yield* Effect.acquireRelease(
          Effect.sync(() => new MockAgent()),
          (mock) => Effect.promise(() => mock.close())
        )
        mock.disableNetConnect()
        const pool = mock.get("http://a.example")
        pool
          .intercept({ path: "/ok?x=1", method: "POST", body: "{}" })
          .reply(201, { id: 1 }, { headers: { "X-A": "b" } })
        pool.intercept({ path: "/large" }).reply(200, "x".repeat(101))
        pool.intercept({ path: "/error" }).replyWithError(Object.assign(new Error("no"), { code: "ECONNRESET" }))
        const client = yield* build(UndiciHttpClient.layerDispatcher(mock, { maxBodyBytes: 100 }))
        const response = yield* client.post("http://a.example/ok", {
          urlParams: { x: "1" },
          body: HttpBody.jsonUnsafe({})
        })
        assert.strictEqual(response.status, 201)
        assert.strictEqual(response.headers["x-a"], "b")
        assert.deepStrictEqual(yield* response.json, { id: 1 })
        const tooLarge = yield* client.get("http://a.example/large")
        assertFault(yield* Effect.flip(tooLarge.text), "DecodeError", { kind: "size", sent: true })
        assertFault(yield* Effect.flip(client.get("http://a.example/error")), "TransportError", {
          kind: "network",
          sent: false,
          code: ["ECONNRESET"]
        })
        const unmatched = yield* Effect.flip(client.get("http://a.example/none"))
        assertFault(unmatched, "TransportError", {
          kind: "network",
          sent: false,
          code: ["UND_MOCK_ERR_MOCK_NOT_MATCHED"]
        })
      })
    )

    it.live("receives requests with its own timeouts disabled", () =>
      Effect.gen(function* () {
        const seen: Array<Dispatcher.DispatchOptions> = []
        const client = UndiciHttpClient.make(
          new ScriptedDispatcher((handler, options) => {
            seen.push(options)
            handler.onResponseError?.(controller, new Error("enough"))
          })
        )
        yield* Effect.flip(client.get("http://a.example"))
        assert.strictEqual(seen[0]?.headersTimeout, 0)
        assert.strictEqual(seen[0]?.bodyTimeout, 0)
      })
    )

    it.live("has returned from its callback before the fiber continues", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const client = UndiciHttpClient.make(
          new ScriptedDispatcher((handler) => {
            setImmediate(() => {
              handler.onRequestStart?.(controller, null)
              handler.onResponseStart?.(controller, 200, {})
              handler.onResponseEnd?.(controller, {})
              order.push("dispatcher")
            })
          })
        )
        yield* client.get("http://a.example")
        order.push("fiber")
        assert.deepStrictEqual(order, ["dispatcher", "fiber"])
      })
    )

    it.live("can call the handler after completion or more than once", () =>
      Effect.gen(function* () {
        const aborted: Array<string> = []
        const client = UndiciHttpClient.make(
          new ScriptedDispatcher((handler) => {
            const countingController = { ...controller, abort: (reason: Error) => aborted.push(reason.name) }
            handler.onRequestStart?.(countingController, null)
            handler.onResponseStart?.(countingController, 200, { "content-length": "5000" })
            handler.onResponseData?.(countingController, Buffer.from("12345"))
            handler.onResponseError?.(countingController, new Error("late"))
            handler.onResponseEnd?.(countingController, {})
            handler.onRequestStart?.(countingController, null)
          })
        )
        const response = yield* client.get("http://a.example").pipe(withAttempt(60_000, 4))
        assertFault(yield* Effect.flip(response.text), "DecodeError", { kind: "size", sent: true })
        assert.lengthOf(aborted, 2)
      })
    )

    it.live("stays open when the layer's scope closes", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => response.end("ok"))
        const agent = yield* Effect.acquireRelease(
          Effect.sync(() => new Agent()),
          (agent) => Effect.promise(() => agent.destroy())
        )
        for (let i = 0; i < 2; i++) {
          const scope = yield* Scope.make()
          const client = yield* build(UndiciHttpClient.layerDispatcher(agent)).pipe(Scope.provide(scope))
          assert.strictEqual(yield* (yield* client.get(origin)).text, "ok")
          yield* Scope.close(scope, Exit.void)
        }
        assert.isFalse(agent.destroyed)
      })
    )
  })

  describe("the connection pool", () => {
    it.live("closes all connections when its scope closes", () =>
      Effect.gen(function* () {
        const { closedSockets, requests, origin, sockets } = yield* serveQueued
        const silent = yield* serveSilent
        const scope = yield* Scope.make()
        const client = yield* makeClient({ connections: 2 }).pipe(Scope.provide(scope))
        const idle = yield* Effect.forkChild(client.get(`${origin}/idle`))
        const busy = yield* Effect.forkChild(client.get(`${origin}/busy`))
        for (const { request, response } of yield* Queue.takeN(requests, 2)) {
          if (request.url === "/idle") response.end()
        }
        yield* Fiber.join(idle)
        const connecting = yield* Effect.forkChild(client.get(`https://127.0.0.1:${silent.port}`))
        while (silent.sockets.length === 0) yield* Effect.sleep(1)

        yield* Scope.close(scope, Exit.void)
        yield* Queue.takeN(closedSockets, 2)
        // The pool closes this socket at once, not only after connectTimeout.
        yield* Queue.take(silent.closedSockets)
        assert.lengthOf(sockets, 2)
        for (const [call, sent] of [
          [Fiber.join(busy), true],
          [Fiber.join(connecting), false],
          [client.get(origin), false]
        ] as const) {
          assertFault(yield* Effect.flip(call), "TransportError", {
            kind: "network",
            sent,
            code: ["UND_ERR_DESTROYED"]
          })
        }
      })
    )

    it.live("closes a connection that is idle longer than keepAliveTimeout", () =>
      Effect.gen(function* () {
        // With a keepAliveTimeout of 0, the server sends no `Keep-Alive` header, which would take precedence.
        const { closedSockets, origin, sockets } = yield* listen(
          Http.createServer({ keepAliveTimeout: 0 }, (_, response) => response.end("ok"))
        )
        const client = yield* makeClient({ keepAliveTimeout: 20 })
        assert.strictEqual(yield* (yield* client.get(origin)).text, "ok")
        yield* Queue.take(closedSockets)
        assert.strictEqual(yield* (yield* client.get(origin)).text, "ok")
        assert.lengthOf(sockets, 2)
      })
    )

    it.live.each<readonly [options: UndiciHttpClient.Options, message: string]>([
      [{ connections: 0 }, `The pool option "connections" must be an integer of at least 1`],
      [{ connections: 1.5 }, `The pool option "connections" must be an integer of at least 1`],
      [{ connections: NaN }, `The pool option "connections" must be an integer of at least 1`],
      [{ pipelining: -1 }, `The pool option "pipelining" must be an integer of at least 0`]
    ])("is not built with the invalid option %o", ([options, message]) =>
      Effect.gen(function* () {
        const cause = yield* Effect.flip(Effect.sandbox(makeClient(options)))
        assert.isTrue(Cause.hasDies(cause))
        const error = Cause.squash(cause)
        assert.instanceOf(error, RangeError)
        assert.strictEqual(error.message, message)
      })
    )

    it.live("accepts infinite timeouts, and opens a connection for each request if pipelining is 0", () =>
      Effect.gen(function* () {
        const { origin, sockets } = yield* serve((_, response) => response.end("ok"))
        const client = yield* makeClient({
          connectTimeout: Duration.infinity,
          keepAliveTimeout: Duration.infinity,
          pipelining: 0
        })
        for (let i = 0; i < 3; i++) assert.strictEqual(yield* (yield* client.get(origin)).text, "ok")
        assert.lengthOf(sockets, 3)
      })
    )
  })
})
