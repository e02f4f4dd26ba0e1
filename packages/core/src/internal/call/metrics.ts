/** The metrics of calls and their attributes, created once for each operation of a client. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as Metric from "effect/Metric"
import { type Operation, operations } from "../../Operations.ts"
import { metrics } from "../../Telemetry.ts"
import type { TransportFault } from "../wire/transport.ts"
import type { RetryBudget, RetryReason } from "./retry.ts"

/** The attributes of a call, an attempt or a wait. */
export type Attributes = Readonly<Record<string, Attribute>>

export type Attribute = string | number | boolean

/** Why a call waits. */
export type WaitReason = "rate-limit" | "backoff" | "retry-after"

/** Why an attempt is repeated: by the retry policy, or once with a refreshed token. */
export type RepeatReason = RetryReason | "unauthorized"

// The buckets that OpenTelemetry recommends for HTTP clients, extended to the default deadline of a call.
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120]

type Name = keyof typeof metrics
type Labels = Readonly<Record<string, string>>

// Exporters read the unit from this attribute.
const describe = (name: Name, labels: Labels) => ({
  description: metrics[name].description,
  attributes: { ...labels, unit: metrics[name].unit }
})

const histogram = (name: Name, labels: Labels) => Metric.histogram(name, { ...describe(name, labels), boundaries })

/** Returns a function that creates a metric once for each result. */
const byResult = <K extends string | number, A>(make: (result: K) => A): ((result: K) => A) => {
  const made = new Map<K, A>()
  return (result) => {
    let metric = made.get(result)
    if (metric === undefined) made.set(result, (metric = make(result)))
    return metric
  }
}

/** A host by OpenTelemetry's conventions: an IPv6 address has no brackets, unlike in a URL. */
const addressOf = (host: string): string => host.replace(/^\[(.*)\]$/, "$1")

const serverLabels = (server: URL) => ({
  "server.address": addressOf(server.hostname),
  "server.port": server.port === "" ? (server.protocol === "http:" ? "80" : "443") : server.port
})

const levels = new WeakMap<Metric.MetricRegistry, Map<string, Set<WeakRef<RetryBudget>>>>()

/** Reports the level of a retry budget while its client lives. If several clients share a server, the lowest counts. */
export const reportBudget = (budget: RetryBudget, server: URL, context: Context.Context<never>): void => {
  const name = "agentalk.client.retry_budget.level"
  const labels = serverLabels(server)
  const registry = Context.get(context, Metric.MetricRegistry)
  const servers = levels.get(registry) ?? new Map<string, Set<WeakRef<RetryBudget>>>()
  levels.set(registry, servers)
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

/** Reports the state of a circuit. The host includes the port unless it is the default of its scheme. */
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
  readonly attributes: Attributes
  readonly active: Metric.Gauge<number>
  readonly repeated: (reason: RepeatReason) => Metric.Counter<number>
  readonly waited: (reason: WaitReason) => Metric.Histogram<number>
  readonly called: (result: string) => Metric.Histogram<number>
  /** By a status, or by a status and an error type with a space between. */
  readonly attempted: (result: number | string) => Metric.Histogram<number>
  private readonly codes = new Set<string>()

  constructor(operation: Operation, server: URL) {
    const { method, path } = operations[operation]
    const labels = {
      "http.request.method": method,
      "url.template": path,
      ...serverLabels(server)
    }
    const called = { "agentalk.operation": operation }
    this.name = `Contacts.${operation}`
    this.attemptName = `${method} ${path}`
    this.attributes = { ...labels, "server.port": Number(labels["server.port"]) }
    this.active = Metric.gauge("http.client.active_requests", describe("http.client.active_requests", labels))
    this.repeated = byResult((reason) => {
      const name = "agentalk.client.retries"
      return Metric.counter(name, {
        ...describe(name, { ...called, "agentalk.retry.reason": reason }),
        incremental: true
      })
    })
    this.waited = byResult((reason) =>
      histogram("agentalk.client.wait.duration", { ...called, "agentalk.wait.reason": reason })
    )
    this.called = byResult((result) => {
      const [outcome = "", error] = result.split(" ")
      return histogram("agentalk.client.operation.duration", {
        ...called,
        "agentalk.outcome": outcome,
        ...(error !== undefined && { "error.type": error })
      })
    })
    this.attempted = byResult((result) => {
      const [status = "", error] = String(result).split(" ")
      return histogram("http.client.request.duration", {
        ...labels,
        ...(status !== "" && { "http.response.status_code": status }),
        ...(error !== undefined && { "error.type": error })
      })
    })
  }

  /** The `error.type` of a fault, the same in spans and in metrics, as OpenTelemetry's conventions require. */
  errorTypeOf({ code, kind }: TransportFault): string {
    if (code === undefined) return kind
    // The HTTP client chooses its codes, so this bound is the only limit on the number of series.
    if (this.codes.size < maxCodes) this.codes.add(code)
    return this.codes.has(code) ? code : kind
  }
}

const maxCodes = 30
