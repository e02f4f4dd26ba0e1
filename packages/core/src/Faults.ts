/**
 * Scripted failures of the API, for tests of code that must handle them. They work in memory and on a socket.
 *
 * A fault strikes before or after the operation. If it strikes before, the operation is not applied, or is applied late
 * (`slow`). If it strikes after, the operation is applied, and only its response is lost, delayed or changed.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { Operation } from "./Operations.ts"
import type { Connection, ConnectionReset, Fault, Script, Side } from "./internal/sandbox/fault.ts"

export type { Fault, Request, Script, Side } from "./internal/sandbox/fault.ts"

/**
 * A fault, and the requests that it strikes. A request must match every given key. An omitted key matches all requests.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  /** The operation, such as `"upsert"`. */
  readonly operation?: Operation | undefined
  /** The HTTP method, such as `"DELETE"`, in any case. */
  readonly method?: string | undefined
  /** A substring of the path and query, or a pattern that matches a part of them. */
  readonly path?: string | RegExp | undefined
  /** The number of the first matching request that the fault strikes, counted from 1. Default: 1. */
  readonly nth?: number | undefined
  /** The number of matching requests that the fault strikes from there on; `Infinity` for all. Default: 1. */
  readonly times?: number | undefined
  /** The fault, such as `Faults.reset({ strikes: "after" })`. */
  readonly fault: Fault
}

/**
 * Makes a script of rules. If the faults of several rules strike the same request, the first of these rules is used.
 *
 * **Gotchas**
 *
 * Each rule counts its matching requests for as long as the script exists, so make a new script for each test.
 *
 * @category constructors
 * @since 0.1.0
 */
export const script = (...rules: ReadonlyArray<Rule>): Script => {
  const matchCounts = rules.map(() => 0)
  return ({ method, operation, path }) => {
    let chosen: Fault | undefined
    // Every rule counts its matches, even if an earlier rule has already chosen the fault.
    for (const [index, rule] of rules.entries()) {
      const isMatch =
        (rule.operation === undefined || rule.operation === operation) &&
        (rule.method === undefined || rule.method.toUpperCase() === method) &&
        (rule.path === undefined ||
          (typeof rule.path === "string" ? path.includes(rule.path) : path.search(rule.path) >= 0))
      if (!isMatch) continue
      const count = (matchCounts[index] = (matchCounts[index] ?? 0) + 1)
      const first = rule.nth ?? 1
      if (chosen === undefined && count >= first && count < first + (rule.times ?? 1)) chosen = rule.fault
    }
    return chosen
  }
}

interface Options {
  /** Whether the fault strikes before the operation is applied, or after it. */
  readonly strikes: Side
}

/** Makes a fault whose response does not depend on the response of the operation. */
const replaceResponse = (
  name: string,
  strikes: Side,
  respond: (connection: Connection) => Effect.Effect<HttpServerResponse.HttpServerResponse, ConnectionReset>
): Fault => ({
  name,
  strikes,
  respond: (operation, connection) =>
    strikes === "before" ? respond(connection) : Effect.andThen(operation, respond(connection))
})

/**
 * Responds with a status in place of the real response.
 *
 * **Gotchas**
 *
 * A server that responds with 400 to 499, except 408, has not applied the operation. Such a status must strike before
 * the operation. With `strikes: "after"`, this function throws a `RangeError`.
 *
 * @category faults
 * @since 0.1.0
 */
export const status = (
  code: number,
  options: Options & {
    /** Headers by name, such as `{ "retry-after": "2" }`. Default: none. */
    readonly headers?: Readonly<Record<string, string>> | undefined
    /** The body, sent as JSON. Default: `{"detail": "A scripted fault."}`. */
    readonly body?: unknown
  }
): Fault => {
  if (options.strikes === "after" && code >= 400 && code < 500 && code !== 408) {
    throw new RangeError(
      `status ${code} cannot strike after the operation, because a server that responds with it has not applied the operation. Use strikes: "before".`
    )
  }
  const response = HttpServerResponse.jsonUnsafe(options.body ?? { detail: "A scripted fault." }, {
    status: code,
    headers: options.headers
  })
  return replaceResponse(`status ${code}`, options.strikes, () => Effect.succeed(response))
}

