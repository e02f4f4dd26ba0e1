import { AgentalkClient, Contacts, Retry, Sandbox } from "@agentalk/core"
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import process from "node:process"
import * as Zlib from "node:zlib"
import { Agent } from "undici"
import * as AgentalkNode from "../src/AgentalkNode.ts"
import * as UndiciHttpClient from "../src/UndiciHttpClient.ts"

/** An HTTP server on the loopback address, and where it listens. */
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
  const open = Effect.callback<number>((resume) => {
    server.getConnections((_, count) => resume(Effect.succeed(count)))
  })
  return { url: `http://127.0.0.1:${port}`, open }
})

const page = JSON.stringify({ contacts: [], total: 0 })
const answer = (response: Http.ServerResponse) => {
  response.setHeader("content-type", "application/json")
  response.end(page)
}

const connect = (baseUrl: string, options?: Partial<AgentalkNode.Options>) =>
  Effect.map(
    Layer.build(AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl, retry: Retry.none, ...options })),
    Context.get(Contacts)
  )

const search = (contacts: Contacts["Service"]) => contacts.search({ name: "Jane" })

describe("an interrupted call", () => {
  it.live("closes its connection before the server's script goes on", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const requested = yield* Deferred.make<void>()
      const closed = yield* Deferred.make<void>()
      const { url } = yield* serve((request, response) => {
        events.push("request")
        const script = setTimeout(() => events.push("script"), 10_000)
        response.on("close", () => {
          clearTimeout(script)
          events.push("close")
          Deferred.doneUnsafe(closed, Exit.void)
        })
        request.resume()
        Deferred.doneUnsafe(requested, Exit.void)
      })
      const contacts = yield* connect(url)
      const fiber = yield* Effect.forkChild(search(contacts))
      yield* Deferred.await(requested)
      const [latency] = yield* Effect.timed(Effect.andThen(Fiber.interrupt(fiber), Deferred.await(closed)))
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.deepStrictEqual(events, ["request", "close"])
      yield* Console.log(
        `\nFrom interrupting a call to its server seeing the close: ${Duration.toMillis(latency).toFixed(1)} ms\n`
      )
    })
  )

  it.live("leaves no connection pinned, nor do a thousand", () =>
    Effect.gen(function* () {
      let isSilent = true
      let requests = 0
      const { open, url } = yield* serve((_, response) => {
        requests++
        if (!isSilent) answer(response)
      })
      const contacts = yield* connect(url, { pool: { connections: 2 } })
      for (let wave = 0; wave < 20; wave++) {
        const fibers = yield* Effect.replicateEffect(Effect.forkChild(search(contacts)), 50)
        // Some are interrupted before they are sent, some after, and most in the queue.
        if (wave % 4 > 0) yield* Effect.sleep(wave % 4)
        yield* Fiber.interruptAll(fibers)
      }
      assert.isAbove(requests, 0)
      yield* Effect.repeat(open, {
        until: (count) => count <= 2,
        schedule: Schedule.spaced("5 millis")
      }).pipe(Effect.timeout("10 seconds"))
      isSilent = false
      const pages = yield* Effect.all(
        Array.from({ length: 20 }, () => search(contacts)),
        { concurrency: "unbounded" }
      ).pipe(Effect.timeout("10 seconds"))
      assert.strictEqual(pages.length, 20)
      assert.isAtMost(yield* open, 2)
    })
  )
})

describe("a redirect", () => {
  it.live.each([301, 302, 303, 307, 308])("%d is not followed, and the token goes nowhere else", (status) =>
    Effect.gen(function* () {
      const elsewhere: Array<string> = []
      const there = yield* serve((request, response) => {
        elsewhere.push(request.url ?? "")
        answer(response)
      })
      const here = yield* serve((request, response) => {
        request.resume()
        response.writeHead(status, { location: `${there.url}${request.url}` }).end()
      })
      const contacts = yield* connect(here.url)
      const error = yield* Effect.flip(search(contacts))
      assert.deepInclude(error, { _tag: "UnexpectedResponse", status, attempts: 1 })
      assert.strictEqual((yield* Effect.flip(contacts.upsert({ phone: "+15551234567" })))._tag, "UnexpectedResponse")
      assert.deepStrictEqual(elsewhere, [])
    })
  )
})

