/**
 * The canary test: calls of every operation carry unique values, which must not appear in telemetry or errors. The test
 * records all telemetry, so that it covers telemetry that is added later.
 */
import {
  AgentalkClient,
  type Contacts,
  ContactsStream,
  Faults,
  Retry,
  Sandbox,
  TimeLimit,
  type Token
} from "@agentalk/core"
import { SandboxServer, UndiciHttpClient } from "@agentalk/node"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { operationNames } from "../packages/core/src/internal/operation.ts"
import { call, canary, input, leaksInAll, type Piece, pieces, errorTexts, causeTexts, token } from "./Canary.ts"
import { metricPieces, record, type Recording } from "./CanaryRecorder.ts"
import * as EchoServer from "./EchoServer.ts"
import { type Row, rows } from "./FaultMatrix.ts"
import { definitionOf } from "./OperationCalls.ts"

const policy = { attempts: 2, baseDelay: "1 millis", maxRetryAfter: "500 millis" } as const

const options: AgentalkClient.Options = {
  token,
  organization: canary.organization,
  maxBodySize: "256 KiB",
  retry: policy
}

const sockets = { UndiciHttpClient: UndiciHttpClient.layer, FetchHttpClient: FetchHttpClient.layer }

const overSocket = Object.entries(sockets).map(([name, layer]) => ({ name, layer }))

vi.setConfig({ testTimeout: 60_000 })

/** Runs every operation concurrently, each with its own recording. */
const recordAll = (contacts: Contacts["Service"], id: string = canary.id) =>
  Effect.forEach(
    operationNames,
    (operation) => Effect.map(record(call(contacts, operation, id)), (recording) => ({ operation, ...recording })),
    { concurrency: "unbounded" }
  )

/** The texts of a recording to search: its telemetry, and its error if the call failed. */
const piecesOf = ({ exit, telemetry }: Recording<unknown, unknown>): ReadonlyArray<Piece> => [
  ...telemetry,
  ...(Exit.isFailure(exit)
    ? exit.cause.reasons.flatMap((reason) => [
        ...pieces("an error", "error", reason._tag === "Fail" ? errorTexts(reason.error) : []),
        ...pieces("a cause", "error", causeTexts(exit.cause))
      ])
    : [])
]

const assertNoLeak = (recordings: ReadonlyArray<Recording<unknown, unknown>>): void =>
  assert.deepStrictEqual(leaksInAll(recordings.flatMap(piecesOf)), [])

const failuresOf = (recordings: ReadonlyArray<Recording<unknown, unknown>>): number =>
  recordings.filter(({ exit }) => Exit.isFailure(exit)).length

/** Records every operation while every request meets a fault. */
const recordWithFault = Effect.fnUntraced(function* ({ attempt, fault }: Row, contacts: Contacts["Service"]) {
  const state = yield* Sandbox.State
  const [seeded] = yield* state.seed([input], canary.organization)
  yield* state.script(Faults.script({ times: Infinity, fault }))
  return yield* TimeLimit.withLimits(recordAll(contacts, seeded?.id), { attempt, deadline: "10 seconds" })
})

const mustFail = operationNames.filter((operation) => definitionOf(operation).isDoneIfMissing !== true)

/** An operation that treats a 404 on a retry as success may succeed. A slow response is no failure. */
const minimumFailures = ({ name }: Row): number => (name.startsWith("slow") ? 0 : mustFail.length)

const sandbox = { tokens: [token] }

describe("telemetry and errors after a fault", () => {
  describe.concurrent.each(overSocket)("over a socket, $name", ({ layer }) => {
    it.live.each(rows)("contain no canary value: $name", (row) =>
      Effect.gen(function* () {
        const { url } = yield* SandboxServer.Address
        const contacts = yield* AgentalkClient.make({ ...options, baseUrl: url })
        const recordings = yield* recordWithFault(row, contacts)
        assert.isAtLeast(failuresOf(recordings), minimumFailures(row))
        assertNoLeak(recordings)
      }).pipe(Effect.provide([SandboxServer.layerOptions(sandbox), layer]))
    )
  })

  describe("in memory", () => {
    it.effect.each(rows)("contain no canary value: $name", (row) =>
      Effect.gen(function* () {
        const contacts = yield* AgentalkClient.make({ ...options, baseUrl: "http://localhost" })
        const fiber = yield* Effect.forkChild(recordWithFault(row, contacts))
        yield* TestClock.adjust("5 minutes")
        const recordings = yield* Fiber.join(fiber)
        assert.isAtLeast(failuresOf(recordings), minimumFailures(row))
        assertNoLeak(recordings)
      }).pipe(Effect.provide(Sandbox.layerHttpClientOptions(sandbox)))
    )
  })
})

