/**
 * What can go wrong on the way to an API, scripted: for tests of code that must bear it, in memory and on a socket.
 *
 * Every fault says on which side of the operation it strikes: `"before"`, so that nothing has changed, or `"after"`, so
 * that it was applied and only the answer is lost.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Json } from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Operation } from "./Operations.ts"

/**
 * On which side of the operation a fault strikes.
 *
 * @category models
 * @since 0.1.0
 */
export type Side = "before" | "after"

/**
 * One fault.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fault {
  /** What it is called, for the rows of a table. */
  readonly name: string
  readonly strikes: Side
  /** Makes the answer from that of the operation, which is `undefined` where it was not applied. */
  readonly answer: (
    real: HttpServerResponse.HttpServerResponse | undefined,
    connection: Connection
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, Broken>
}

/**
 * The connection that a fault can break.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connection {
  readonly reset: Effect.Effect<never, Broken>
}

/**
 * A connection that was broken on purpose.
 *
 * @category errors
 * @since 0.1.0
 */
export class Broken {
  readonly _tag = "Broken"
}

/**
 * Which requests a fault strikes. What is left out matches all.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  /** The operation that it asks for, such as `"upsert"`. */
  readonly operation?: Operation | undefined
  /** The method, such as `"DELETE"`. */
  readonly method?: string | undefined
  /** The path: what it contains, or a pattern for it. */
  readonly path?: string | RegExp | undefined
  /** The first of the matching requests that is struck, counted from 1. Default: 1. */
  readonly nth?: number | undefined
  /** How many matching requests are struck from there on. Default: 1; `Infinity` for all. */
  readonly times?: number | undefined
  readonly fault: Fault
}

/**
 * A request that a sandbox got.
 *
 * @category models
 * @since 0.1.0
 */
export interface Request {
  /** Its place among all requests, counted from 1. */
  readonly index: number
  /** The operation that it asks for: `undefined` at an address that the contract does not know. */
  readonly operation: Operation | undefined
  readonly method: string
  /** The path and the query, as they were sent. */
  readonly path: string
  /** The parameters of the path and of the query, decoded, by their names in the contract. */
  readonly params: Readonly<Record<string, string>>
  /** The organization that it is for: the one that it names, else that of its token. */
  readonly organization: string
  /** Its headers, with names in lower case, without the one that holds the token. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The JSON of its body; where that is none, the text. */
  readonly body: Json | undefined
}

/**
 * What decides about a request: the fault that strikes it, if any.
 *
 * @category models
 * @since 0.1.0
 */
export type Script = (request: Request) => Fault | undefined

/**
 * A script of rules; the first that matches strikes. Each rule counts the requests that it matches, for as long as the
 * script lives: make one for each test.
 *
 * @category constructors
 * @since 0.1.0
 */
export const script = (...rules: ReadonlyArray<Rule>): Script => {
  const matched = rules.map(() => 0)
  return ({ method, operation, path }) => {
    let struck: Fault | undefined
    for (const [index, rule] of rules.entries()) {
      const isMatch =
        (rule.operation === undefined || rule.operation === operation) &&
        (rule.method === undefined || rule.method.toUpperCase() === method) &&
        (rule.path === undefined ||
          (typeof rule.path === "string" ? path.includes(rule.path) : path.search(rule.path) >= 0))
      if (!isMatch) continue
      const count = (matched[index] = (matched[index] ?? 0) + 1)
      const first = rule.nth ?? 1
      if (struck === undefined && count >= first && count < first + (rule.times ?? 1)) struck = rule.fault
    }
    return struck
  }
}

interface Options {
  readonly strikes: Side
}

/**
 * An answer with some status instead of the real one. A server that refuses (400 to 499, but for 408) has not applied
 * what it was asked, so such a status always strikes before the operation; a `RangeError` says so otherwise.
 *
 * @category faults
 * @since 0.1.0
 */
export const status = (
  code: number,
  options: Options & {
    /** Headers by name, such as `{ "retry-after": "2" }`. */
    readonly headers?: Readonly<Record<string, string>> | undefined
    /** The body, as JSON. Default: `{"detail": "..."}`. */
    readonly body?: unknown
  }
): Fault => {
  if (options.strikes === "after" && code >= 400 && code < 500 && code !== 408) {
    throw new RangeError(`status ${code} strikes before the operation`)
  }
  return {
    name: `status ${code}`,
    strikes: options.strikes,
    answer: () =>
      Effect.succeed(
        HttpServerResponse.jsonUnsafe(options.body ?? { detail: "A scripted fault." }, {
          status: code,
          headers: options.headers
        })
      )
  }
}