describe("a response over the size limit", () => {
  const whole = 200 * 1024 * 1024

  it.live.each([
    ["without a length", false],
    ["with its length", true]
  ])(
    "%s fails without filling memory, and its connection is closed",
    ([, isAnnounced]) =>
      Effect.gen(function* () {
        let written = 0
        const closed = yield* Deferred.make<boolean>()
        const piece = Buffer.alloc(65_536, " ")
        const { url } = yield* serve((_, response) => {
          response.setHeader("content-type", "application/json")
          if (isAnnounced) response.setHeader("content-length", whole)
          response.on("close", () => Deferred.doneUnsafe(closed, Exit.succeed(response.writableFinished)))
          const write = () => {
            while (written < whole && !response.destroyed) {
              written += piece.length
              if (!response.write(piece)) return
            }
            response.end()
          }
          response.on("drain", write)
          write()
        })
        const contacts = yield* connect(url, { maxBodySize: "1 MiB" })
        const before = process.memoryUsage()
        const error = yield* Effect.flip(search(contacts))
        assert.strictEqual(error._tag, "UnexpectedResponse")
        assert.include(error.message, "larger than allowed")
        const after = process.memoryUsage()
        assert.isFalse(yield* Deferred.await(closed))
        assert.isBelow(written, whole / 2)
        assert.isBelow(after.arrayBuffers - before.arrayBuffers, whole / 4)
        assert.isBelow(after.rss - before.rss, whole / 2)
      }),
    20_000
  )
})

describe("a small response that grows when it is decompressed", () => {
  const bombs = {
    gzip: Zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024)),
    br: Zlib.brotliCompressSync(Buffer.alloc(64 * 1024 * 1024), {
      params: { [Zlib.constants.BROTLI_PARAM_QUALITY]: 1 }
    })
  }

  it.live.each([
    { name: "our own client", client: UndiciHttpClient.layer, encoding: "gzip" },
    { name: "our own client", client: UndiciHttpClient.layer, encoding: "br" },
    { name: "fetch", client: FetchHttpClient.layer, encoding: "gzip" },
    { name: "fetch", client: FetchHttpClient.layer, encoding: "br" }
  ] as const)("is held to the size limit over $name: $encoding", ({ client, encoding }) =>
    Effect.gen(function* () {
      const { url } = yield* serve((_, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-encoding": encoding })
        response.end(bombs[encoding])
      })
      const live = AgentalkClient.layer({ token: Sandbox.token, baseUrl: url, maxBodySize: "1 MiB", retry: Retry.none })
      const contacts = Context.get(yield* Layer.build(Layer.provide(live, client)), Contacts)
      const before = process.memoryUsage().arrayBuffers
      const error = yield* Effect.flip(search(contacts))
      assert.strictEqual(error._tag, "UnexpectedResponse")
      assert.include(error.message, "larger than allowed")
      assert.isBelow(process.memoryUsage().arrayBuffers - before, 32 * 1024 * 1024)
    })
  )
})

describe("the timeouts of undici", () => {
  it.live("do not beat those of a call", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((request, response) => {
        if (request.url?.includes("late-head")) {
          setTimeout(() => answer(response), 2500)
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
      const live = AgentalkClient.layer({ token: Sandbox.token, baseUrl: url, retry: Retry.none }).pipe(
        Layer.provide(UndiciHttpClient.layerDispatcher(agent))
      )
      const contacts = Context.get(yield* Layer.build(live), Contacts)
      const pages = yield* Effect.all(
        ["late-head", "late-body"].map((name) => contacts.search({ name })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(pages.length, 2)
    })
  )
})