describe("a success", () => {
  const assertNoLeakOnSuccess = Effect.fnUntraced(function* (contacts: Contacts["Service"]) {
    const state = yield* Sandbox.State
    const recordings = yield* Effect.forEach(operationNames, (operation) =>
      // Each operation finds a complete contact, also after one that deletes a part of it.
      Effect.flatMap(state.seed([input], canary.organization), ([seeded]) =>
        record(call(contacts, operation, seeded?.id ?? ""))
      )
    )
    assert.strictEqual(failuresOf(recordings), 0)
    assertNoLeak(recordings)
  })

  it.live.each(overSocket)("contains no canary value over a socket, $name", ({ layer }) =>
    Effect.gen(function* () {
      const { url } = yield* SandboxServer.Address
      yield* assertNoLeakOnSuccess(yield* AgentalkClient.make({ ...options, baseUrl: url }))
    }).pipe(Effect.provide([SandboxServer.layerOptions(sandbox), layer]))
  )

  it.effect("contains no canary value in memory", () =>
    Effect.gen(function* () {
      yield* assertNoLeakOnSuccess(yield* AgentalkClient.make({ ...options, baseUrl: "http://localhost" }))
    }).pipe(Effect.provide(Sandbox.layerHttpClientOptions(sandbox)))
  )
})

describe("telemetry and errors after a response that echoes the request", () => {
  const shapes = Object.keys(EchoServer.shapes)

  it.effect.each(shapes)("contain no canary value in memory: %s", (shape) =>
    Effect.forEach(
      shape === "detail" ? EchoServer.statuses : EchoServer.sampleStatuses,
      Effect.fnUntraced(function* (status) {
        const contacts = yield* AgentalkClient.make({ ...options, retry: Retry.none }).pipe(
          Effect.provideService(HttpClient.HttpClient, EchoServer.inMemory(shape, status))
        )
        const recordings = yield* recordAll(contacts)
        if (status >= 300) assert.strictEqual(failuresOf(recordings), operationNames.length)
        assertNoLeak(recordings)
      })
    )
  )

  describe.concurrent.each(overSocket)("over a socket, $name", ({ layer }) => {
    it.live.each(shapes)("contain no canary value: %s", (shape) =>
      Effect.gen(function* () {
        const server = yield* EchoServer.onSocket
        for (const status of EchoServer.sampleStatuses) {
          const contacts = yield* AgentalkClient.make({ ...options, baseUrl: server.baseUrl(shape, status) })
          const recordings = yield* recordAll(contacts)
          if (status >= 300) assert.strictEqual(failuresOf(recordings), operationNames.length)
          assertNoLeak(recordings)
        }
        // No trace header is sent to the vendor, although a tracer is installed.
        const propagated = server.headers.filter((name) => /trace|b3|baggage/.test(name))
        assert.deepStrictEqual(propagated, [])
        assert.include(server.headers, "authorization")
      }).pipe(Effect.provide(layer))
    )

    it.live.each(Object.entries(EchoServer.malformed))("contain no canary value: %s", ([, toResponse]) =>
      Effect.gen(function* () {
        const baseUrl = yield* EchoServer.malformedServer(toResponse)
        const recordings = yield* recordAll(yield* AgentalkClient.make({ ...options, baseUrl }))
        assert.isAbove(failuresOf(recordings), 0)
        assertNoLeak(recordings)
      }).pipe(Effect.provide(layer))
    )
  })
})

const clientOf = (client: HttpClient.HttpClient, more: Partial<AgentalkClient.Options> = {}) =>
  AgentalkClient.make({ ...options, ...more }).pipe(Effect.provideService(HttpClient.HttpClient, client))

