/**
 * What operators see: traces, metrics and logs of every call, sent to an OpenTelemetry collector, and the metrics served
 * to Prometheus besides. `OTEL_EXPORTER_OTLP_ENDPOINT` says where the collector is; without one, the program runs alike.
 */
import { Contacts, Faults, Sandbox } from "@agentalk/core"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer, References } from "effect"
import { FetchHttpClient, HttpClient, HttpRouter, HttpServer } from "effect/http"
import { Otlp, PrometheusMetrics } from "effect/observability"
import { createServer } from "node:http"

// #region telemetry
const layerTelemetry = Layer.unwrap(
  Effect.gen(function* () {
    const baseUrl = yield* Config.String("OTEL_EXPORTER_OTLP_ENDPOINT").pipe(
      Config.withDefault("http://localhost:4318")
    )
    return Otlp.layerJson({
      baseUrl,
      resource: { serviceName: "signup" },
      loggerMergeWithExisting: false // logs go to the collector alone
    })
  })
).pipe(
  Layer.merge(Layer.succeed(References.MinimumLogLevel, "Debug")), // the calls log at this level
  Layer.provide(FetchHttpClient.layer)
)

/** Serves `GET /metrics`. */
const layerPrometheus = (port: number) =>
  HttpRouter.serve(PrometheusMetrics.layerHttp(), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port, host: "127.0.0.1" }))
  )
// #endregion

// --- a backend at work --------------------------------------------------------------------------------------------

const signup = Effect.fn("signup")(function* (phone: string) {
  const contacts = yield* Contacts
  const { contact } = yield* contacts.upsert({ phone, firstName: "Jane" })
  yield* contacts.addTags(contact.id, ["newsletter"])
})

/** One signup that needs a second attempt, and one that is refused. */
const work = Effect.gen(function* () {
  const { script } = yield* Sandbox.State
  yield* script(Faults.script({ method: "POST", fault: Faults.status(503, { strikes: "before" }) }))
  yield* signup("+1 202 555 0143")
  yield* signup("12").pipe(Effect.catchTag("Validation", ({ message }) => Effect.logWarning(message)))
}).pipe(Effect.provide(Sandbox.layer))

// --- what there is to see -----------------------------------------------------------------------------------------

/** The lines for these metrics, out of what Prometheus would scrape. */
const scrape = Effect.fn("scrape")(function* (...names: ReadonlyArray<string>) {
  const { address } = yield* HttpServer.HttpServer
  const response = yield* HttpClient.get(new URL("/metrics", HttpServer.formatAddress(address)))
  const lines = (yield* response.text).split("\n")
  return lines.filter((line) => names.some((name) => line.startsWith(`${name}{`)))
})

const main = Effect.gen(function* () {
  // What was recorded leaves when the layer closes, at the latest.
  yield* Effect.provide(work, layerTelemetry)
  const lines = yield* scrape("agentalk_client_operation_duration_count", "agentalk_client_retries")
  for (const line of lines) yield* Console.log(line)
}).pipe(Effect.provide([layerPrometheus(0), FetchHttpClient.layer])) // in production, a port of its own, such as 9464

NodeRuntime.runMain(main)
