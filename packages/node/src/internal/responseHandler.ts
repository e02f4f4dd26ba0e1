/** One request on undici's dispatcher and its response: what receives, counts, keeps the time and resumes the fiber. */
import { monotonicMillis, type RequestState, type ResponseHead, TransportFault } from "@agentalk/core/unstable"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import type { Dispatcher } from "undici"
import { BufferedResponse } from "./BufferedResponse.ts"
import { codeOf } from "./errorCode.ts"

/** What comes of a request: a response whose head has arrived, or why none did. */
export type Outcome = Effect.Effect<HttpClientResponse, HttpClientError.HttpClientError>

/** A delay as timers take it: whole, and neither negative nor so long that it overflows and they fire at once. */
export const timerMillis = (millis: number): number => Math.min(Math.max(Math.ceil(millis), 1), 2 ** 31 - 1)

/** The reason of a request that was given up. */
export const abandoned = "Nobody waits for this request any more"

/**
 * One request and its response: undici's handler, the timer, and what resumes the fiber.
 *
 * When anything is sent (undici 8.12, `lib/dispatcher/client-h1.js`): `onRequestStart` is called when a connection is at
 * hand, right before the request is written to it and in the same turn; on a reused connection, after a turn in which its
 * end would have shown. All that comes before it has written nothing: a refusal by `dispatch`, waiting in a queue, the
 * lookup, connecting, TLS, a wrong `content-length`. From then on bytes may have left. Over HTTP/2 it is called before
 * the stream is opened.
 *
 * It may be called again: undici sends anew what was pipelined behind a request that broke (and never anything else), and
 * so does a dispatcher that retries by itself. The first call counts.
 */
export class ResponseHandler implements Dispatcher.DispatchHandler, RequestState {
  private readonly request: HttpClientRequest
  private readonly url: URL
  private readonly limit: number
  private readonly deadline: number
  private readonly clock: Clock.Clock
  private readonly isOwnPool: boolean
  private readonly resume: (outcome: Outcome) => void
  private controller: Dispatcher.DispatchController | undefined = undefined
  private timer: NodeJS.Timeout | undefined = undefined
  private isSettled = false
  private status = 0
  private headers: Headers.Input = {}
  private body: Uint8Array = empty
  private size = 0

  constructor(
    request: HttpClientRequest,
    url: URL,
    limit: number,
    deadline: number,
    clock: Clock.Clock,
    isOwnPool: boolean,
    resume: (outcome: Outcome) => void
  ) {
    this.request = request
    this.url = url
    this.limit = limit
    this.deadline = deadline
    this.clock = clock
    this.isOwnPool = isOwnPool
    this.resume = resume
    if (deadline !== Infinity) this.arm()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (!this.isSettled) {
      this.controller = controller
      return
    }
    // Given up while it was queued. Aborting closes the connection, one for every such request; over HTTP/1.1 undici
    // takes an error as a refusal and leaves the connection alone. Other dispatchers would let it escape.
    const reason = new Error(abandoned)
    if (this.isOwnPool) throw reason
    controller.abort(reason)
  }

  onResponseStart(_: unknown, status: number, headers: Headers.Input): void {
    // 1xx informs; the response is still to come (RFC 9110, section 15.2).
    if (this.isSettled || status < 200) return
    this.status = status
    this.headers = headers
    if (isTooLong(headers, this.limit) && this.request.method !== "HEAD" && status !== 204 && status !== 304) {
      this.giveUp("size")
    }
  }

  onResponseData(_: unknown, chunk: Uint8Array): void {
    if (this.isSettled) return
    const size = this.size + chunk.length
    if (!(size <= this.limit)) return this.giveUp("size")
    if (this.size === 0) {
      this.body = chunk
    } else {
      if (size > this.body.length) {
        // One growing buffer instead of a list: a body of a million tiny chunks costs its bytes, not its chunks.
        const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(size, 2 * this.body.length), this.limit))
        grown.set(this.body)
        this.body = grown
      }
      this.body.set(chunk, this.size)
    }
    this.size = size
  }

  onResponseEnd(): void {
    if (!this.isSettled) this.settle(undefined)
  }

  // An error thrown here would be an unhandled event of undici's client.
  onResponseError(_: unknown, error: unknown): void {
    if (!this.isSettled) this.settle(new TransportFault("network", { sent: this.isSent, code: codeOf(error) }))
  }

  /** For the finalizer: nobody is to be resumed. */
  abandon(): void {
    if (this.isSettled) return
    this.isSettled = true
    clearTimeout(this.timer)
    this.controller?.abort(new Error(abandoned))
  }

  get isSent(): boolean {
    return this.controller !== undefined
  }

  get head(): ResponseHead | undefined {
    return this.status === 0 ? undefined : { status: this.status, headers: Headers.fromInput(this.headers) }
  }

  private arm(): void {
    // @effect-diagnostics-next-line globalTimers:off -- a fiber that sleeps would have to be raced, and interrupted
    this.timer = setTimeout(expire, timerMillis(this.deadline - monotonicMillis(this.clock)), this)
  }

  expire(): void {
    // Timers have a longest delay, and may be early by a fraction of a millisecond.
    if (monotonicMillis(this.clock) < this.deadline) this.arm()
    else this.giveUp("timeout")
  }

  private giveUp(kind: "size" | "timeout"): void {
    // First, for undici reports the abort as an error.
    this.settle(new TransportFault(kind, { sent: this.isSent }))
    this.controller?.abort(new Error(abandoned))
  }

  private settle(fault: TransportFault | undefined): void {
    this.isSettled = true
    clearTimeout(this.timer)
    const outcome =
      this.status === 0
        ? failed(this.request, fault ?? new TransportFault("network", { sent: this.isSent }))
        : Effect.succeed(
            new BufferedResponse(
              this.request,
              this.url,
              this.status,
              this.headers,
              fault ?? this.body.subarray(0, this.size),
              this.limit
            )
          )
    // Resuming runs the fiber, and so the caller's code: not inside of undici's parser, which is not reentrant.
    queueMicrotask(() => this.resume(outcome))
  }
}

const expire = (handler: ResponseHandler): void => handler.expire()

const empty = new Uint8Array(0)

const isTooLong = (headers: Headers.Input, limit: number): boolean =>
  "content-length" in headers && Number(headers["content-length"]) > limit

/** The failure of a request without a response. */
export const failed = (
  request: HttpClientRequest,
  fault: TransportFault
): Effect.Effect<never, HttpClientError.HttpClientError> =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause: fault }) })
  )
