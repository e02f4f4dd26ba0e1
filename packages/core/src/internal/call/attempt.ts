/** Makes one attempt: sends a request over any HTTP client and reads the response, under a timeout and a size limit. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { constTrue } from "effect/Function"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { usesDefaultClock } from "../clock.ts"
import type { AttemptResult } from "../wire/response.ts"
import {
  type Attempt,
  CurrentAttempt,
  isTransportFault,
  type RequestState,
  type ResponseHead,
  TransportFault
} from "../wire/transport.ts"

// The codes of errors before a connection was made. They prove that nothing was sent.
const unsentCodes: ReadonlySet<string> = new Set([
  "ConnectionRefused",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ENOTFOUND",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UND_ERR_CONNECT_TIMEOUT"
])

const maxCauses = 10

interface FaultDetails {
  readonly code: string | undefined
  /** Whether it is certain that nothing was sent. */
  readonly isUnsent: boolean
}

/**
 * Reads the details of an error and its causes. For an aggregate error, all its errors must prove that nothing was
 * sent.
 */
const faultDetailsOf = (error: unknown, depth = 0): FaultDetails => {
  if (typeof error !== "object" || error === null || depth === maxCauses) return { code: undefined, isUnsent: false }
  if (isTransportFault(error)) return { code: error.code, isUnsent: !error.sent }
  const { cause, code, errors, syscall }: { readonly [key in "cause" | "code" | "errors" | "syscall"]?: unknown } =
    error
  const own = typeof code === "string" && /^[A-Za-z]\w{1,63}$/.test(code) ? code : undefined
  const isUnsent = syscall === "connect" || syscall === "getaddrinfo" || (own !== undefined && unsentCodes.has(own))
  const inner = Array.isArray(errors) && errors.length > 0 ? errors : [cause]
  const all = inner.map((each) => faultDetailsOf(each, depth + 1))
  const first = all.find((details) => details.code !== undefined)
  return {
    code: first?.code ?? own,
    isUnsent: inner.length > 1 ? all.every((details) => details.isUnsent) : isUnsent || all[0]?.isUnsent === true
  }
}

/**
 * Finds a `TransportFault` in an error and its causes. If there is none, makes one from their codes, without any part
 * of the request.
 */
const toFault = (error: unknown): TransportFault => {
  let cause = error
  for (let i = 0; i < maxCauses && typeof cause === "object" && cause !== null; i++) {
    if (isTransportFault(cause)) return cause
    cause = "cause" in cause ? cause.cause : undefined
  }
  const { code, isUnsent } = faultDetailsOf(error)
  return new TransportFault("network", { sent: !isUnsent, code })
}

/** Whether an error means that the request could not be built, so nothing was sent. */
const isUnbuilt = (error: HttpClientError.HttpClientError): boolean =>
  error.reason._tag === "InvalidUrlError" || error.reason._tag === "EncodeError"

const decoder = new TextDecoder()

/** Reads a body as text under the size limit, for a client that does not enforce it. */
const readBounded = (
  response: HttpClientResponse,
  maxBodyBytes: number
): Effect.Effect<string, HttpClientError.HttpClientError | TransportFault> => {
  if (Number(response.headers["content-length"]) > maxBodyBytes) {
    // An unread body keeps its connection open. Starting to read the body and stopping closes the connection.
    return Effect.andThen(
      Effect.ignore(Stream.runDrain(Stream.take(response.stream, 1))),
      Effect.fail(new TransportFault("size", { sent: true }))
    )
  }
  const chunks: Array<Uint8Array> = []
  let size = 0
  return Effect.map(
    Stream.runForEach(response.stream, (chunk) => {
      size += chunk.byteLength
      chunks.push(chunk)
      return size > maxBodyBytes ? Effect.fail(new TransportFault("size", { sent: true })) : Effect.void
    }),
    () => {
      const bytes = new Uint8Array(size)
      let at = 0
      for (const chunk of chunks) {
        bytes.set(chunk, at)
        at += chunk.byteLength
      }
      return decoder.decode(bytes)
    }
  ).pipe(
    Effect.catchIf(
      (error): error is HttpClientError.HttpClientError =>
        HttpClientError.isHttpClientError(error) && error.reason._tag === "EmptyBodyError",
      () => Effect.succeed("")
    )
  )
}

