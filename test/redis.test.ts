import { CircuitBreaker, Contacts, Faults, RateLimit, Retry, Sandbox } from "@agentalk/core"
import { AgentalkNode, SandboxServer } from "@agentalk/node"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { execFile, spawn, spawnSync } from "node:child_process"
import { createServer, type AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"

const isInstalled = spawnSync("redis-server", ["--version"]).status === 0

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** A Redis server for one test, on its own port and without files. */
const redis = Effect.gen(function* () {
  const port = yield* freePort
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
  const start = Effect.acquireRelease(
    Effect.sync(() => spawn("redis-server", options, { stdio: "ignore" })),
    (server) => Effect.sync(() => server.kill())
  )
  const server = yield* start
  const stop = Effect.callback<void>((resume) => {
    server.once("exit", () => resume(Effect.void))
    server.kill()
  })
  const layer = NodeRedis.layer({ socket: { host: "127.0.0.1", port } })
  yield* Effect.scoped(Layer.build(layer)).pipe(
    Effect.provide(Logger.layer([])),
    Effect.retry({ times: 200, schedule: Schedule.spaced("20 millis") })
  )
  return { layer, port, start, stop }
})

/** Runs a process that makes calls, and returns the result of each call. */
const run = (url: string, settings: { readonly port: number; readonly calls: number; readonly limit: number }) =>
  Effect.callback<ReadonlyArray<string>>((resume) => {
    const env = {
      ...process.env,
      TEST_URL: url,
      TEST_REDIS_PORT: String(settings.port),
      TEST_CALLS: String(settings.calls),
      TEST_LIMIT: String(settings.limit)
    }
    const program = fileURLToPath(new URL("fixtures/limited-process.ts", import.meta.url))
    const child = execFile(process.execPath, [program], { env }, (error, stdout, stderr) =>
      resume(
        error === null ? Effect.succeed(stdout.trim().split("\n")) : Effect.die(new Error(stderr, { cause: error }))
      )
    )
    return Effect.sync(() => child.kill())
  })

const processes = 4

/** The largest number of requests within one second. A window starts at every request. */
const maxInOneSecond = (times: ReadonlyArray<number>): number =>
  Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + 1000).length))

describe.runIf(isInstalled)(`policies in Redis${isInstalled ? "" : " (skipped: redis-server is missing)"}`, () => {
  it.live(
    "four processes together never exceed a shared rate limit",
    () =>
      Effect.gen(function* () {
        const { port } = yield* redis
        const { url } = yield* SandboxServer.Address
        const state = yield* Sandbox.State
        const times: Array<number> = []
        yield* state.script(() => {
          times.push(performance.now())
          return undefined
        })
        const limit = 5
        const calls = 5
        const results = yield* Effect.all(
          Array.from({ length: processes }, () => run(url, { port, calls, limit })),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          results,
          Array.from({ length: processes }, () => Array.from({ length: calls }, () => "ok"))
        )
        assert.strictEqual(times.length, processes * calls)
        const maximum = maxInOneSecond(times)
        assert.isAtMost(maximum, limit)
        yield* Console.log(
          `\nShared rate limit: ${processes} processes, ${limit} requests per second, at most ${maximum} arrived in one second\n`
        )
      }).pipe(Effect.provide(SandboxServer.layer)),
    60_000
  )

  it.live(
    "a circuit that one process opened rejects the calls of another process",
    () =>
      Effect.gen(function* () {
        const { port } = yield* redis
        const { url } = yield* SandboxServer.Address
        const state = yield* Sandbox.State
        yield* state.script(Faults.script({ times: Infinity, fault: Faults.status(503, { strikes: "before" }) }))
        assert.deepStrictEqual(
          yield* run(url, { port, calls: 3, limit: 1000 }),
          Array.from({ length: 3 }, () => "ServerFault")
        )
        assert.deepStrictEqual(yield* run(url, { port, calls: 2, limit: 1000 }), ["CircuitOpen", "CircuitOpen"])
        assert.strictEqual((yield* state.requests).length, 3)
      }).pipe(Effect.provide(SandboxServer.layer)),
    60_000
  )

  it.live(
    "calls succeed while Redis is unavailable, and a warning is logged",
    () =>
      Effect.gen(function* () {
        const { layer, start, stop } = yield* redis
        const { url } = yield* SandboxServer.Address
        const warnings: Array<string> = []
        const logger = Logger.layer([Logger.make(({ message }) => warnings.push(String(message)))])
        const client = AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl: url, retry: Retry.none }).pipe(
          Layer.provide(Layer.merge(RateLimit.layerRedis({ limit: 1, window: "1 day" }), CircuitBreaker.layerRedis())),
          Layer.provide(layer)
        )
        yield* Effect.gen(function* () {
          const contacts = yield* Contacts
          yield* contacts.search({ name: "Jane" })
          yield* stop
          yield* Effect.replicateEffect(contacts.search({ name: "Jane" }), 3)
          yield* start
          // The rate limit applies again once Redis is back.
          const error = yield* Effect.repeat(Effect.result(contacts.search({ name: "Jane" })), {
            until: Result.isFailure,
            schedule: Schedule.spaced("50 millis")
          })
          assert.strictEqual(Result.isFailure(error) ? error.failure._tag : "", "RateLimited")
        }).pipe(Effect.provide(Layer.provideMerge(client, logger)), Effect.timeout("20 seconds"))
        assert.isTrue(warnings.some((warning) => warning.includes("The rate limit is not enforced")))
      }).pipe(Effect.provide(SandboxServer.layer)),
    60_000
  )
})
