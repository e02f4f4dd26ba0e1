/** Listens to everything that telemetry can say: spans, metrics, logs at every level, and the console. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { formatWithOptions } from "node:util"
import { type Piece, pieces, shownCause, shownValue } from "./Canary.ts"

/** The span around the calls, which is not the SDK's: it may end with an error that names a field. */
const callers = "caller"

const spanPieces = (span: Tracer.NativeSpan): ReadonlyArray<Piece> => {
  const said: Record<string, unknown> = {
    kind: span.kind,
    attributes: [...span.attributes],
    events: span.events.map(([name, , attributes]) => [name, attributes]),
    links: span.links.map(({ attributes, span }) => [attributes, span._tag === "Span" ? span.name : span.spanId]),
    annotations: span.annotations
  }
  const { status } = span
  return [
    ...pieces("a span's name", "telemetry", [span.name]),
    ...Object.entries(said).flatMap(([name, value]) =>
      pieces(`the span ${span.name}: ${name}`, "telemetry", shownValue(value))
    ),
    ...(status._tag === "Ended" && status.exit._tag === "Failure"
      ? pieces(
          `the span ${span.name}: its exit`,
          span.name === callers ? "error" : "telemetry",
          shownCause(status.exit.cause)
        )
      : [])
  ]
}

const formats = [Logger.formatSimple, Logger.formatLogFmt, Logger.formatJson]

/** What came of an effect, and what was said about it. */
export interface Recording<A, E> {
  readonly exit: Exit.Exit<A, E>
  readonly telemetry: ReadonlyArray<Piece>
  /** The names of the spans, the caller's left out. */
  readonly spans: ReadonlyArray<string>
}

/** Runs an effect as a program does that has switched on all there is. */
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
    const logged: Array<Piece> = []
    const log = (where: string, text: string) => void logged.push({ where, rule: "telemetry", text })
    const capture = Logger.make((options) => {
      for (const text of shownValue(options.message)) log("a log's message", text)
      for (const text of shownCause(options.cause)) log("a log's cause", text)
      for (const text of shownValue(options.fiber.getRef(References.CurrentLogAnnotations))) {
        log("a log's annotations", text)
      }
      for (const text of shownValue(options.fiber.getRef(References.CurrentLogSpans))) log("a log's spans", text)
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
      Effect.withSpan(callers),
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
    // Clients that were made outside may have kept the registry of their time.
    const registries = [
      yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, metrics),
      yield* Metric.snapshot
    ]
    return {
      exit,
      telemetry: [
        ...spans.flatMap(spanPieces),
        ...logged,
        ...registries.flatMap((metrics) =>
          metrics.flatMap((metric) => pieces("a metric", "telemetry", shownValue(metric)))
        )
      ],
      spans: spans.map(({ name }) => name).filter((name) => name !== callers)
    }
  })
