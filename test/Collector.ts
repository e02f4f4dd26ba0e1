/** An OpenTelemetry collector on a loopback socket. It keeps everything that programs export to it over OTLP. */
import { NodeHttpServer } from "@effect/platform-node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { createServer } from "node:http"

// --- the parts of OTLP in JSON that the tests read --------------------------------------------------------------------

const Value = Schema.Union([
  Schema.Struct({ stringValue: Schema.String }),
  Schema.Struct({ boolValue: Schema.Boolean }),
  Schema.Struct({ intValue: Schema.Number }),
  Schema.Struct({ doubleValue: Schema.Number })
])

const Attributes = Schema.Array(Schema.Struct({ key: Schema.String, value: Value }))

const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optionalKey(Schema.String),
  name: Schema.String,
  kind: Schema.Number,
  startTimeUnixNano: Schema.String,
  endTimeUnixNano: Schema.String,
  attributes: Attributes,
  events: Schema.Array(Schema.Struct({ name: Schema.String, timeUnixNano: Schema.String, attributes: Attributes })),
  status: Schema.Struct({ code: Schema.Number, message: Schema.optionalKey(Schema.String) })
})
export type Span = typeof Span.Type

const NumberPoints = Schema.Struct({
  dataPoints: Schema.Array(Schema.Struct({ attributes: Attributes, asDouble: Schema.Number }))
})

const Metric = Schema.Struct({
  name: Schema.String,
  description: Schema.String,
  unit: Schema.String,
  gauge: Schema.optionalKey(NumberPoints),
  sum: Schema.optionalKey(
    Schema.Struct({
      ...NumberPoints.fields,
      isMonotonic: Schema.Boolean,
      aggregationTemporality: Schema.Literal(2)
    })
  ),
  histogram: Schema.optionalKey(
    Schema.Struct({
      aggregationTemporality: Schema.Literal(2),
      dataPoints: Schema.Array(
        Schema.Struct({
          attributes: Attributes,
          count: Schema.Number,
          sum: Schema.Number,
          bucketCounts: Schema.Array(Schema.Number),
          explicitBounds: Schema.Array(Schema.Number)
        })
      )
    })
  )
})

const Log = Schema.Struct({
  severityText: Schema.String,
  body: Value,
  attributes: Attributes,
  traceId: Schema.optionalKey(Schema.String),
  spanId: Schema.optionalKey(Schema.String)
})

const Resource = Schema.Struct({ attributes: Attributes })

const Traces = Schema.Struct({
  resourceSpans: Schema.Array(
    Schema.Struct({ resource: Resource, scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) })) })
  )
})
const Metrics = Schema.Struct({
  resourceMetrics: Schema.Array(
    Schema.Struct({ resource: Resource, scopeMetrics: Schema.Array(Schema.Struct({ metrics: Schema.Array(Metric) })) })
  )
})
const Logs = Schema.Struct({
  resourceLogs: Schema.Array(
    Schema.Struct({ resource: Resource, scopeLogs: Schema.Array(Schema.Struct({ logRecords: Schema.Array(Log) })) })
  )
})

/** Returns the attributes by name. */
export const attributesOf = ({ attributes }: { readonly attributes: typeof Attributes.Type }) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

// --- the receiver ---------------------------------------------------------------------------------------------------

export interface Export {
  readonly signal: string
  readonly contentType: string | undefined
  readonly body: Uint8Array
}

export class Collector extends Context.Service<
  Collector,
  {
    /** The base URL for an exporter. */
    readonly url: string
    /** The received exports, in order of arrival. */
    readonly exports: ReadonlyArray<Export>
  }
>()("test/Collector") {}

export const layer = Effect.gen(function* () {
  const exports: Array<Export> = []
  const receive = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const body = new Uint8Array(yield* request.arrayBuffer)
    exports.push({ signal: request.url, contentType: request.headers["content-type"], body })
    return HttpServerResponse.jsonUnsafe({})
  })
  const { address } = yield* HttpServer.HttpServer
  const url = HttpServer.formatAddress(address).replace(/\/$/, "")
  const routes = HttpRouter.add("POST", "/v1/*", receive)
  return Layer.merge(
    Layer.succeed(Collector, { url, exports }),
    HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })
  )
}).pipe(
  Layer.unwrap,
  Layer.provide(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1", gracefulShutdownTimeout: 0 }))
)

const textOf = (exports: ReadonlyArray<Export>, signal: string): ReadonlyArray<string> =>
  exports.filter((each) => each.signal === `/v1/${signal}`).map(({ body }) => new TextDecoder().decode(body))

const decodeAll = <A>(
  schema: Schema.ConstraintDecoder<A>,
  exports: ReadonlyArray<Export>,
  signal: string
): Effect.Effect<ReadonlyArray<A>, Schema.SchemaError> => {
  const decode = Schema.decodeEffect(Schema.fromJsonString(schema))
  return Effect.forEach(textOf(exports, signal), (text) => decode(text))
}

/** Decodes the exports in JSON: all spans and logs, and the latest metrics. */
export const decode = Effect.fn("decode")(function* (exports: ReadonlyArray<Export>) {
  const traces = (yield* decodeAll(Traces, exports, "traces")).flatMap(({ resourceSpans }) => resourceSpans)
  const metrics = (yield* decodeAll(Metrics, exports, "metrics")).flatMap(({ resourceMetrics }) => resourceMetrics)
  const logs = (yield* decodeAll(Logs, exports, "logs")).flatMap(({ resourceLogs }) => resourceLogs)
  return {
    resources: [...traces, ...metrics, ...logs].map(({ resource }) => attributesOf(resource)),
    spans: traces.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    metrics: metrics.at(-1)?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? [],
    logs: logs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
  }
})

// --- OTLP in protobuf -----------------------------------------------------------------------------------------------

/** Returns the values of one field of a message as bytes: strings, messages and fixed-size numbers. */
export const fieldsOf = (message: Uint8Array, field: number): ReadonlyArray<Uint8Array> => {
  const found: Array<Uint8Array> = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++] ?? 0
      value += (byte % 128) * shift
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const tag = varint()
    const type = tag % 8
    if (type === 0) varint()
    else {
      const length = type === 2 ? varint() : type === 1 ? 8 : 4
      if (Math.floor(tag / 8) === field) found.push(message.subarray(at, at + length))
      at += length
    }
  }
  return found
}
