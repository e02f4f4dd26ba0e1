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
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Collector from "./Collector.ts"

const jane = {
  phone: "+15550100042",
  firstName: "Quintessa",
  email: "quin@brz.example",
  fields: { city: "Ouagadougou" }
}
const tag = "chess-nut"
const absent = "d1d1d1d1-aaaa-4bbb-8ccc-e5e5e5e5e5e5"

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

/** Makes calls with every kind of result, and returns the id of their contact. */
const work = Effect.gen(function* () {
  yield* (yield* Sandbox.State).script(makeScript())
  const contacts = yield* Contacts
  const { contact } = yield* contacts.upsert(jane)
  yield* contacts.search({ phone: jane.phone })
  yield* contacts.addTags(contact.id, [tag])
  yield* Effect.flip(contacts.delete(absent))
  yield* Effect.flip(contacts.upsert({ ...jane, email: `${jane.email}@` }))
  yield* Effect.flip(contacts.search({ name: jane.firstName })).pipe(
    Retry.withPolicy(Retry.none),
    // The circuit breaker records its state in its own fiber.
    Effect.andThen(
      Effect.repeat(isRecorded("agentalk.client.circuit_breaker.state"), { until: (recorded) => recorded })
    ),
    Effect.provide(CircuitBreaker.layer({ failures: 1 }))
  )
  return contact.id
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
  const client = AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl: url, retry: { baseDelay: "20 millis" } })
  const id = yield* work.pipe(
    Effect.provide([client, telemetry]),
    Effect.provideService(References.MinimumLogLevel, "Debug")
  )
  return { exports, id, prometheus: yield* PrometheusMetrics.format(), server: new URL(url) }
})

/** Runs the program once. */
export const run = (layerOtlp: typeof Otlp.layerJson) =>
  runWith(layerOtlp).pipe(
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provide([SandboxServer.layer, Collector.layer])
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

const [organization = "", secret = ""] = Redacted.value(Sandbox.token).split(".")

/** Values that must not be exported, besides the id of the contact: personal data and credentials of the calls. */
export const secrets: ReadonlyArray<string> = [
  organization,
  `.${secret}`,
  absent,
  tag,
  "5550100042",
  jane.firstName,
  "quin@brz",
  "quin%40brz",
  jane.fields.city
]
