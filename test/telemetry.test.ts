import type { Telemetry } from "@agentalk/core"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Otlp from "effect/observability/Otlp"
import * as Collector from "./Collector.ts"
import { attributesOf } from "./Collector.ts"
import { leaksInAll } from "./Canary.ts"
import { documented, Exported, piecesOf, run } from "./Exported.ts"

const kinds = { internal: 1, client: 3 }
const codes = { ok: 1, error: 2 }

const childrenOf = (spans: ReadonlyArray<Collector.Span>, parent: Collector.Span | undefined) =>
  spans.filter(({ parentSpanId }) => parentSpanId === parent?.spanId)

const summaryOf = ({ kind, name, status: { code } }: Collector.Span) => [name, kind, code]
const call = (name: string, code: number) => [name, kinds.internal, code]
const attempt = (name: string, code: number) => [name, kinds.client, code]
const failedThenSucceeded = (name: string) => [attempt(name, codes.error), attempt(name, codes.ok)]

const waitsOf = ({ events }: Collector.Span) => events.filter(({ name }) => name === "wait").map(attributesOf)

const assertNoLeak = (...exported: Parameters<typeof piecesOf>) => {
  const pieces = piecesOf(...exported)
  assert.isTrue(pieces.some(({ text }) => text.includes("Contacts.addTags")))
  assert.deepStrictEqual(leaksInAll(pieces), [])
}

