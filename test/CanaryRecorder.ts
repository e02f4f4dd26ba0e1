/** Records all telemetry: spans, metrics, logs at every level, and the console. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { formatWithOptions } from "node:util"
import { inspected, type Piece, pieces, causeTexts } from "./Canary.ts"

/** The span around the calls is not the SDK's. It ends with the error of a call, which may contain a field key. */
const callerSpan = "caller"

const spanPieces = ({ annotations, attributes, events, kind, links, name, status }: Tracer.NativeSpan) => [
  ...pieces(
    `the span ${name}`,
    "telemetry",
    inspected({
      name,
      kind,
      attributes: [...attributes],
      events: events.map(([name, , attributes]) => [name, attributes]),
      links: links.map(({ attributes, span }) => [attributes, span.spanId]),
      annotations
    })
  ),
  ...(status._tag === "Ended" && status.exit._tag === "Failure"
    ? pieces(`the span ${name}: its exit`, name === callerSpan ? "error" : "telemetry", causeTexts(status.exit.cause))
    : [])
]

/** The names, descriptions, attributes and values of metrics, as texts to search. */
export const metricPieces = (snapshot: ReadonlyArray<Metric.Metric.Snapshot>): ReadonlyArray<Piece> =>
  pieces("the metrics", "telemetry", inspected(snapshot))

const formats = [Logger.formatSimple, Logger.formatLogFmt, Logger.formatJson]

/** The exit of an effect, and the telemetry that it produced. */
export interface Recording<A, E> {
  readonly exit: Exit.Exit<A, E>
  readonly telemetry: ReadonlyArray<Piece>
  /** The names of the spans, without the caller's span. */
  readonly spans: ReadonlyArray<string>
}

/** Runs an effect with a tracer, a metric registry, a console and loggers that record everything. */
export const record = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Recording<A, E>, never, R> =>
  Effect.gen(function* () {
    const spans: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    const logPieces: Array<Piece> = []
    const log = (where: string, text: string) => void logPieces.push({ where, rule: "telemetry", text })
    const capture = Logger.make((options) => {
      const { annotations, spans } = {
        annotations: options.fiber.getRef(References.CurrentLogAnnotations),
        spans: options.fiber.getRef(References.CurrentLogSpans)
      }
      for (const text of inspected([options.message, annotations, spans])) log("a log", text)
      if (options.cause.reasons.length > 0) for (const text of causeTexts(options.cause)) log("a log's cause", text)
      for (const format of formats) log("a log", format.log(options))
    })
    const console: Console.Console = Object.assign(
      Object.create(globalThis.console),
      Object.fromEntries(
        ["debug", "dir", "error", "group", "groupCollapsed", "info", "log", "table", "trace", "warn"].map((name) => [
          name,
          (...args: ReadonlyArray<unknown>) => log("the console", formatWithOptions({ depth: Infinity }, ...args))
        ])
      )
    )
    const metrics = new Map()

    const exit = yield* effect.pipe(
      Effect.withSpan(callerSpan),
      Effect.exit,
      Effect.provideService(Tracer.Tracer, tracer),
      Effect.provideService(Tracer.MinimumTraceLevel, "All"),
      Effect.provideService(Metric.MetricRegistry, metrics),
      Effect.provideService(Console.Console, console),
      Effect.provideService(References.MinimumLogLevel, "All"),
      Effect.provideService(
        Logger.CurrentLoggers,
        new Set([
          capture,
          Logger.defaultLogger,
          Logger.consolePretty({ mode: "tty" }),
          Logger.consoleStructured,
          Logger.tracerLogger
        ])
      )
    )
    const snapshot = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, metrics)
    return {
      exit,
      telemetry: [...spans.flatMap(spanPieces), ...logPieces, ...metricPieces(snapshot)],
      spans: spans.map(({ name }) => name).filter((name) => name !== callerSpan)
    }
  })