/**
 * The connection is reset without an answer.
 *
 * @category faults
 * @since 0.1.0
 */
export const reset = ({ strikes }: Options): Fault => ({
  name: "reset",
  strikes,
  answer: (_, connection) => connection.reset
})

/**
 * No answer ever comes, and the connection stays open.
 *
 * @category faults
 * @since 0.1.0
 */
export const hang = ({ strikes }: Options): Fault => ({ name: "hang", strikes, answer: () => Effect.never })

/**
 * The answer comes late; the operation is applied late, too, where the fault strikes before it.
 *
 * @category faults
 * @since 0.1.0
 */
export const slow = (delay: Duration.Input, { strikes }: Options): Fault => ({
  name: `slow by ${Duration.format(Duration.fromInputUnsafe(delay))}`,
  strikes,
  answer: (real) => Effect.delay(Effect.succeed(real ?? passOn), delay)
})

/**
 * Stands for the answer of the operation where a fault only delays it.
 *
 * @category models
 * @since 0.1.0
 */
export const passOn: HttpServerResponse.HttpServerResponse = HttpServerResponse.empty()

const half = (response: HttpServerResponse.HttpServerResponse | undefined, then: Effect.Effect<never, Broken>) => {
  const body = response?.body
  const bytes = body?._tag === "Uint8Array" ? body.body : new TextEncoder().encode('{"success": true}')
  const begun = Stream.succeed(bytes.subarray(0, Math.ceil(bytes.length / 2)))
  return HttpServerResponse.stream(Stream.concat(begun, Stream.fromEffect(then)), {
    status: response?.status ?? 200,
    contentType: "application/json",
    contentLength: bytes.length
  })
}

/**
 * The connection is reset in the middle of the body of the real answer.
 *
 * @category faults
 * @since 0.1.0
 */
export const cut: Fault = {
  name: "cut",
  strikes: "after",
  answer: (real, connection) => Effect.succeed(half(real, connection.reset))
}

/**
 * The body of the real answer stops in its middle, and the connection stays open.
 *
 * @category faults
 * @since 0.1.0
 */
export const stall: Fault = {
  name: "stall",
  strikes: "after",
  answer: (real) => Effect.succeed(half(real, Effect.never))
}

/**
 * An answer that says it is JSON and is none. Like every 2xx of the API's own, it comes after the operation.
 *
 * @category faults
 * @since 0.1.0
 */
export const garbage: Fault = {
  name: "garbage",
  strikes: "after",
  answer: () =>
    Effect.succeed(
      HttpServerResponse.uint8Array(Uint8Array.of(0xff, 0x00, 0x7b, 0xc3, 0x28, 0x5d), {
        contentType: "application/json"
      })
    )
}

/**
 * A page as a proxy gives it.
 *
 * @category faults
 * @since 0.1.0
 */
export const html = ({ status = 200, strikes }: Options & { readonly status?: number | undefined }): Fault => ({
  name: `html ${status}`,
  strikes,
  answer: () =>
    Effect.succeed(
      HttpServerResponse.text("<!doctype html><title>Busy</title><p>Please come back later.</p>", {
        status,
        contentType: "text/html"
      })
    )
})

/**
 * A JSON body of so many bytes, sent in pieces without a length. It comes after the operation.
 *
 * @category faults
 * @since 0.1.0
 */
export const huge = (bytes: number): Fault => ({
  name: "huge",
  strikes: "after",
  answer: () => {
    const piece = new Uint8Array(65_536).fill(0x20)
    return Effect.succeed(
      HttpServerResponse.stream(Stream.take(Stream.forever(Stream.succeed(piece)), Math.ceil(bytes / piece.length)), {
        contentType: "application/json"
      })
    )
  }
})

/**
 * A redirect (302).
 *
 * @category faults
 * @since 0.1.0
 */
export const redirect = (location: string, { strikes }: Options): Fault => ({
  name: "redirect",
  strikes,
  answer: () => Effect.succeed(HttpServerResponse.empty({ status: 302, headers: { location } }))
})

/**
 * Answers a request as a fault says: applies the operation before or after it, or not at all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const answer = <E, R>(
  fault: Fault,
  operation: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  connection: Connection
): Effect.Effect<HttpServerResponse.HttpServerResponse, E | Broken, R> =>
  fault.strikes === "after"
    ? Effect.flatMap(operation, (real) => fault.answer(real, connection))
    : Effect.flatMap(fault.answer(undefined, connection), (response) =>
        response === passOn ? operation : Effect.succeed(response)
      )
