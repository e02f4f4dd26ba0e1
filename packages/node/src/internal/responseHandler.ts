/** Handles one request on an undici dispatcher, and receives its response. */
import { monotonicMillis, type RequestState, type ResponseHead, TransportFault } from "@agentalk/core/unstable"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import type { Dispatcher } from "undici"
import { BufferedResponse } from "./BufferedResponse.ts"
import { errorCodeOf } from "./errorCode.ts"

/** The result of a request: a response whose head has arrived, or the reason why no head arrived. */
export type SendResult = Effect.Effect<HttpClientResponse, HttpClientError.HttpClientError>

/**
 * Rounds a delay up to whole milliseconds and keeps it within the range of timers. With a longer delay, a timer
 * overflows and fires at once.
 */
export const toTimerDelay = (millis: number): number => Math.min(Math.max(Math.ceil(millis), 1), 2 ** 31 - 1)

/** The message of the error that cancels a request or closes its connection. */
export const cancelledMessage = "The request was cancelled"

/**
 * Receives one response, counts its bytes, holds the timer of the request, and resumes the fiber with the result.
 *
 * The call of `onRequestStart` shows whether a byte of the request may have been sent (undici 8.12,
 * `lib/dispatcher/client-h1.js`):
 *
 * - undici calls it when a connection is ready, immediately before it writes the request, in the same turn of the event
 *   loop. On a reused connection, undici first waits for one turn, so that it notices if the server has closed the
 *   connection.
 * - Before the call, no byte is written. undici may still queue the request, look up the host name, connect or
 *   negotiate TLS. If `dispatch` refuses the request, or its `content-length` is wrong, the call never happens.
 * - After the call, bytes may have been sent. Over HTTP/2, the call comes before the stream is opened.
 *
 * It may be called more than once. undici resends only requests that were pipelined behind a broken one. A dispatcher
 * that retries also calls it for each attempt. The request counts as sent after the first call.
 */
export class ResponseHandler implements Dispatcher.DispatchHandler, RequestState {
  private readonly request: HttpClientRequest
  private readonly url: URL
  private readonly maxBodyBytes: number
  private readonly deadline: number
  private readonly clock: Clock.Clock
  private readonly ownsPool: boolean
  private readonly resume: (result: SendResult) => void
  private controller: Dispatcher.DispatchController | undefined = undefined
  private timer: NodeJS.Timeout | undefined = undefined
  private isCompleted = false
  private status = 0
  private headers: Headers.Input = {}
  private body: Uint8Array = empty
  private size = 0

  constructor(
    request: HttpClientRequest,
    url: URL,
    maxBodyBytes: number,
    deadline: number,
    clock: Clock.Clock,
    ownsPool: boolean,
    resume: (result: SendResult) => void
  ) {
    this.request = request
    this.url = url
    this.maxBodyBytes = maxBodyBytes
    this.deadline = deadline
    this.clock = clock
    this.ownsPool = ownsPool
    this.resume = resume
    if (deadline !== Infinity) this.startTimer()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (!this.isCompleted) {
      this.controller = controller
      return
    }
    // The request was cancelled while it was in the queue. An abort would close the connection, which other requests
    // can use. Over HTTP/1.1, undici treats a thrown error as a refusal and keeps the connection open. Other
    // dispatchers do not catch the error.
    const reason = new Error(cancelledMessage)
    if (this.ownsPool) throw reason
    controller.abort(reason)
  }

  onResponseStart(_: unknown, status: number, headers: Headers.Input): void {
    // A 1xx response is informational, and the final response follows (RFC 9110, section 15.2).
    if (this.isCompleted || status < 200) return
    this.status = status
    this.headers = headers
    if (isTooLarge(headers, this.maxBodyBytes) && this.request.method !== "HEAD" && status !== 204 && status !== 304) {
      this.cancel("size")
    }
  }

  onResponseData(_: unknown, chunk: Uint8Array): void {
    if (this.isCompleted) return
    const size = this.size + chunk.length
    if (!(size <= this.maxBodyBytes)) return this.cancel("size")
    if (this.size === 0) {
      this.body = chunk
    } else {
      if (size > this.body.length) {
        // A growing buffer needs no memory per chunk, so a body of a million small chunks is not expensive.
        const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(size, 2 * this.body.length), this.maxBodyBytes))
        grown.set(this.body)
        this.body = grown
      }
      this.body.set(chunk, this.size)
    }
    this.size = size
  }

  onResponseEnd(): void {
    if (!this.isCompleted) this.complete(undefined)
  }

  // This method must not throw: undici emits the error as an event that nothing handles.
  onResponseError(_: unknown, error: unknown): void {
    if (!this.isCompleted) this.complete(new TransportFault("network", { sent: this.isSent, code: errorCodeOf(error) }))
  }

  /** Cancels the request after the fiber was interrupted. Therefore it does not resume the fiber. */
  interrupt(): void {
    if (this.isCompleted) return
    this.isCompleted = true
    clearTimeout(this.timer)
    this.controller?.abort(new Error(cancelledMessage))
  }

  get isSent(): boolean {
    return this.controller !== undefined
  }

  get head(): ResponseHead | undefined {
    return this.status === 0 ? undefined : { status: this.status, headers: Headers.fromInput(this.headers) }
  }

  private startTimer(): void {
    // @effect-diagnostics-next-line globalTimers:off -- a timer is cheaper than a race with a sleeping fiber
    this.timer = setTimeout(expire, toTimerDelay(this.deadline - monotonicMillis(this.clock)), this)
  }

  expire(): void {
    // A timer can fire before the deadline: its delay has a maximum, and it can be early by less than a millisecond.
    if (monotonicMillis(this.clock) < this.deadline) this.startTimer()
    else this.cancel("timeout")
  }

  private cancel(kind: "size" | "timeout"): void {
    // Completes first, because undici reports the abort as an error.
    this.complete(new TransportFault(kind, { sent: this.isSent }))
    this.controller?.abort(new Error(cancelledMessage))
  }

  private complete(fault: TransportFault | undefined): void {
    this.isCompleted = true
    clearTimeout(this.timer)
    const result =
      this.status === 0
        ? failTransport(this.request, fault ?? new TransportFault("network", { sent: this.isSent }))
        : Effect.succeed(
            new BufferedResponse(
              this.request,
              this.url,
              this.status,
              this.headers,
              fault ?? this.body.subarray(0, this.size),
              this.maxBodyBytes
            )
          )
    // Resuming runs the fiber and the code of the caller. It must not happen in undici's parser, which is not
    // reentrant.
    queueMicrotask(() => this.resume(result))
  }
}

const expire = (handler: ResponseHandler): void => handler.expire()

const empty = new Uint8Array(0)

const isTooLarge = (headers: Headers.Input, maxBodyBytes: number): boolean =>
  "content-length" in headers && Number(headers["content-length"]) > maxBodyBytes

/** Fails a request that received no response head. */
export const failTransport = (
  request: HttpClientRequest,
  fault: TransportFault
): Effect.Effect<never, HttpClientError.HttpClientError> =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause: fault }) })
  )
