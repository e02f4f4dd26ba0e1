import { AgentalkClient, Contacts, Retry, Sandbox, TimeLimit } from "@agentalk/core"
import { CurrentAttempt } from "@agentalk/core/unstable"
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import process from "node:process"
import * as Zlib from "node:zlib"
import { Agent } from "undici"
import * as AgentalkNode from "../src/AgentalkNode.ts"
import * as UndiciHttpClient from "../src/UndiciHttpClient.ts"

/** An HTTP server on the loopback address, with its URL and the number of its open connections. */
const serve = Effect.fnUntraced(function* (listener: Http.RequestListener) {
  const server = yield* Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer(listener)
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const { port } = server.address() as AddressInfo
  const openConnections = Effect.callback<number>((resume) => {
    server.getConnections((_, count) => resume(Effect.succeed(count)))
  })
  return { url: `http://127.0.0.1:${port}`, openConnections }
})

const page = JSON.stringify({ contacts: [], total: 0 })
const respondWithPage = (response: Http.ServerResponse) => {
  response.setHeader("content-type", "application/json")
  response.end(page)
}

const makeContacts = (baseUrl: string, options?: Partial<AgentalkNode.Options>) =>
  Effect.map(
    Layer.build(AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl, retry: Retry.none, ...options })),
    Context.get(Contacts)
  )

const search = (contacts: Contacts["Service"]) => contacts.search({ name: "Jane" })

describe("an interrupted call", () => {
  it.live("closes its connection while the server is still working on the request", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const requested = yield* Deferred.make<void>()
      const closed = yield* Deferred.make<void>()
      const { url } = yield* serve((request, response) => {
        events.push("request")
        const work = setTimeout(() => events.push("work done"), 10_000)
        response.on("close", () => {
          clearTimeout(work)
          events.push("close")
          Deferred.doneUnsafe(closed, Exit.void)
        })
        request.resume()
        Deferred.doneUnsafe(requested, Exit.void)
      })
      const contacts = yield* makeContacts(url)
      const fiber = yield* Effect.forkChild(search(contacts))
      yield* Deferred.await(requested)
      const [latency] = yield* Effect.timed(Effect.andThen(Fiber.interrupt(fiber), Deferred.await(closed)))
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.deepStrictEqual(events, ["request", "close"])
      yield* Console.log(
        `\nThe server saw the close ${Duration.toMillis(latency).toFixed(1)} ms after the call was interrupted.\n`
      )
    })
  )

  it.live("leaves no connection busy, even if 1,000 calls are interrupted", () =>
    Effect.gen(function* () {
      let isSilent = true
      let requests = 0
      const { openConnections, url } = yield* serve((_, response) => {
        requests++
        if (!isSilent) respondWithPage(response)
      })
      const contacts = yield* makeContacts(url, { pool: { connections: 2 } })
      for (let wave = 0; wave < 20; wave++) {
        const fibers = yield* Effect.replicateEffect(Effect.forkChild(search(contacts)), 50)
        // Some calls are interrupted before they are sent, some after, and most in the queue of the pool.
        if (wave % 4 > 0) yield* Effect.sleep(wave % 4)
        yield* Fiber.interruptAll(fibers)
      }
      assert.isAbove(requests, 0)
      yield* Effect.repeat(openConnections, {
        until: (count) => count <= 2,
        schedule: Schedule.spaced("5 millis")
      }).pipe(Effect.timeout("10 seconds"))
      isSilent = false
      const pages = yield* Effect.all(
        Array.from({ length: 20 }, () => search(contacts)),
        { concurrency: "unbounded" }
      ).pipe(Effect.timeout("10 seconds"))
      assert.strictEqual(pages.length, 20)
      assert.isAtMost(yield* openConnections, 2)
    })
  )
})

describe("a redirect", () => {
  it.live.each([301, 302, 303, 307, 308])(
    "with status %d is not followed, so the token is not sent to another server",
    (status) =>
      Effect.gen(function* () {
        const targetRequests: Array<string> = []
        const target = yield* serve((request, response) => {
          targetRequests.push(request.url ?? "")
          respondWithPage(response)
        })
        const redirecting = yield* serve((request, response) => {
          request.resume()
          response.writeHead(status, { location: `${target.url}${request.url}` }).end()
        })
        const contacts = yield* makeContacts(redirecting.url)
        const error = yield* Effect.flip(search(contacts))
        assert.deepInclude(error, { _tag: "UnexpectedResponse", status, attempts: 1 })
        assert.strictEqual((yield* Effect.flip(contacts.upsert({ phone: "+15551234567" })))._tag, "UnexpectedResponse")
        assert.deepStrictEqual(targetRequests, [])
      })
  )
})

