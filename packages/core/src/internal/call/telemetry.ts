/**
 * Spans, metrics and debug logs of calls and their attempts. Spans are created only if a tracer is installed or a span
 * is open. Logs are created only if the debug level is enabled.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import { isAgentalkError } from "../../AgentalkError.ts"
import { monotonicMillis } from "../clock.ts"
import { redactToken } from "../wire/redaction.ts"
import type { AttemptResult } from "../wire/response.ts"
import { isTransportFault, type TransportFault } from "../wire/transport.ts"
import type { Attribute, Attributes, OperationMetrics, RepeatReason, WaitReason } from "./metrics.ts"

/** The parts of a call that telemetry reads. */
export interface ObservedCall {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly clock: Clock.Clock
  readonly attempts: number
  readonly telemetry: TelemetryOptions
  /** The span of the call, if it is traced. */
  span: Tracer.Span | undefined
  /** Whether a 404 or 410 counted as success, because an earlier attempt may have taken effect. */
  isAssumed: boolean
}

/** The resolved telemetry options: see `Telemetry.Options`. */
export interface TelemetryOptions {
  readonly traceHeaders: boolean
  readonly requestDetails: boolean
}

// --- calls ----------------------------------------------------------------------------------------------------------

const isTraced = ({ cache }: Fiber.Fiber<unknown, unknown>): boolean =>
  cache.tracerEnabled && (cache.tracer !== undefined || cache.span !== undefined)

const isLogged = ({ cache }: Fiber.Fiber<unknown, unknown>): boolean =>
  LogLevel.isGreaterThanOrEqualTo("Debug", cache.minimumLogLevel)

const log = (message: string, attributes: Attributes, seconds: number): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logDebug(message), { ...attributes, "agentalk.duration": seconds })

/** Returns the outcome of a call, and the type of its error if it failed. */
const outcomeOf = (exit: Exit.Exit<unknown, unknown>): { readonly outcome: string; readonly error?: string } => {
  if (Exit.isSuccess(exit)) return { outcome: "done" }
  const error = Result.getOrUndefined(Cause.findError(exit.cause))
  if (isAgentalkError(error)) return { outcome: error.outcome, error: error._tag }
  return { outcome: "unknown", error: untypedErrorOf(exit.cause) }
}

/** Returns the error type of a failure without a typed error. */
const untypedErrorOf = (cause: Cause.Cause<unknown>): string =>
  Cause.hasInterruptsOnly(cause) ? "interrupted" : "defect"

/**
 * Runs an effect that user code provides, such as one that obtains a token, in a span. The SDK's own code does not run
 * in the span, because changing the context takes time.
 */
export const inSpan = <A, E>(effect: Effect.Effect<A, E>, span: Tracer.Span | undefined): Effect.Effect<A, E> =>
  span === undefined ? effect : Effect.provideService(effect, Tracer.ParentSpan, span)

/** Runs a call and records its span, its metrics and its log; `started` is the time at which the call began. */
export const observeCall = <A, E>(
  metrics: OperationMetrics,
  call: ObservedCall,
  started: number,
  start: () => Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  const { clock, fiber } = call
  const { context } = fiber
  const end = (exit: Exit.Exit<A, E>) => {
    const { span } = call
    const { error, outcome } = outcomeOf(exit)
    const seconds = (monotonicMillis(clock) - started) / 1000
    metrics.callDuration(error === undefined ? outcome : `${outcome} ${error}`).updateUnsafe(seconds, context)
    if (span === undefined && !isLogged(fiber)) return undefined
    const attributes: Record<string, Attribute> = { "agentalk.attempts": call.attempts, "agentalk.outcome": outcome }
    if (error !== undefined) attributes["error.type"] = error
    if (call.isAssumed) attributes["agentalk.assumed"] = true
    return finish(call, span, exit, error, attributes, () => log(metrics.name, attributes, seconds))
  }
  if (!isTraced(fiber)) return Effect.onExitPrimitive(start(), end)
  return Effect.useSpan(metrics.name, (span) => {
    call.span = span
    return Effect.onExitPrimitive(start(), end)
  })
}

const annotate = (span: Tracer.Span, attributes: Attributes): void => {
  for (const key in attributes) span.attribute(key, attributes[key])
}

/**
 * The error with which a failed span ends. The real error is not recorded, because its message may contain the key of a
 * custom field, and a defect may contain anything.
 */
// @effect-diagnostics-next-line extendsNativeError:off -- exporters read the name and the message of an error
class SpanError extends Error {
  readonly _tag = "SpanError"
  constructor(type: string) {
    super(type)
    this.name = type
  }
}

/**
 * Ends a span before Effect does. Effect would record the exit: the result, which is personal data, or the error. This
 * function records only the type of the error.
 */
const endSpan = (
  { clock, fiber }: ObservedCall,
  span: Tracer.Span,
  exit: Exit.Exit<unknown, unknown>,
  error: string | undefined
): void => {
  const isInterrupted = Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
  const reported = error === undefined ? Exit.void : isInterrupted ? exit : Exit.fail(new SpanError(error))
  span.end(fiber.getRef(References.TracerTimingEnabled) ? clock.currentTimeNanosUnsafe() : 0n, reported)
}