/**
 * Resets the connection without a response.
 *
 * @category faults
 * @since 0.1.0
 */
export const reset = ({ strikes }: Options): Fault =>
  replaceResponse("reset", strikes, (connection) => connection.reset)

/**
 * Sends no response and keeps the connection open.
 *
 * @category faults
 * @since 0.1.0
 */
export const hang = ({ strikes }: Options): Fault => replaceResponse("hang", strikes, () => Effect.never)

/**
 * Delays the response. If the fault strikes before the operation, the operation is applied after the delay.
 *
 * @category faults
 * @since 0.1.0
 */
export const slow = (delay: Duration.Input, { strikes }: Options): Fault => ({
  name: `slow by ${Duration.format(Duration.fromInputUnsafe(delay))}`,
  strikes,
  respond: (operation) =>
    strikes === "before" ? Effect.delay(operation, delay) : Effect.tap(operation, () => Effect.sleep(delay))
})

/** Sends the first half of a response's body, then runs `ending`. */
const sendHalf = (response: HttpServerResponse.HttpServerResponse, ending: Effect.Effect<never, ConnectionReset>) => {
  const { body } = response
  const bytes = body._tag === "Uint8Array" ? body.body : new TextEncoder().encode('{"success": true}')
  const firstHalf = Stream.succeed(bytes.subarray(0, Math.ceil(bytes.length / 2)))
  return HttpServerResponse.stream(Stream.concat(firstHalf, Stream.fromEffect(ending)), {
    status: response.status,
    contentType: "application/json",
    contentLength: bytes.length
  })
}

/**
 * Sends half of the real response's body, then resets the connection. It strikes after the operation.
 *
 * @category faults
 * @since 0.1.0
 */
export const cut: Fault = {
  name: "cut",
  strikes: "after",
  respond: (operation, connection) => Effect.map(operation, (response) => sendHalf(response, connection.reset))
}

/**
 * Sends half of the real response's body, then nothing more, and keeps the connection open. It strikes after the
 * operation.
 *
 * @category faults
 * @since 0.1.0
 */
export const stall: Fault = {
  name: "stall",
  strikes: "after",
  respond: (operation) => Effect.map(operation, (response) => sendHalf(response, Effect.never))
}

/**
 * Responds with a body that is declared as JSON but is not JSON. It strikes after the operation, because a 2xx response
 * of the API means that the operation was applied.
 *
 * @category faults
 * @since 0.1.0
 */
export const garbage: Fault = replaceResponse("garbage", "after", () =>
  Effect.succeed(
    HttpServerResponse.uint8Array(Uint8Array.of(0xff, 0x00, 0x7b, 0xc3, 0x28, 0x5d), {
      contentType: "application/json"
    })
  )
)

/**
 * Responds with an HTML page, as a proxy does. Default status: 200.
 *
 * @category faults
 * @since 0.1.0
 */
export const html = ({ status = 200, strikes }: Options & { readonly status?: number | undefined }): Fault =>
  replaceResponse(`html ${status}`, strikes, () =>
    Effect.succeed(
      HttpServerResponse.text("<!doctype html><title>Busy</title><p>Please come back later.</p>", {
        status,
        contentType: "text/html"
      })
    )
  )

/**
 * Responds with a JSON body of at least `bytes` bytes, in chunks and without a `Content-Length`. It strikes after the
 * operation.
 *
 * @category faults
 * @since 0.1.0
 */
export const huge = (bytes: number): Fault =>
  replaceResponse("huge", "after", () => {
    const chunk = new Uint8Array(65_536).fill(0x20)
    return Effect.succeed(
      HttpServerResponse.stream(Stream.take(Stream.forever(Stream.succeed(chunk)), Math.ceil(bytes / chunk.length)), {
        contentType: "application/json"
      })
    )
  })

/**
 * Responds with a redirect (302) to `location`.
 *
 * @category faults
 * @since 0.1.0
 */
export const redirect = (location: string, { strikes }: Options): Fault =>
  replaceResponse("redirect", strikes, () =>
    Effect.succeed(HttpServerResponse.empty({ status: 302, headers: { location } }))
  )
