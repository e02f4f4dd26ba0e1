/**
 * Telemetry. Sends traces, metrics and logs of every call to an OpenTelemetry collector and serves the metrics to
 * Prometheus. `OTEL_EXPORTER_OTLP_ENDPOINT` is the URL of the collector. The program also works if there is no collector.
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
      loggerMergeWithExisting: false // send logs to the collector only
    })
  })
).pipe(
  Layer.merge(Layer.succeed(References.MinimumLogLevel, "Debug")), // the SDK logs at debug level
  Layer.provide(FetchHttpClient.layer)
)

/** Serves `GET /metrics`. */
const layerPrometheus = (port: number) =>
  HttpRouter.serve(PrometheusMetrics.layerHttp(), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port, host: "127.0.0.1" }))
  )
// #endregion

// --- the calls ----------------------------------------------------------------------------------------------------

const signup = Effect.fn("signup")(function* (phone: string) {
  const contacts = yield* Contacts
  const { contact } = yield* contacts.upsert({ phone, firstName: "Jane" })
  yield* contacts.addTags(contact.id, ["newsletter"])
})

/** One signup that succeeds on its second attempt, and one with an invalid phone number. */
const work = Effect.gen(function* () {
  const { script } = yield* Sandbox.State
  yield* script(Faults.script({ method: "POST", fault: Faults.status(503, { strikes: "before" }) }))
  yield* signup("+1 202 555 0143")
  yield* signup("12").pipe(Effect.catchTag("Validation", ({ message }) => Effect.logWarning(message)))
}).pipe(Effect.provide(Sandbox.layer))

// --- the metrics --------------------------------------------------------------------------------------------------

/** Returns the lines of these metrics from the Prometheus endpoint. */
const scrape = Effect.fn("scrape")(function* (...names: ReadonlyArray<string>) {
  const { address } = yield* HttpServer.HttpServer
  const response = yield* HttpClient.get(new URL("/metrics", HttpServer.formatAddress(address)))
  const lines = (yield* response.text).split("\n")
  return lines.filter((line) => names.some((name) => line.startsWith(`${name}{`)))
})

const main = Effect.gen(function* () {
  // The exporter flushes when the layer closes.
  yield* Effect.provide(work, layerTelemetry)
  const lines = yield* scrape("agentalk_client_operation_duration_count", "agentalk_client_retries")
  for (const line of lines) yield* Console.log(line)
}).pipe(Effect.provide([layerPrometheus(0), FetchHttpClient.layer])) // in production, use a fixed port such as 9464

NodeRuntime.runMain(main)