/**
 * Adds the context of an attempt, and disables the span of Effect's own client. That span would record the URL, which
 * may contain a phone number, and it would send trace headers to the vendor.
 */
const withAttempt = (
  context: Context.Context<never>,
  attempt: Attempt,
  span: Tracer.Span | undefined
): Context.Context<never> => {
  const limited = Context.add(context, CurrentAttempt, attempt)
  const untraced = Context.add(limited, HttpClient.TracerDisabledWhen, constTrue)
  return span === undefined ? untraced : Context.add(untraced, Tracer.ParentSpan, span)
}

/** Makes `fetch` return redirects, because it would otherwise send the request to another address. */
const withoutRedirects = (context: Context.Context<never>): Context.Context<never> =>
  Context.add(context, FetchHttpClient.RequestInit, {
    ...Context.getOrUndefined(context, FetchHttpClient.RequestInit),
    redirect: "manual"
  })

const toResult = (
  request: HttpClientRequest,
  { headers, status }: ResponseHead,
  body: string | TransportFault
): AttemptResult => ({
  status,
  headers,
  body,
  authorization: request.headers["authorization"],
  organization: request.headers["x-organization-id"]
})

/** The limits of one attempt. */
interface AttemptLimits {
  /** The start of the attempt, in milliseconds of the monotonic clock. */
  readonly start: number
  /** The timeout, in milliseconds. */
  readonly timeout: number
  readonly maxBodyBytes: number
}

/**
 * Sends a request and reads its response under the limits of one attempt. Fails only if no head of a response arrived.
 *
 * @param isAware whether the client enforces the limits itself (`markAttemptAware`)
 * @param span the span of the attempt, if it is traced
 */
export const makeAttempt = (
  fiber: Fiber.Fiber<unknown, unknown>,
  httpClient: HttpClient.HttpClient,
  request: HttpClientRequest,
  { maxBodyBytes, start, timeout }: AttemptLimits,
  isAware: boolean,
  span: Tracer.Span | undefined
): Effect.Effect<AttemptResult, TransportFault> => {
  const isEnforced = isAware && usesDefaultClock(fiber)
  let response: HttpClientResponse | undefined
  let state: RequestState | undefined
  // Whether an earlier request of this attempt was sent, because middleware of the HTTP client may repeat a request.
  let wasSent = false
  const onDispatch = (next: RequestState): void => {
    wasSent ||= state?.isSent === true
    state = next
  }
  const received = Effect.matchEffect(
    Effect.flatMap(httpClient.execute(request), (received) => {
      response = received
      return isEnforced ? received.text : readBounded(received, maxBodyBytes)
    }),
    {
      onSuccess: (text) => Effect.succeed(toResult(response!.request, response!, text)),
      onFailure: (error): Effect.Effect<AttemptResult, TransportFault> => {
        if (response !== undefined) return Effect.succeed(toResult(response.request, response, toFault(error)))
        const fault =
          HttpClientError.isHttpClientError(error) && isUnbuilt(error)
            ? new TransportFault("network", { sent: false })
            : toFault(error)
        const isSent = fault.sent || wasSent || state?.isSent === true
        return Effect.fail(
          isSent === fault.sent ? fault : new TransportFault(fault.kind, { sent: true, code: fault.code })
        )
      }
    }
  )
  const attempt: Attempt = { deadline: start + timeout, maxBodyBytes, onDispatch }
  // `provideContext` would copy the whole context to merge it, which is slower.
  if (isEnforced) return Effect.updateContext(received, (context) => withAttempt(context, attempt, span))
  return received.pipe(
    Effect.updateContext((context: Context.Context<never>) => withoutRedirects(withAttempt(context, attempt, span))),
    // A transport behind middleware may have its own timer for the same deadline. If this timer fires first, the state
    // of the request provides the result that the transport would have returned.
    Effect.timeoutOrElse({
      duration: Duration.millis(timeout),
      orElse: () => {
        const fault = new TransportFault("timeout", { sent: wasSent || (state?.isSent ?? true) })
        const head = response ?? state?.head
        return head === undefined
          ? Effect.fail(fault)
          : Effect.succeed(toResult(response?.request ?? request, head, fault))
      }
    })
  )
}
