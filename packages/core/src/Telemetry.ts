/**
 * What operators see of the calls: spans, metrics and debug logs, none of which says anything about a person.
 *
 * A client emits all three by Effect's own means, so that whatever exporter a program installs receives them. This
 * module names them, and holds the two things that are off unless asked for.
 *
 * **Details**
 *
 * Spans, where a tracer is installed or a span is open: `Contacts.upsert` around a call with all its attempts, and in
 * it one span of kind client for each attempt, such as `POST /api/contacts`, by OpenTelemetry's conventions for HTTP
 * clients. A wait is an event, `wait`, on the span of its call. Attributes are `http.request.method`, `url.template`,
 * `server.address`, `server.port`, `http.request.resend_count`, `http.response.status_code` and `error.type` on
 * attempts; `agentalk.attempts`, `agentalk.outcome`, `agentalk.assumed` and `error.type` on calls;
 * `agentalk.wait.reason` and `agentalk.wait.duration` (seconds) on waits. `error.type` is the tag of a call's error, and
 * the status or the code of an attempt's, such as `503` or `ECONNRESET`. A span that failed ends with that type in the
 * place of the error, whose message may name a custom field; one that succeeded, without the answer.
 *
 * Metrics are listed in `metrics`. Logs: one at debug level for each call, attempt and wait, with the same attributes.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Layer from "effect/Layer"
import * as Policy from "./internal/call/policy.ts"

/**
 * What telemetry tells besides what it tells anyway.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options {
  /** Sends `traceparent` (W3C Trace Context) and `b3` with each request, so that the vendor can join. Default: `false`. */
  readonly traceHeaders?: boolean | undefined
  /**
   * Puts the URL and the bodies of requests and responses into attempt spans and debug logs: personal data, never the
   * token. For debugging. Default: `false`.
   */
  readonly requestDetails?: boolean | undefined
}

/**
 * The options that are in force, where somebody set them.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentOptions: Context.Reference<Options | undefined> = Policy.reference<Options>(
  "@agentalk/core/Telemetry/CurrentOptions"
)

/**
 * Sets the options of the clients that are built with it. What is left out stays as it is around.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<never> => Policy.makeLayer(CurrentOptions, options)

/**
 * Sets the options of the calls in an effect. What is left out stays as it is around.
 *
 * @category configuration
 * @since 0.1.0
 */
export const withOptions: Policy.With<Options> = Policy.makeWith(CurrentOptions, Policy.mergeParts)

const time = { type: "histogram", unit: "s" } as const
const requestAttributes = ["http.request.method", "url.template", "server.address", "server.port"] as const

/**
 * The metrics of a client, by name: their units, in UCUM, and their attributes. Counts are those of the histograms.
 *
 * @category configuration
 * @since 0.1.0
 */
export const metrics = {
  "agentalk.client.operation.duration": {
    ...time,
    description: "Duration of calls, over all their attempts and waits",
    attributes: ["agentalk.operation", "agentalk.outcome", "error.type"]
  },
  "agentalk.client.retries": {
    type: "counter",
    unit: "{retry}",
    description: "Attempts that were made again, by what went wrong before",
    attributes: ["agentalk.operation", "agentalk.retry.reason"]
  },
  "agentalk.client.wait.duration": {
    ...time,
    description: "Duration of waits within calls: for a turn, after a failure, or as the API has asked",
    attributes: ["agentalk.operation", "agentalk.wait.reason"]
  },
  "agentalk.client.retry_budget.level": {
    type: "gauge",
    unit: "{token}",
    description: "Tokens that are left for retries, of the client of a server that has the fewest",
    attributes: ["server.address", "server.port"]
  },
  "agentalk.client.circuit_breaker.state": {
    type: "gauge",
    unit: "1",
    description: "State of a circuit once it has changed: 0 closed, 1 half open, 2 open",
    attributes: ["server.address", "server.port"]
  },
  "http.client.request.duration": {
    ...time,
    description: "Duration of attempts, from sending to the end of the body",
    attributes: [...requestAttributes, "http.response.status_code", "error.type"]
  },
  "http.client.active_requests": {
    type: "gauge",
    unit: "{request}",
    description: "Attempts under way",
    attributes: requestAttributes
  }
} as const
