/**
 * One request and what came back, whatever the transport: a head and a body, a head without a readable body, or
 * neither.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { constTrue } from "effect/Function"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Transport from "../Transport.ts"

/** A response whose head has arrived. */
export interface Exchange {
  readonly status: number
  readonly headers: Headers.Headers
  /** The body, or why there is none to read. */
  readonly body: string | Transport.Fault
  /** The credentials that the request carried, so that an echo of them can be blanked. */
  readonly authorization: string | undefined
  /** The organization that the request named. */
  readonly organization: string | undefined
}

// Codes that say that no connection was made, so that nothing was sent.
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

interface Details {
  readonly code: string | undefined
  /** Whether it is certain that nothing was sent. */
  readonly isUnsent: boolean
}

/** What an error and its causes say; of several errors that came together, what they all say. */
const detailsOf = (error: unknown, depth = 0): Details => {
  if (typeof error !== "object" || error === null || depth === maxCauses) return { code: undefined, isUnsent: false }
  if (Transport.isFault(error)) return { code: error.code, isUnsent: !error.sent }
  const { cause, code, errors, syscall }: { readonly [key in "cause" | "code" | "errors" | "syscall"]?: unknown } =
    error
  const own = typeof code === "string" && /^[A-Za-z]\w{1,63}$/.test(code) ? code : undefined
  const isUnsent = syscall === "connect" || syscall === "getaddrinfo" || (own !== undefined && unsentCodes.has(own))
  const inner = Array.isArray(errors) && errors.length > 0 ? errors : [cause]
  const all = inner.map((each) => detailsOf(each, depth + 1))
  const first = all.find((details) => details.code !== undefined)
  return {
    code: first?.code ?? own,
    isUnsent: inner.length > 1 ? all.every((details) => details.isUnsent) : isUnsent || all[0]?.isUnsent === true
  }
}

/** The fault that an error holds, or one that says what the error does, without anything of the request. */
const toFault = (error: unknown): Transport.Fault => {
  let cause = error
  for (let i = 0; i < maxCauses && typeof cause === "object" && cause !== null; i++) {
    if (Transport.isFault(cause)) return cause
    cause = "cause" in cause ? cause.cause : undefined
  }
  const { code, isUnsent } = detailsOf(error)
  return new Transport.Fault("network", { sent: !isUnsent, code })
}

// Nothing reached the transport: the request could not be built.
const isUnbuilt = (error: HttpClientError.HttpClientError): boolean =>
  error.reason._tag === "InvalidUrlError" || error.reason._tag === "EncodeError"

const decoder = new TextDecoder()

/** A body as text, read under the size limit, by a client that does not know of it. */
const readBounded = (
  response: HttpClientResponse,
  maxBodyBytes: number
): Effect.Effect<string, HttpClientError.HttpClientError | Transport.Fault> => {
  if (Number(response.headers["content-length"]) > maxBodyBytes) {
    // Reading begins, so that giving up closes the connection instead of leaving it pinned.
    return Effect.andThen(
      Effect.ignore(Stream.runDrain(Stream.take(response.stream, 1))),
      Effect.fail(new Transport.Fault("size", { sent: true }))
    )
  }
  const chunks: Array<Uint8Array> = []
  let size = 0
  return Effect.map(
    Stream.runForEach(response.stream, (chunk) => {
      size += chunk.byteLength
      chunks.push(chunk)
      return size > maxBodyBytes ? Effect.fail(new Transport.Fault("size", { sent: true })) : Effect.void
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
 * What is asked of every client. The client's span would record the URL, and with it a searched phone, and send trace
 * headers to the vendor; attempts have spans of their own.
 */
const asked = (
  context: Context.Context<never>,
  attempt: Transport.Attempt,
  span: Tracer.Span | undefined
): Context.Context<never> => {
  const limited = Context.add(context, Transport.CurrentAttempt, attempt)
  const untraced = Context.add(limited, HttpClient.TracerDisabledWhen, constTrue)
  return span === undefined ? untraced : Context.add(untraced, Tracer.ParentSpan, span)
}

/** `fetch` would follow redirects and take the request with it. */
const withoutRedirects = (context: Context.Context<never>): Context.Context<never> =>
  Context.add(context, FetchHttpClient.RequestInit, {
    ...Context.getOrUndefined(context, FetchHttpClient.RequestInit),
    redirect: "manual"
  })

const toExchange = (response: HttpClientResponse, body: string | Transport.Fault): Exchange => ({
  status: response.status,
  headers: response.headers,
  body,
  authorization: response.request.headers["authorization"],
  organization: response.request.headers["x-organization-id"]
})

/**
 * How many milliseconds the timer around a client comes after one of its own, which it has where it enforces the limits
 * behind a middleware: the client knows whether a head has come before it hands out a response.
 */
const grace = 5

/** The limits of one attempt. */
interface Limits {
  /** When it begins, in milliseconds of the monotonic clock. */
  readonly at: number
  /** How long it may take. */
  readonly millis: number
  readonly maxBodyBytes: number
}

/**
 * Sends a request and reads its answer under the limits of one attempt. Fails only where no head arrived.
 *
 * @param isOwner whether the client enforces the limits by itself (`Transport.ownsAttempt`)
 * @param span the span that the client works in, where the attempt is traced
 */
export const exchange = (
  fiber: Fiber.Fiber<unknown, unknown>,
  send: Effect.Effect<HttpClientResponse, HttpClientError.HttpClientError>,
  { at, maxBodyBytes, millis }: Limits,
  isOwner: boolean,
  span: Tracer.Span | undefined
): Effect.Effect<Exchange, Transport.Fault> => {
  const isEnforced = isOwner && Transport.usesDefaultClock(fiber)
  let head: HttpClientResponse | undefined
  const received = Effect.matchEffect(
    Effect.flatMap(send, (response) => {
      head = response
      return isEnforced ? response.text : readBounded(response, maxBodyBytes)
    }),
    {
      onSuccess: (text) => Effect.succeed(toExchange(head!, text)),
      onFailure: (error): Effect.Effect<Exchange, Transport.Fault> => {
        if (head !== undefined) return Effect.succeed(toExchange(head, toFault(error)))
        return Effect.fail(
          HttpClientError.isHttpClientError(error) && isUnbuilt(error)
            ? new Transport.Fault("network", { sent: false })
            : toFault(error)
        )
      }
    }
  )
  const attempt = { deadline: at + millis, maxBodyBytes }
  const told = (context: Context.Context<never>) => asked(context, attempt, span)
  // Not `provideContext`, which copies the whole context to merge it.
  if (isEnforced) return Effect.updateContext(received, told)
  return received.pipe(
    Effect.updateContext((context: Context.Context<never>) => withoutRedirects(told(context))),
    Effect.timeoutOrElse({
      duration: Duration.millis(Transport.usesDefaultClock(fiber) ? millis + grace : millis),
      orElse: () => {
        const fault = new Transport.Fault("timeout", { sent: true })
        return head === undefined ? Effect.fail(fault) : Effect.succeed(toExchange(head, fault))
      }
    })
  )
}
