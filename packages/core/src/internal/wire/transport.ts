/**
 * The contract between a call and an HTTP transport.
 *
 * Any `HttpClient` works. A client that reads `CurrentAttempt` and is marked with `markAttemptAware` enforces the
 * timeout and the size limit itself, with one timer and without a race of fibers. The SDK enforces them around any
 * other client.
 */
import * as Context from "effect/Context"
import type * as Headers from "effect/http/Headers"
import type { HttpClient } from "effect/http/HttpClient"
import * as Predicate from "effect/Predicate"

/** The head of a response: what arrives before its body. */
export interface ResponseHead {
  readonly status: number
  readonly headers: Headers.Headers
}

/** The progress of a request. The transport updates it. */
export interface RequestState {
  /** Whether a byte of the request may have left this machine; `false` only if certainly none did. */
  readonly isSent: boolean
  readonly head: ResponseHead | undefined
}

/** The limits of one attempt. */
export interface Attempt {
  /** The time by which the response must be complete, in milliseconds of the fiber's monotonic clock. */
  readonly deadline: number
  /** The maximum size of a response body after decompression, in bytes. */
  readonly maxBodyBytes: number
  /**
   * The transport calls this with the state of each request that it dispatches. If the SDK's own timer fires first, the
   * SDK reads the state, so the outcome of a timeout does not depend on which timer fires first.
   */
  readonly onDispatch: (state: RequestState) => void
}

/** The attempt of the current fiber; `undefined` outside of a call of this SDK. */
export const CurrentAttempt: Context.Reference<Attempt | undefined> = Context.Reference<Attempt | undefined>(
  "@agentalk/core/CurrentAttempt",
  { defaultValue: () => undefined }
)

const TransportFaultTypeId = "~@agentalk/core/TransportFault"

/**
 * The reason why a transport received no response, or only a part of it. A transport sets it as the `cause` of the
 * `HttpClientError` that it fails with. It contains no part of the request or the response.
 */
// @effect-diagnostics-next-line extendsNativeError:off -- it is the cause of an HttpClientError, never a failure itself
export class TransportFault extends Error {
  readonly [TransportFaultTypeId] = TransportFaultTypeId
  /** `"timeout"`: the attempt's deadline passed; `"size"`: the body is too large; `"network"`: anything else. */
  readonly kind: "timeout" | "size" | "network"
  /** Whether a byte of the request may have left this machine; `false` only if certainly none did. */
  readonly sent: boolean
  /** The system's or the transport's code, such as `ECONNREFUSED`. */
  readonly code: string | undefined

  constructor(kind: TransportFault["kind"], options: { readonly sent: boolean; readonly code?: string | undefined }) {
    super(kind)
    this.kind = kind
    this.sent = options.sent
    this.code = options.code
  }
}

/** Whether a value is a `TransportFault`. */
export const isTransportFault = (u: unknown): u is TransportFault => Predicate.hasProperty(u, TransportFaultTypeId)

const attemptAware = new WeakSet<HttpClient>()

/**
 * Marks a client that enforces the limits of `CurrentAttempt` itself, and returns it. A client that middleware derives
 * from it is not marked, because the middleware may wait as well.
 */
export const markAttemptAware = (client: HttpClient): HttpClient => {
  attemptAware.add(client)
  return client
}

/** Whether a client enforces the limits of `CurrentAttempt` itself. */
export const isAttemptAware = (client: HttpClient): boolean => attemptAware.has(client)
