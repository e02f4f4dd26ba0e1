/** The definitions of the metrics, in a file of their own because `Telemetry.ts` and `metrics.ts` both use them. */

const duration = { type: "histogram", unit: "s" } as const
const requestAttributes = ["http.request.method", "url.template", "server.address", "server.port"] as const

/**
 * The metrics of a client, by name: their types, units (in UCUM), descriptions and attributes. The count of a duration
 * histogram is the number of calls, attempts or waits.
 *
 * @category configuration
 * @since 0.1.0
 */
export const metrics = {
  "agentalk.client.operation.duration": {
    ...duration,
    description: "Duration of calls, including all attempts and waits",
    attributes: ["agentalk.operation", "agentalk.outcome", "error.type"]
  },
  "agentalk.client.retries": {
    type: "counter",
    unit: "{retry}",
    description: "Number of retries, by reason",
    attributes: ["agentalk.operation", "agentalk.retry.reason"]
  },
  "agentalk.client.wait.duration": {
    ...duration,
    description: "Duration of waits in calls: for a rate limit, for backoff, or for Retry-After",
    attributes: ["agentalk.operation", "agentalk.wait.reason"]
  },
  "agentalk.client.retry_budget.level": {
    type: "gauge",
    unit: "{token}",
    description: "Tokens left in the retry budget; the lowest level if several clients use one server",
    attributes: ["server.address", "server.port"]
  },
  "agentalk.client.circuit_breaker.state": {
    type: "gauge",
    unit: "1",
    description: "State of a circuit, reported after its first change: 0 closed, 1 half open, 2 open",
    attributes: ["server.address", "server.port"]
  },
  "http.client.request.duration": {
    ...duration,
    description: "Duration of attempts, from sending the request to the end of the response body",
    attributes: [...requestAttributes, "http.response.status_code", "error.type"]
  },
  "http.client.active_requests": {
    type: "gauge",
    unit: "{request}",
    description: "Number of attempts in flight",
    attributes: requestAttributes
  }
} as const