describe("a response over the size limit", () => {
  const bodySize = 200 * 1024 * 1024

  it.live.each([
    ["without a content-length", false],
    ["with a content-length", true]
  ])(
    "%s fails without being kept in memory, and its connection closes",
    ([, hasContentLength]) =>
      Effect.gen(function* () {
        let written = 0
        const closed = yield* Deferred.make<boolean>()
        const chunk = Buffer.alloc(65_536, " ")
        const { url } = yield* serve((_, response) => {
          response.setHeader("content-type", "application/json")
          if (hasContentLength) response.setHeader("content-length", bodySize)
          response.on("close", () => Deferred.doneUnsafe(closed, Exit.succeed(response.writableFinished)))
          const write = () => {
            while (written < bodySize && !response.destroyed) {
              written += chunk.length
              if (!response.write(chunk)) return
            }
            response.end()
          }
          response.on("drain", write)
          write()
        })
        const contacts = yield* makeContacts(url, { maxBodySize: "1 MiB" })
        const before = process.memoryUsage()
        const error = yield* Effect.flip(search(contacts))
        assert.strictEqual(error._tag, "UnexpectedResponse")
        assert.include(error.message, "larger than allowed")
        const after = process.memoryUsage()
        assert.isFalse(yield* Deferred.await(closed))
        assert.isBelow(written, bodySize / 2)
        assert.isBelow(after.arrayBuffers - before.arrayBuffers, bodySize / 4)
        assert.isBelow(after.rss - before.rss, bodySize / 2)
      }),
    20_000
  )
})

describe("a small compressed response with large content", () => {
  const compressedBodies = {
    gzip: Zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024)),
    br: Zlib.brotliCompressSync(Buffer.alloc(64 * 1024 * 1024), {
      params: { [Zlib.constants.BROTLI_PARAM_QUALITY]: 1 }
    })
  }

  it.live.each([
    { name: "UndiciHttpClient", client: UndiciHttpClient.layer, encoding: "gzip" },
    { name: "UndiciHttpClient", client: UndiciHttpClient.layer, encoding: "br" },
    { name: "FetchHttpClient", client: FetchHttpClient.layer, encoding: "gzip" },
    { name: "FetchHttpClient", client: FetchHttpClient.layer, encoding: "br" }
  ] as const)("exceeds the size limit of $name with $encoding", ({ client, encoding }) =>
    Effect.gen(function* () {
      const { url } = yield* serve((_, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-encoding": encoding })
        response.end(compressedBodies[encoding])
      })
      const layerContacts = AgentalkClient.layer({
        token: Sandbox.token,
        baseUrl: url,
        maxBodySize: "1 MiB",
        retry: Retry.none
      })
      const contacts = Context.get(yield* Layer.build(Layer.provide(layerContacts, client)), Contacts)
      const before = process.memoryUsage().arrayBuffers
      const error = yield* Effect.flip(search(contacts))
      assert.strictEqual(error._tag, "UnexpectedResponse")
      assert.include(error.message, "larger than allowed")
      assert.isBelow(process.memoryUsage().arrayBuffers - before, 32 * 1024 * 1024)
    })
  )
})

describe("the timeouts of undici", () => {
  it.live("do not end a call before its own timeout", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((request, response) => {
        if (request.url?.includes("late-head")) {
          setTimeout(() => respondWithPage(response), 2500)
          return
        }
        response.writeHead(200, { "content-type": "application/json" })
        response.write(page.slice(0, 5))
        setTimeout(() => response.end(page.slice(5)), 2500)
      })
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => new Agent({ headersTimeout: 100, bodyTimeout: 100 })),
        (agent) => Effect.promise(() => agent.destroy())
      )
      const layerContacts = AgentalkClient.layer({ token: Sandbox.token, baseUrl: url, retry: Retry.none }).pipe(
        Layer.provide(UndiciHttpClient.layerDispatcher(agent))
      )
      const contacts = Context.get(yield* Layer.build(layerContacts), Contacts)
      const pages = yield* Effect.all(
        ["late-head", "late-body"].map((name) => contacts.search({ name })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(pages.length, 2)
    })
  )
})

