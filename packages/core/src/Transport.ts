/**
 * What the SDK asks of an HTTP transport, and what a transport can tell in return.
 *
 * Any `HttpClient` works. One that reads `CurrentAttempt` and is marked with `ownsAttempt` enforces the time limit and
 * the size limit by itself, with one timer and without a race of fibers; around every other client the SDK does it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import type { HttpClient } from "effect/http/HttpClient"
import * as Predicate from "effect/Predicate"

/**
 * The limits of one attempt.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Attempt {
  /** When the attempt must have ended, headers and body, in milliseconds of the fiber's monotonic clock. */
  readonly deadline: number
  /** The most bytes of a response body, after decompression, that may be kept in memory. */
  readonly maxBodyBytes: number
}

/**
 * The limits of the attempt that the current fiber is making: `undefined` outside of a call of this SDK.
 *
 * @category configuration
 * @since 0.1.0
 */
export const CurrentAttempt: Context.Reference<Attempt | undefined> = Context.Reference<Attempt | undefined>(
  "@agentalk/core/Transport/CurrentAttempt",
  { defaultValue: () => undefined }
)

const FaultTypeId = "~@agentalk/core/Transport/Fault"

/**
 * Why a transport gave no response, or only a part of one. A transport puts it into the `cause` of the
 * `HttpClientError` it fails with; it holds nothing of the request or the response.
 *
 * @category errors
 * @since 0.1.0
 */
// @effect-diagnostics-next-line extendsNativeError:off -- it is the cause of an HttpClientError, never a failure itself
export class Fault extends Error {
  readonly [FaultTypeId] = FaultTypeId
  /** `"timeout"`: the attempt's deadline passed; `"size"`: the body is too large; `"network"`: anything else. */
  readonly kind: "timeout" | "size" | "network"
  /** Whether a byte of the request may have left this machine: `false` only when that is certain. */
  readonly sent: boolean
  /** The system's or the transport's code, such as `ECONNREFUSED`. */
  readonly code: string | undefined

  constructor(kind: Fault["kind"], options: { readonly sent: boolean; readonly code?: string | undefined }) {
    super(kind)
    this.kind = kind
    this.sent = options.sent
    this.code = options.code
  }
}

/**
 * Tells a `Fault` from any other cause.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFault = (u: unknown): u is Fault => Predicate.hasProperty(u, FaultTypeId)

const owners = new WeakSet<HttpClient>()

/**
 * Marks a client that enforces `CurrentAttempt` by itself, and returns it. A client derived from it by middleware
 * does not inherit the mark, for the middleware may add waits of its own.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ownsAttempt = (client: HttpClient): HttpClient => {
  owners.add(client)
  return client
}

/**
 * Whether a client enforces `CurrentAttempt` by itself.
 *
 * @category guards
 * @since 0.1.0
 */
export const isAttemptOwner = (client: HttpClient): boolean => owners.has(client)

/**
 * The time of a clock's monotonic source, in milliseconds.
 *
 * @category configuration
 * @since 0.1.0
 */
export const now = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000

const defaultClock = Context.get(Context.empty(), Clock.Clock)

/**
 * Whether a fiber's clock is the default one, so that `setTimeout` and its `Clock` mean the same time.
 *
 * @category guards
 * @since 0.1.0
 */
export const usesDefaultClock = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(Clock.Clock) === defaultClock