layer(Exported.layer, { excludeTestServices: true })((it) => {
  describe("traces over OTLP", () => {
    it.effect("contain a span for each call and a child span for each attempt", () =>
      Effect.gen(function* () {
        const { spans } = yield* Exported
        const [job, ...others] = childrenOf(spans, undefined)
        assert.deepStrictEqual([job?.name, others], ["job", []])
        assert.deepStrictEqual(
          childrenOf(spans, job).map((span) => [summaryOf(span), childrenOf(spans, span).map(summaryOf)]),
          [
            [call("Contacts.upsert", codes.ok), failedThenSucceeded("POST /api/contacts")],
            [call("Contacts.search", codes.ok), failedThenSucceeded("GET /api/contacts/search")],
            [call("Contacts.addTags", codes.ok), failedThenSucceeded("POST /api/contacts/{contact_id}/tags")],
            [call("Contacts.delete", codes.error), [attempt("DELETE /api/contacts/{contact_id}", codes.error)]],
            [call("Contacts.upsert", codes.error), []],
            [call("Contacts.search", codes.error), [attempt("GET /api/contacts/search", codes.error)]]
          ]
        )
        for (const { traceId } of spans) assert.strictEqual(traceId, job?.traceId)
      })
    )

    it.effect("describe attempts by OpenTelemetry's conventions for HTTP clients", () =>
      Effect.gen(function* () {
        const { server, spans } = yield* Exported
        const attempts = spans.filter(({ kind }) => kind === kinds.client)
        for (const attempt of attempts) {
          const attributes = attributesOf(attempt)
          assert.deepInclude(attributes, { "server.address": "127.0.0.1", "server.port": Number(server.port) })
          assert.strictEqual(attempt.name, `${attributes["http.request.method"]} ${attributes["url.template"]}`)
        }
        const names = ["http.response.status_code", "http.request.resend_count", "error.type"]
        assert.deepStrictEqual(
          attempts.map(attributesOf).map((attributes) => names.map((name) => attributes[name])),
          [
            [503, undefined, "503"],
            [201, 1, undefined],
            [429, undefined, "429"],
            [200, 1, undefined],
            [undefined, undefined, "UND_ERR_SOCKET"],
            [200, 1, undefined],
            [404, undefined, "404"],
            [500, undefined, "500"]
          ]
        )
      })
    )

    it.effect("record the outcome and the waits of each call", () =>
      Effect.gen(function* () {
        const { spans } = yield* Exported
        const names = ["agentalk.attempts", "agentalk.outcome", "error.type"]
        const calls = spans.filter(({ name }) => name.startsWith("Contacts."))
        assert.deepStrictEqual(
          calls.map((call) => [
            ...names.map((name) => attributesOf(call)[name]),
            ...waitsOf(call)
              .map((wait) => wait["agentalk.wait.reason"])
              // After a 429, calls wait for the rate limiter. On a busy machine this wait may be recorded as well.
              .filter((reason) => reason !== "rate-limit")
          ]),
          [
            [2, "done", undefined, "backoff"],
            [2, "done", undefined, "retry-after"],
            [2, "done", undefined, "backoff"],
            [1, "not-applied", "NotFound"],
            [0, "not-applied", "Validation"],
            [1, "not-applied", "ServerFault"]
          ]
        )
        for (const call of calls) {
          for (const { timeUnixNano } of call.events) {
            assert.isTrue(BigInt(call.startTimeUnixNano) <= BigInt(timeUnixNano))
            assert.isTrue(BigInt(timeUnixNano) <= BigInt(call.endTimeUnixNano))
          }
          for (const wait of waitsOf(call)) assert.isAbove(Number(wait["agentalk.wait.duration"]), 0)
        }
      })
    )

    it.effect("record only the type of an error", () =>
      Effect.gen(function* () {
        const { spans } = yield* Exported
        const exceptions = spans.flatMap(({ events, status }) =>
          events
            .filter(({ name }) => name === "exception")
            .map((event) => {
              const { "exception.message": message, "exception.type": type } = attributesOf(event)
              assert.strictEqual(message, status.message)
              return type
            })
        )
        assert.sameMembers(
          [...new Set(exceptions)],
          ["503", "429", "UND_ERR_SOCKET", "404", "NotFound", "Validation", "500", "ServerFault"]
        )
      })
    )
  })

  describe("metrics over OTLP", () => {
    it.effect("have the documented names, types, units and attributes", () =>
      Effect.gen(function* () {
        const { metrics } = yield* Exported
        assert.sameMembers(
          metrics.map(({ name }) => name),
          Object.keys(documented)
        )
        for (const { gauge, histogram, name, sum, unit } of metrics) {
          const documentation = documented[name]
          assert.strictEqual(unit, documentation?.unit)
          const kind = { gauge, histogram, counter: sum }
          assert.deepStrictEqual(
            Object.entries(kind).flatMap(([type, data]) => (data === undefined ? [] : [type])),
            [documentation?.type]
          )
          if (sum !== undefined) assert.isTrue(sum.isMonotonic)
          const points = (gauge ?? sum ?? histogram)?.dataPoints ?? []
          assert.isNotEmpty(points)
          for (const point of points) {
            // Effect's exporter adds the unit as an attribute.
            const { unit: _, ...attributes } = attributesOf(point)
            for (const attribute of Object.keys(attributes)) assert.include(documentation?.attributes ?? [], attribute)
          }
        }
      })
    )

    it.effect("count calls and attempts by outcome", () =>
      Effect.gen(function* () {
        const { metrics } = yield* Exported
        const counts = (name: keyof typeof Telemetry.metrics, ...by: ReadonlyArray<string>) =>
          metrics
            .find((metric) => metric.name === name)
            ?.histogram?.dataPoints.map((point) => {
              assert.strictEqual(
                point.bucketCounts.reduce((sum, count) => sum + count, 0),
                point.count
              )
              assert.isAbove(point.sum, 0)
              return [...by.map((attribute) => attributesOf(point)[attribute]), point.count].join(" ")
            })
        assert.sameMembers(
          counts("agentalk.client.operation.duration", "agentalk.operation", "agentalk.outcome", "error.type") ?? [],
          [
            "upsert done  1",
            "search done  1",
            "addTags done  1",
            "delete not-applied NotFound 1",
            "upsert not-applied Validation 1",
            "search not-applied ServerFault 1"
          ]
        )
        assert.sameMembers(
          counts("http.client.request.duration", "url.template", "http.response.status_code", "error.type") ?? [],
          [
            "/api/contacts 503 503 1",
            "/api/contacts 201  1",
            "/api/contacts/search 429 429 1",
            "/api/contacts/search 200  1",
            "/api/contacts/search 500 500 1",
            "/api/contacts/{contact_id}/tags  UND_ERR_SOCKET 1",
            "/api/contacts/{contact_id}/tags 200  1",
            "/api/contacts/{contact_id} 404 404 1"
          ]
        )
      })
    )
  })

  describe("logs over OTLP", () => {
    it.effect("contain one record for each call and attempt, with the attributes of its span", () =>
      Effect.gen(function* () {
        const { logs, spans } = yield* Exported
        const ended = logs.filter((log) => "agentalk.duration" in attributesOf(log))
        assert.strictEqual(ended.length, spans.length - 1, "one record for each span except the job")
        for (const log of ended) {
          const span = spans.find(({ spanId }) => spanId === log.spanId)
          assert.strictEqual(log.traceId, span?.traceId)
          assert.strictEqual(log.severityText, "Debug")
          assert.deepStrictEqual(log.body, { stringValue: span?.name ?? "" })
          const { "agentalk.duration": _, "effect.fiberId": __, ...attributes } = attributesOf(log)
          assert.deepStrictEqual(attributes, span && attributesOf(span))
        }
      })
    )

    it.effect("contain one record for each wait, in the span of its call", () =>
      Effect.gen(function* () {
        const { logs, spans } = yield* Exported
        const waits = spans.flatMap((span) => waitsOf(span).map((wait) => [span.spanId, wait]))
        const logged = logs
          .filter((log) => "agentalk.wait.reason" in attributesOf(log))
          .map((log) => {
            const { "effect.fiberId": _, ...attributes } = attributesOf(log)
            return [log.spanId, attributes]
          })
        assert.isAtLeast(logged.length, 3)
        assert.sameDeepMembers(logged, waits)
      })
    )
  })

  describe("exported telemetry", () => {
    it.effect("contains no personal data and no credentials", () =>
      Effect.map(Exported, ({ exports, prometheus }) => assertNoLeak(exports, prometheus))
    )

    it.effect("contains the name of the service", () =>
      Effect.gen(function* () {
        const { resources } = yield* Exported
        assert.isAtLeast(resources.length, 3)
        for (const resource of resources) assert.strictEqual(resource["service.name"], "test")
      })
    )
  })
})

describe("OTLP in protobuf", () => {
  it.live("contains the same spans, without personal data and credentials", () =>
    Effect.gen(function* () {
      const { exports, prometheus } = yield* run(Otlp.layerProtobuf)
      assert.sameMembers(
        [...new Set(exports.map(({ contentType, signal }) => `${signal} ${contentType}`))],
        ["traces", "metrics", "logs"].map((signal) => `/v1/${signal} application/x-protobuf`)
      )
      assertNoLeak(exports, prometheus)
      const traces = exports.filter(({ signal }) => signal === "/v1/traces").map(({ body }) => body)
      // The path to a name in the OTLP messages is resource_spans (1), scope_spans (2), spans (2), name (5).
      const spans = [1, 2, 2].reduce(
        (messages, field) => messages.flatMap((message) => Collector.fieldsOf(message, field)),
        traces
      )
      const names = spans.flatMap((span) => Collector.fieldsOf(span, 5)).map((name) => new TextDecoder().decode(name))
      assert.strictEqual(names.length, 15)
      assert.includeMembers(names, ["job", "Contacts.addTags", "POST /api/contacts/{contact_id}/tags"])
    })
  )
})