describe("telemetry and errors of a call without a response", () => {
  it.live.each(["ECONNRESET", "ECONNREFUSED", "+16467378899", canary.secret])(
    "contain no canary value after a transport error that contains the request: %s",
    (code) =>
      Effect.gen(function* () {
        const recordings = yield* recordAll(yield* clientOf(EchoServer.failingClient(code)))
        assert.strictEqual(failuresOf(recordings), operationNames.length)
        assertNoLeak(recordings)
      })
  )

  it.live("contain no canary value after a rejected input", () =>
    Effect.gen(function* () {
      const contacts = yield* clientOf(EchoServer.failingClient("ECONNRESET"))
      const { email, firstName, id, phone, secret, tag } = { ...canary }
      const rejected: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        contacts.upsert({ ...input, phone: firstName }),
        contacts.upsert({ ...input, email: firstName, tags: [" "], firstName: phone }),
        contacts.upsert({ ...input, [phone]: tag, fields: { [phone]: Number.NaN, [email]: 1n as never } }),
        contacts.upsert(phone as never),
        contacts.delete(firstName),
        contacts.delete(`${id} ${phone}`),
        contacts.updateFields(id, { city: Symbol(secret) as never }),
        contacts.removeTag(id, `${tag}/../${phone}`),
        contacts.addTags(id, [phone, 7 as never]),
        contacts.search({ phone, name: "", limit: canary.fieldNumber + 0.5 }),
        AgentalkClient.withOrganization(contacts.delete(id), `${canary.organization}\r\nx: ${secret}`)
      ]
      const recordings = yield* Effect.forEach(rejected, record)
      assert.strictEqual(failuresOf(recordings), rejected.length)
      assertNoLeak(recordings)
    })
  )

  it.live("contain no canary value if the token is missing or invalid", () =>
    Effect.gen(function* () {
      const echo = `${Redacted.value(token)} ${canary.phone}`
      const tokens: ReadonlyArray<Token> = [
        Effect.fail({ message: echo, cause: echo }),
        Effect.succeed(Redacted.make(echo, { label: "a token" })),
        Effect.succeed(echo as never)
      ]
      for (const token of tokens) {
        const recordings = yield* recordAll(yield* clientOf(EchoServer.failingClient("ECONNRESET"), { token }))
        assert.strictEqual(failuresOf(recordings), operationNames.length)
        assertNoLeak(recordings)
      }
    })
  )

  it.live("contain no canary value after rejected client options", () =>
    Effect.gen(function* () {
      const settings: ReadonlyArray<Partial<AgentalkClient.Options>> = [
        { token: Redacted.make(`Bearer ${Redacted.value(token)}`) },
        { token: Redacted.value(token) as never },
        { baseUrl: `https://${canary.secret}:x@example.com` },
        { baseUrl: `http://example.com/${canary.phone}` },
        { organization: `${canary.organization} ` },
        { maxBodySize: canary.phone as never },
        { deadline: canary.secret as never }
      ]
      const recordings = yield* Effect.forEach(settings, (more) =>
        record(clientOf(EchoServer.failingClient("ECONNRESET"), more))
      )
      assert.strictEqual(failuresOf(recordings), settings.length)
      assertNoLeak(recordings)
    })
  )

  it.live("contain no canary value after an interruption", () =>
    Effect.gen(function* () {
      const contacts = yield* clientOf(HttpClient.make(() => Effect.never))
      const recordings = yield* Effect.forEach(operationNames, (operation) =>
        record(
          Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(call(contacts, operation, canary.id), { startImmediately: true })
            yield* Fiber.interrupt(fiber)
            return yield* Fiber.join(fiber)
          })
        )
      )
      assert.strictEqual(failuresOf(recordings), operationNames.length)
      assertNoLeak(recordings)
    })
  )
})

describe("telemetry and row errors of bulk operations", () => {
  const failures = [...new Set(EchoServer.statuses.filter((status) => status >= 400))]

  it.live.each(failures)("contain no canary value after status %d", (status) =>
    Effect.gen(function* () {
      const inputs = [input, { ...input, phone: canary.firstName }, input]
      const ids = [canary.id, canary.firstName]
      const bulk = [
        Stream.runCollect(ContactsStream.upsertAll(Stream.fromIterable(inputs))),
        Stream.runCollect(ContactsStream.deleteAll(Stream.fromIterable(ids))),
        Stream.runCollect(ContactsStream.search({ phone: canary.phone }))
      ]
      for (const effect of bulk) {
        const recording = yield* record(Effect.map(effect as Effect.Effect<unknown, unknown, Contacts>, rowErrors))
        assertNoLeak([recording])
        if (Exit.isSuccess(recording.exit)) {
          const { value } = recording.exit
          assert.isNotEmpty(value)
          assert.deepStrictEqual(leaksInAll(value.flatMap((error) => pieces("a row", "error", errorTexts(error)))), [])
        }
      }
    }).pipe(
      Effect.provide(
        AgentalkClient.layer(options).pipe(
          Layer.provide(Layer.succeed(HttpClient.HttpClient, EchoServer.inMemory("detail", status)))
        )
      )
    )
  )
})

/** Returns the errors of the failed rows. */
const rowErrors = (results: unknown): ReadonlyArray<unknown> =>
  (results as ReadonlyArray<{ readonly error?: unknown }>).flatMap(({ error }) => (error === undefined ? [] : [error]))

// Clients that were created outside a recording use the metrics of the process.
it.effect("the metrics of the process contain no canary value", () =>
  Effect.map(Metric.snapshot, (snapshot) => assert.deepStrictEqual(leaksInAll(metricPieces(snapshot)), []))
)