/** Adds the attributes to the span of a call or an attempt, logs them, and ends the span. */
const finish = (
  call: ObservedCall,
  span: Tracer.Span | undefined,
  exit: Exit.Exit<unknown, unknown>,
  error: string | undefined,
  attributes: Attributes,
  log: () => Effect.Effect<void>
): Effect.Effect<void> | undefined => {
  if (span !== undefined) annotate(span, attributes)
  if (!isLogged(call.fiber)) {
    if (span !== undefined) endSpan(call, span, exit, error)
    return undefined
  }
  // The span ends after the log, because a logger may add an event to the span.
  return Effect.ensuring(
    inSpan(log(), span),
    Effect.sync(() => span !== undefined && endSpan(call, span, exit, error))
  )
}

/** Records a wait of a call. Waits below one millisecond are ignored. */
export const recordWait = (
  metrics: OperationMetrics,
  { clock, fiber, span }: ObservedCall,
  reason: WaitReason,
  millis: number
): Effect.Effect<void> => {
  if (millis < 1) return Effect.void
  const seconds = millis / 1000
  metrics.waitDuration(reason).updateUnsafe(seconds, fiber.context)
  const attributes = { "agentalk.wait.reason": reason, "agentalk.wait.duration": seconds }
  span?.event("wait", clock.currentTimeNanosUnsafe() - BigInt(Math.round(millis * 1_000_000)), attributes)
  if (!isLogged(fiber)) return Effect.void
  return inSpan(Effect.annotateLogs(Effect.logDebug(`${metrics.name} waited`), attributes), span)
}

/** Counts a retry. */
export const recordRepeat = (metrics: OperationMetrics, { fiber }: ObservedCall, reason: RepeatReason): void =>
  metrics.retries(reason).updateUnsafe(1, fiber.context)

// --- attempts -------------------------------------------------------------------------------------------------------

/** Sends the final request; `start` is the time at which the attempt began, and `span` is the span of the attempt. */
type Send = (
  request: HttpClientRequest.HttpClientRequest,
  fiber: Fiber.Fiber<unknown, unknown>,
  start: number,
  span: Tracer.Span | undefined
) => Effect.Effect<AttemptResult, TransportFault>

/** Makes an attempt and records its span, its metrics and its log. */
export const observeAttempt = (
  metrics: OperationMetrics,
  call: ObservedCall,
  request: HttpClientRequest.HttpClientRequest,
  send: Send
): Effect.Effect<AttemptResult, TransportFault> => {
  const { clock, fiber } = call
  const { context } = fiber
  let started: number | undefined
  let span: Tracer.Span | undefined

  const begin = Effect.withFiber<AttemptResult, TransportFault>((fiber) => {
    started = monotonicMillis(clock)
    metrics.activeRequests.modifyUnsafe(1, context)
    return send(
      span !== undefined && call.telemetry.traceHeaders ? withTrace(request, span) : request,
      fiber,
      started,
      span
    )
  })
  const end = (exit: Exit.Exit<AttemptResult, TransportFault>) => {
    if (started === undefined) return undefined
    const seconds = (monotonicMillis(clock) - started) / 1000
    metrics.activeRequests.modifyUnsafe(-1, context)
    const { error, status } = reportOf(metrics, exit)
    const label = status !== undefined && error === undefined ? status : `${status ?? ""} ${error ?? ""}`
    metrics.attemptDuration(label).updateUnsafe(seconds, context)
    if (span === undefined && !isLogged(fiber)) return undefined
    const attributes: Record<string, Attribute> = {}
    if (call.attempts > 1) attributes["http.request.resend_count"] = call.attempts - 1
    if (status !== undefined) attributes["http.response.status_code"] = status
    if (error !== undefined) attributes["error.type"] = error
    if (call.telemetry.requestDetails) Object.assign(attributes, detailsOf(request, exit))
    return finish(call, span, exit, error, attributes, () =>
      log(metrics.attemptName, { ...metrics.attributes, ...attributes }, seconds)
    )
  }
  if (call.span === undefined) return Effect.onExitPrimitive(begin, end)
  return Effect.useSpan(
    metrics.attemptName,
    { kind: "client", parent: call.span, attributes: metrics.attributes },
    (opened) => {
      span = opened
      return Effect.onExitPrimitive(begin, end)
    }
  )
}

const withTrace = (request: HttpClientRequest.HttpClientRequest, span: Tracer.Span) =>
  HttpClientRequest.setHeaders(request, HttpTraceContext.toHeaders(span))

/** The status and the error type of an attempt. */
interface AttemptReport {
  /** The status; missing if no response head arrived. */
  readonly status?: number
  /** The error type; missing if the attempt succeeded. It is a status, the code of a fault, or its kind. */
  readonly error?: string
}

const reportOf = (metrics: OperationMetrics, exit: Exit.Exit<AttemptResult, TransportFault>): AttemptReport => {
  if (Exit.isSuccess(exit)) {
    const { body, status } = exit.value
    if (isTransportFault(body)) return { status, error: metrics.errorTypeOf(body) }
    return status < 400 ? { status } : { status, error: String(status) }
  }
  const fault = Result.getOrUndefined(Cause.findError(exit.cause))
  return { error: fault === undefined ? untypedErrorOf(exit.cause) : metrics.errorTypeOf(fault) }
}

/** Returns the URL and the bodies of an attempt, without the token. */
const detailsOf = (
  { body, headers, url }: HttpClientRequest.HttpClientRequest,
  exit: Exit.Exit<AttemptResult, unknown>
): Attributes => {
  const redact = redactToken(headers["authorization"])
  const response = Exit.isSuccess(exit) ? exit.value.body : undefined
  return {
    "url.full": redact(url),
    ...(body._tag === "Uint8Array" && { "agentalk.request.body": redact(new TextDecoder().decode(body.body)) }),
    ...(typeof response === "string" && { "agentalk.response.body": redact(response) })
  }
}
