/**
 * The spans, metrics and debug logs of calls. By default they contain no personal data.
 *
 * A client uses Effect's own tracer, metrics and logger, so any exporter for Effect receives them. This module defines
 * the metrics, and two options that are off by default.
 *
 * **Details**
 *
 * Spans are created if a tracer is installed or a span is open. The span of a call, such as `Contacts.upsert`, includes
 * all its attempts and waits. Its child spans are the attempts, such as `POST /api/contacts`, with the kind `client`.
 * They follow OpenTelemetry's conventions for HTTP clients. A wait is an event `wait` on the span of its call.
 *
 * These attributes are recorded:
 *
 * - of a call: `agentalk.attempts`, `agentalk.outcome`, `agentalk.assumed` and `error.type`;
 * - of an attempt: `http.request.method`, `url.template`, `server.address`, `server.port`,
 *   `http.request.resend_count`, `http.response.status_code` and `error.type`;
 * - of a wait: `agentalk.wait.reason` and `agentalk.wait.duration` (in seconds).
 *
 * The `error.type` of a call is the tag of its error. The `error.type` of an attempt is a status or a code, such as
 * `503` or `ECONNRESET`. A failed span records this type instead of the error, because an error message may contain the
 * key of a custom field. The span of a successful call does not record the result.
 *
 * The metrics are listed in `metrics`. Each call, attempt and wait also writes one debug log with the same attributes.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Layer from "effect/Layer"
import * as Policy from "./internal/call/policy.ts"

export { metrics } from "./internal/call/metricDefinitions.ts"

/**
 * The options of telemetry. Each option is resolved on its own, in this order: per call, layer, default.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options {
  /**
   * Sends the headers `traceparent` (W3C Trace Context) and `b3` with each request, so that the vendor's traces can
   * join yours. Default: `false`.
   */
  readonly traceHeaders?: boolean | undefined
  /**
   * Adds the URL and the bodies of requests and responses to the spans and debug logs of attempts. They contain
   * personal data, but never the token. Use it for debugging. Default: `false`.
   */
  readonly requestDetails?: boolean | undefined
}

/**
 * The options that are set for the current fiber; `undefined` if there are none.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentOptions: Context.Reference<Options | undefined> = Policy.reference<Options>(
  "@agentalk/core/Telemetry/CurrentOptions"
)

/**
 * Sets the options for the clients that are built with this layer, and for the calls of an effect that the layer is
 * provided to. An omitted option keeps its value from the surrounding context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<never> => Policy.makeLayer(CurrentOptions, options)

/**
 * Sets the options for the calls of an effect. An omitted option keeps its value from the surrounding context.
 *
 * @category configuration
 * @since 0.1.0
 */
export const withOptions: Policy.With<Options> = Policy.makeWith(CurrentOptions, Policy.mergeParts)