const layerPool = UndiciHttpClient.layerOptions({ connections: 1 })

const mapClient = (f: (client: HttpClient.HttpClient) => HttpClient.HttpClient) =>
  Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, f)).pipe(Layer.provide(layerPool))

// The SDK starts a timer of its own only for a client behind middleware.
const clientsByTimer = {
  "the transport's timer": layerPool,
  "the SDK's timer": mapClient(
    HttpClient.transform((execute) =>
      Effect.updateService(
        execute,
        CurrentAttempt,
        (attempt) => attempt && { ...attempt, deadline: Number.POSITIVE_INFINITY }
      )
    )
  ),
  "the first of both timers": mapClient(HttpClient.mapRequest(identity))
}

describe.concurrent.each(Object.entries(clientsByTimer))("an attempt that is ended by %s", (_, client) => {
  /** A server that never completes the response to an upsert, and `Contacts` with one open connection to it. */
  const setUp = Effect.fnUntraced(function* (onUpsert: (response: Http.ServerResponse) => void) {
    const upserts: Array<string> = []
    const searchReceived = yield* Deferred.make<void>()
    let isHoldingSearches = false
    const { url } = yield* serve((request, response) => {
      request.resume()
      if (request.method === "POST") {
        upserts.push(request.url ?? "")
        onUpsert(response)
      } else if (isHoldingSearches) {
        Deferred.doneUnsafe(searchReceived, Exit.void)
      } else {
        respondWithPage(response)
      }
    })
    const layerContacts = AgentalkClient.layer({ token: Sandbox.token, baseUrl: url, retry: Retry.none })
    const contacts = Context.get(yield* Layer.build(Layer.provide(layerContacts, client)), Contacts)
    yield* search(contacts)
    const holdConnection = Effect.suspend(() => {
      isHoldingSearches = true
      return Effect.tap(Effect.forkChild(search(contacts)), () => Deferred.await(searchReceived))
    })
    const releaseConnection = (fiber: Fiber.Fiber<unknown, unknown>) =>
      Effect.andThen(
        Effect.sync(() => (isHoldingSearches = false)),
        Fiber.interrupt(fiber)
      )
    const timeout = Effect.flip(contacts.upsert({ phone: "+15551234567" })).pipe(
      // Long enough to send a request and to receive a head on a busy machine.
      TimeLimit.withLimits({ attempt: "1 second" })
    )
    return { contacts, holdConnection, releaseConnection, timeout, upserts }
  })

  it.live("has the outcome not-applied if the request is still in the queue of the pool", () =>
    Effect.gen(function* () {
      const { contacts, holdConnection, releaseConnection, timeout, upserts } = yield* setUp(() => {})
      const held = yield* holdConnection
      const error = yield* timeout
      assert.deepInclude(error, { _tag: "Timeout", outcome: "not-applied", attempts: 1 })
      assert.notProperty(error, "status")
      yield* releaseConnection(held)
      yield* search(contacts)
      assert.lengthOf(upserts, 0)
    })
  )

  it.live("has the outcome unknown if the request was sent and no response head arrived", () =>
    Effect.gen(function* () {
      const { contacts, timeout, upserts } = yield* setUp(() => {})
      const error = yield* timeout
      assert.deepInclude(error, { _tag: "Timeout", outcome: "unknown", attempts: 1 })
      assert.notProperty(error, "status")
      assert.lengthOf(upserts, 1)
      yield* search(contacts)
    })
  )

  it.live("has the outcome applied if the head of a JSON response with status 201 arrived", () =>
    Effect.gen(function* () {
      const { contacts, timeout, upserts } = yield* setUp((response) => {
        response.writeHead(201, { "content-type": "application/json", "x-request-id": "request-1" })
        response.write(`{"contact":`)
      })
      const error = yield* timeout
      assert.deepInclude(error, {
        _tag: "Timeout",
        outcome: "applied",
        attempts: 1,
        status: 201,
        requestId: "request-1"
      })
      assert.lengthOf(upserts, 1)
      yield* search(contacts)
    })
  )
})
