/** Creates and updates the metrics. The metrics of an operation are created once for each client. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as Metric from "effect/Metric"
import { type Operation, operations } from "../../Operations.ts"
import type { RetryReason } from "../wire/status.ts"
import type { TransportFault } from "../wire/transport.ts"
import { metrics } from "./metricDefinitions.ts"
import type { RetryBudget } from "./retry.ts"

/** The attributes of a call, an attempt or a wait. */
export type Attributes = Readonly<Record<string, Attribute>>

/** The value of an attribute. */
export type Attribute = string | number | boolean

/** Why a call waits. */
export type WaitReason = "rate-limit" | "backoff" | "retry-after"

/** Why an attempt is repeated: by the retry policy, or once with a refreshed token. */
export type RepeatReason = RetryReason | "unauthorized"

// The buckets that OpenTelemetry recommends for HTTP clients, extended to the default deadline of a call.
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120]

type Name = keyof typeof metrics
type Labels = Readonly<Record<string, string>>

// Effect's exporters read the unit of a metric from the attribute `unit`.
const describe = (name: Name, labels: Labels) => ({
  description: metrics[name].description,
  attributes: { ...labels, unit: metrics[name].unit }
})

const histogram = (name: Name, labels: Labels) => Metric.histogram(name, { ...describe(name, labels), boundaries })

/** Returns a function that returns the metric of a label. It creates the metric when the label is first used. */
const cached = <K extends string | number, A>(make: (label: K) => A): ((label: K) => A) => {
  const metrics = new Map<K, A>()
  return (label) => {
    let metric = metrics.get(label)
    if (metric === undefined) metrics.set(label, (metric = make(label)))
    return metric
  }
}

/** Returns a host by OpenTelemetry's conventions. An IPv6 address has no brackets, unlike in a URL. */
const addressOf = (host: string): string => host.replace(/^\[(.*)\]$/, "$1")

const serverLabels = (server: URL) => ({
  "server.address": addressOf(server.hostname),
  "server.port": server.port === "" ? (server.protocol === "http:" ? "80" : "443") : server.port
})

// The retry budgets of all clients, by registry and by server. The references are weak, so that the budget of an unused
// client can be garbage collected.
const budgetsByRegistry = new WeakMap<Metric.MetricRegistry, Map<string, Set<WeakRef<RetryBudget>>>>()

/**
 * Reports the level of a client's retry budget until the client is garbage collected. If several clients use one
 * server, the lowest level is reported.
 */
export const reportBudget = (budget: RetryBudget, server: URL, context: Context.Context<never>): void => {
  const name = "agentalk.client.retry_budget.level"
  const labels = serverLabels(server)
  const registry = Context.get(context, Metric.MetricRegistry)
  const servers = budgetsByRegistry.get(registry) ?? new Map<string, Set<WeakRef<RetryBudget>>>()
  budgetsByRegistry.set(registry, servers)
  const budgets = servers.get(server.host) ?? new Set()
  servers.set(server.host, budgets)
  budgets.add(new WeakRef(budget))
  const get = () => {
    let value = Infinity
    for (const ref of budgets) {
      const level = ref.deref()?.level()
      if (level === undefined) budgets.delete(ref)
      else value = Math.min(value, level)
    }
    return { value }
  }
  Metric.registerUnsafe(Metric.gauge(name, describe(name, labels)), context, {
    get,
    update: constVoid,
    modify: constVoid
  })
}

const breakerStates = { Closed: 0, HalfOpen: 1, Open: 2 } as const

/** Reports the state of a circuit. `host` includes the port unless it is the default port of the scheme. */
export const reportBreaker = (state: keyof typeof breakerStates, host: string): Effect.Effect<void> => {
  const name = "agentalk.client.circuit_breaker.state"
  const [, address = host, port] = /^(.*):(\d+)$/.exec(host) ?? []
  const labels = { "server.address": addressOf(address), ...(port !== undefined && { "server.port": port }) }
  return Metric.update(Metric.gauge(name, describe(name, labels)), breakerStates[state])
}

// --- one operation --------------------------------------------------------------------------------------------------

/** The names and metrics of one operation of a client. */
export class OperationMetrics {
  /** The name of a call's span. */
  readonly name: string
  /** The name of an attempt's span. */
  readonly attemptName: string
  /** The attributes that all attempts of the operation share. */
  readonly attributes: Attributes
  readonly activeRequests: Metric.Gauge<number>
  readonly retries: (reason: RepeatReason) => Metric.Counter<number>
  readonly waitDuration: (reason: WaitReason) => Metric.Histogram<number>
  /** The label is an outcome. If the call failed, a space and an error type follow. */
  readonly callDuration: (label: string) => Metric.Histogram<number>
  /**
   * The label is a status, or empty if no response arrived. If the attempt failed, a space and an error type follow.
   */
  readonly attemptDuration: (label: number | string) => Metric.Histogram<number>
  private readonly codes = new Set<string>()

  constructor(operation: Operation, server: URL) {
    const { method, path } = operations[operation]
    const labels = {
      "http.request.method": method,
      "url.template": path,
      ...serverLabels(server)
    }
    const operationLabels = { "agentalk.operation": operation }
    this.name = `Contacts.${operation}`
    this.attemptName = `${method} ${path}`
    this.attributes = { ...labels, "server.port": Number(labels["server.port"]) }
    this.activeRequests = Metric.gauge("http.client.active_requests", describe("http.client.active_requests", labels))
    this.retries = cached((reason) => {
      const name = "agentalk.client.retries"
      return Metric.counter(name, {
        ...describe(name, { ...operationLabels, "agentalk.retry.reason": reason }),
        incremental: true
      })
    })
    this.waitDuration = cached((reason) =>
      histogram("agentalk.client.wait.duration", { ...operationLabels, "agentalk.wait.reason": reason })
    )
    this.callDuration = cached((label) => {
      const [outcome = "", error] = label.split(" ")
      return histogram("agentalk.client.operation.duration", {
        ...operationLabels,
        "agentalk.outcome": outcome,
        ...(error !== undefined && { "error.type": error })
      })
    })
    this.attemptDuration = cached((label) => {
      const [status = "", error] = String(label).split(" ")
      return histogram("http.client.request.duration", {
        ...labels,
        ...(status !== "" && { "http.response.status_code": status }),
        ...(error !== undefined && { "error.type": error })
      })
    })
  }

  /** Returns the `error.type` of a fault. OpenTelemetry's conventions require the same value in spans and metrics. */
  errorTypeOf({ code, kind }: TransportFault): string {
    if (code === undefined) return kind
    // An HTTP client can produce any code. This limit bounds the number of time series.
    if (this.codes.size < maxCodes) this.codes.add(code)
    return this.codes.has(code) ? code : kind
  }
}

const maxCodes = 30
