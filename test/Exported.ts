/** A program whose calls succeed and fail in many ways, and the telemetry that Effect's exporters send for it. */
import { CircuitBreaker, Contacts, Faults, Retry, Sandbox, Telemetry } from "@agentalk/core"
import { AgentalkNode, SandboxServer } from "@agentalk/node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Otlp from "effect/observability/Otlp"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Random from "effect/Random"
import * as References from "effect/References"
import { canary, input, type Piece, token } from "./Canary.ts"
import * as Collector from "./Collector.ts"

const before = { strikes: "before" } as const
/** A script counts requests, so each run needs a new one. */
const makeScript = () =>
  Faults.script(
    { method: "POST", path: /contacts$/, fault: Faults.status(503, before) },
    { path: "/search", fault: Faults.status(429, { ...before, headers: { "retry-after-ms": "20" } }) },
    { path: "/tags", fault: Faults.reset(before) },
    { path: "/search", nth: 3, fault: Faults.status(500, before) }
  )

const isRecorded = (name: keyof typeof Telemetry.metrics) =>
  Effect.andThen(
    Effect.yieldNow,
    Effect.map(Metric.snapshot, (snapshots) => snapshots.some(({ id }) => id === name))
  )

/** Makes calls with every kind of result. */
const work = Effect.gen(function* () {
  yield* (yield* Sandbox.State).script(makeScript())
  const contacts = yield* Contacts
  const { contact } = yield* contacts.upsert(input)
  yield* contacts.search({ phone: canary.phone })
  yield* contacts.addTags(contact.id, [canary.tag])
  yield* Effect.flip(contacts.delete(canary.id))
  yield* Effect.flip(contacts.upsert({ ...input, email: `${canary.email}@` }))
  yield* Effect.flip(contacts.search({ name: canary.firstName })).pipe(
    Retry.withPolicy(Retry.none),
    // The circuit breaker records its state in its own fiber.
    Effect.andThen(
      Effect.repeat(isRecorded("agentalk.client.circuit_breaker.state"), { until: (recorded) => recorded })
    ),
    Effect.provide(CircuitBreaker.layer({ failures: 1 }))
  )
}).pipe(
  Effect.withSpan("job"),
  Effect.provideService(Random.Random, { nextDoubleUnsafe: () => 0.5, nextIntUnsafe: () => 1 })
)

const runWith = Effect.fnUntraced(function* (layerOtlp: typeof Otlp.layerJson) {
  const { url } = yield* SandboxServer.Address
  const { exports, url: baseUrl } = yield* Collector.Collector
  const telemetry = layerOtlp({ baseUrl, resource: { serviceName: "test" }, loggerMergeWithExisting: false }).pipe(
    Layer.provide(FetchHttpClient.layer)
  )
  const client = AgentalkNode.layerOptions({ token, baseUrl: url, retry: { baseDelay: "20 millis" } })
  yield* work.pipe(Effect.provide([client, telemetry]), Effect.provideService(References.MinimumLogLevel, "Debug"))
  return { exports, prometheus: yield* PrometheusMetrics.format(), server: new URL(url) }
})

/** Runs the program once. */
export const run = (layerOtlp: typeof Otlp.layerJson) =>
  runWith(layerOtlp).pipe(
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provide([SandboxServer.layerOptions({ tokens: [token] }), Collector.layer])
  )

const decoded = Effect.gen(function* () {
  const result = yield* run(Otlp.layerJson)
  return { ...result, ...(yield* Collector.decode(result.exports)) }
})

/** The exports of one run, shared by the tests of a file. */
export class Exported extends Context.Service<Exported, Effect.Success<typeof decoded>>()("test/Exported") {
  static readonly layer = Layer.effect(Exported, decoded)
}

/** The documented metrics. */
export const documented: Readonly<
  Record<string, { readonly type: string; readonly unit: string; readonly attributes: ReadonlyArray<string> }>
> = Telemetry.metrics

/** The exported texts, which must contain no canary value. */
export const piecesOf = (exports: ReadonlyArray<Collector.Export>, prometheus: string): ReadonlyArray<Piece> =>
  exports
    .map(({ body, signal }): Piece => ({ where: signal, rule: "telemetry", text: new TextDecoder().decode(body) }))
    .concat({ where: "the Prometheus export", rule: "telemetry", text: prometheus })
