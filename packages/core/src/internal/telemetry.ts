/** Spans, metrics and debug logs of calls and their attempts. What nobody listens to is not made. */
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
import { isAgentalkError } from "../AgentalkError.ts"
import { type Fault, isFault, now } from "../Transport.ts"
import type { Exchange } from "./exchange.ts"
import type { Attribute, Attributes, Instruments, RetryReason, WaitReason } from "./instruments.ts"
import { blankSecret } from "./redact.ts"

/** A call under way, as far as telemetry looks at it. */
export interface Observed {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly clock: Clock.Clock
  readonly attempts: number
  readonly tells: Tells
  /** The span of the call, if somebody traces it. */
  span: Tracer.Span | undefined
  /** Whether its success was concluded from a 404, as after a `delete` that was repeated. */
  isAssumed: boolean
}

/** What telemetry tells on request. */
export interface Tells {
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

/** How a call ended: its outcome and, where it failed, the kind of its error. */
const endOf = (exit: Exit.Exit<unknown, unknown>): { readonly outcome: string; readonly error?: string } => {
  if (Exit.isSuccess(exit)) return { outcome: "done" }
  const error = Result.getOrUndefined(Cause.findError(exit.cause))
  if (isAgentalkError(error)) return { outcome: error.outcome, error: error._tag }
  return { outcome: "unknown", error: withoutError(exit.cause) }
}

/** What ends an effect that did not fail. */
const withoutError = (cause: Cause.Cause<unknown>): string =>
  Cause.hasInterruptsOnly(cause) ? "interrupted" : "defect"

/** Shows a span to what others have written. Our own code does without, for a change of context costs. */
export const inSpan = <A, E>(effect: Effect.Effect<A, E>, span: Tracer.Span | undefined): Effect.Effect<A, E> =>
  span === undefined ? effect : Effect.provideService(effect, Tracer.ParentSpan, span)

/** Observes a call, from its input to its end. */
export const observeCall = <A, E>(
  instruments: Instruments,
  call: Observed,
  started: number,
  start: () => Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  const { clock, fiber } = call
  const { context } = fiber
  const end = (exit: Exit.Exit<A, E>) => {
    const { span } = call
    const { error, outcome } = endOf(exit)
    const seconds = (now(clock) - started) / 1000
    instruments.called(error === undefined ? outcome : `${outcome} ${error}`).updateUnsafe(seconds, context)
    if (span === undefined && !isLogged(fiber)) return undefined
    const attributes: Record<string, Attribute> = { "agentalk.attempts": call.attempts, "agentalk.outcome": outcome }
    if (error !== undefined) attributes["error.type"] = error
    if (call.isAssumed) attributes["agentalk.assumed"] = true
    return finish(call, span, exit, error, attributes, () => log(instruments.name, attributes, seconds))
  }
  if (!isTraced(fiber)) return Effect.onExitPrimitive(start(), end)
  return Effect.useSpan(instruments.name, (span) => {
    call.span = span
    return Effect.onExitPrimitive(start(), end)
  })
}

const annotate = (span: Tracer.Span, attributes: Attributes): void => {
  for (const key in attributes) span.attribute(key, attributes[key])
}

/** The end of a span, in the place of the error of a call: that may name a custom field, and a defect anything. */
// @effect-diagnostics-next-line extendsNativeError:off -- exporters read the name and the message of an error
class Failed extends Error {
  readonly _tag = "Failed"
  constructor(type: string) {
    super(type)
    this.name = type
  }
}

/**
 * Ends a span, before the one who opened it does, with nothing but the type of its error. Not with the answer either: it
 * is about people, and would live as long as the span.
 */
const endSpan = (
  { clock, fiber }: Observed,
  span: Tracer.Span,
  exit: Exit.Exit<unknown, unknown>,
  error: string | undefined
): void => {
  const isInterrupted = Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
  const told = error === undefined ? Exit.void : isInterrupted ? exit : Exit.fail(new Failed(error))
  span.end(fiber.getRef(References.TracerTimingEnabled) ? clock.currentTimeNanosUnsafe() : 0n, told)
}

/** Ends the span of a call or an attempt, and logs what came of it. */
const finish = (
  call: Observed,
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
  // A logger may add to the span that is open.
  return Effect.ensuring(
    inSpan(log(), span),
    Effect.sync(() => span !== undefined && endSpan(call, span, exit, error))
  )
}

/** Tells that a call has waited. Shorter waits than a millisecond are none. */
export const waited = (
  instruments: Instruments,
  { clock, fiber, span }: Observed,
  reason: WaitReason,
  millis: number
): Effect.Effect<void> => {
  if (millis < 1) return Effect.void
  const seconds = millis / 1000
  instruments.waited(reason).updateUnsafe(seconds, fiber.context)
  const attributes = { "agentalk.wait.reason": reason, "agentalk.wait.duration": seconds }
  span?.event("wait", clock.currentTimeNanosUnsafe() - BigInt(Math.round(millis * 1_000_000)), attributes)
  if (!isLogged(fiber)) return Effect.void
  return inSpan(Effect.annotateLogs(Effect.logDebug(`${instruments.name} has waited`), attributes), span)
}

/** Counts that an attempt is made again. */
export const retried = (instruments: Instruments, { fiber }: Observed, reason: RetryReason): void =>
  instruments.retried(reason).updateUnsafe(1, fiber.context)

// --- attempts -------------------------------------------------------------------------------------------------------

/** Sends a request as it is to be sent, on a fiber, at a time, in the span of its attempt. */
type Send = (
  request: HttpClientRequest.HttpClientRequest,
  fiber: Fiber.Fiber<unknown, unknown>,
  at: number,
  span: Tracer.Span | undefined
) => Effect.Effect<Exchange, Fault>

/** Observes one attempt. */
export const observeAttempt = (
  instruments: Instruments,
  call: Observed,
  request: HttpClientRequest.HttpClientRequest,
  send: Send
): Effect.Effect<Exchange, Fault> => {
  const { clock, fiber } = call
  const { context } = fiber
  let started: number | undefined
  let span: Tracer.Span | undefined

  const begin = Effect.withFiber<Exchange, Fault>((fiber) => {
    started = now(clock)
    instruments.active.modifyUnsafe(1, context)
    return send(
      span !== undefined && call.tells.traceHeaders ? withTrace(request, span) : request,
      fiber,
      started,
      span
    )
  })
  const end = (exit: Exit.Exit<Exchange, Fault>) => {
    if (started === undefined) return undefined
    const seconds = (now(clock) - started) / 1000
    instruments.active.modifyUnsafe(-1, context)
    const { error, status } = resultOf(instruments, exit)
    const result = status !== undefined && error === undefined ? status : `${status ?? ""} ${error ?? ""}`
    instruments.attempted(result).updateUnsafe(seconds, context)
    if (span === undefined && !isLogged(fiber)) return undefined
    const attributes: Record<string, Attribute> = {}
    if (call.attempts > 1) attributes["http.request.resend_count"] = call.attempts - 1
    if (status !== undefined) attributes["http.response.status_code"] = status
    if (error !== undefined) attributes["error.type"] = error
    if (call.tells.requestDetails) Object.assign(attributes, detailsOf(request, exit))
    return finish(call, span, exit, error, attributes, () =>
      log(instruments.attemptName, { ...instruments.attributes, ...attributes }, seconds)
    )
  }
  if (call.span === undefined) return Effect.onExitPrimitive(begin, end)
  return Effect.useSpan(
    instruments.attemptName,
    { kind: "client", parent: call.span, attributes: instruments.attributes },
    (opened) => {
      span = opened
      return Effect.onExitPrimitive(begin, end)
    }
  )
}

const withTrace = (request: HttpClientRequest.HttpClientRequest, span: Tracer.Span) =>
  HttpClientRequest.setHeaders(request, HttpTraceContext.toHeaders(span))

interface AttemptResult {
  /** Absent where no head arrived. */
  readonly status?: number
  /** What went wrong: the status, the code of a fault or, where it has none, its kind. */
  readonly error?: string
}

const resultOf = (instruments: Instruments, exit: Exit.Exit<Exchange, Fault>): AttemptResult => {
  if (Exit.isSuccess(exit)) {
    const { body, status } = exit.value
    if (isFault(body)) return { status, error: instruments.typeOf(body) }
    return status < 400 ? { status } : { status, error: String(status) }
  }
  const fault = Result.getOrUndefined(Cause.findError(exit.cause))
  return { error: fault === undefined ? withoutError(exit.cause) : instruments.typeOf(fault) }
}

/** What was sent and what came back, without the token. */
const detailsOf = (
  { body, headers, url }: HttpClientRequest.HttpClientRequest,
  exit: Exit.Exit<Exchange, unknown>
): Attributes => {
  const blank = blankSecret(headers["authorization"])
  const answer = Exit.isSuccess(exit) ? exit.value.body : undefined
  return {
    "url.full": blank(url),
    ...(body._tag === "Uint8Array" && { "agentalk.request.body": blank(new TextDecoder().decode(body.body)) }),
    ...(typeof answer === "string" && { "agentalk.response.body": blank(answer) })
  }
}
