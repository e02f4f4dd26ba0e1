/** A server that copies every value of a request into the status line, headers and body of its response. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, TransportError } from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Http from "node:http"
import * as Net from "node:net"

interface Request {
  readonly method: string
  /** The path and the query string, as they were sent. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface EchoResponse {
  readonly status: number
  readonly reason: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const leaves = (value: unknown): ReadonlyArray<string> =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [key].concat(leaves(inner)))
    : [String(value)]

/** The values of a request, each in the encodings that servers use. */
const valuesOf = ({ body, headers, url }: Request): ReadonlyArray<string> => {
  const { pathname, searchParams } = new URL(url, "http://localhost")
  const authorization = headers["authorization"] ?? ""
  const values = [
    authorization,
    authorization.replace(/^Bearer /, ""),
    authorization.slice(authorization.indexOf(".") + 1),
    headers["x-organization-id"] ?? "",
    pathname,
    ...pathname.split("/").flatMap((part) => [part, decodeURIComponent(part)]),
    ...searchParams.values(),
    ...(body === "" ? [] : leaves(JSON.parse(body)))
  ].filter((value) => value.length > 3 && value !== "contacts")
  return [...new Set(values.flatMap((value) => [value, encodeURIComponent(value), value.toUpperCase()]))]
}

const isHeader = (text: string): boolean => /^[\t\x20-\x7e]*$/.test(text)

const kind = { json: "application/json", text: "text/plain", html: "text/html" }

/** The content type and body of a response, by the name of its shape. */
export const shapes: Readonly<
  Record<string, (values: ReadonlyArray<string>) => readonly [type: string, body: string]>
> = {
  text: (values) => [kind.text, values.join(" ").slice(0, 1_000)],
  "one word": (values) => [kind.text, values.at(-1) ?? ""],
  detail: (values) => [kind.json, JSON.stringify({ detail: values.map((value) => `"${value}" is not valid`) })],
  keys: (values) => [kind.json, JSON.stringify(Object.fromEntries(values.map((value) => [value, [value]])))],
  errors: (values) => [
    kind.json,
    JSON.stringify({ errors: values.map((value) => ({ field: `tags.${value}`, message: value, code: value })) })
  ],
  problem: (values) => [
    "application/problem+json",
    JSON.stringify({
      type: values[0],
      title: values[1],
      "invalid-params": values.map((value) => ({ name: value, reason: `no ${value}` }))
    })
  ],
  contact: (values) => [
    kind.json,
    JSON.stringify({ contact: { phone: { [values[0] ?? ""]: values }, tags: values, fields: values }, extra: values })
  ],
  list: (values) => [kind.json, JSON.stringify({ contacts: [{ phone: { phone: values } }, ...values], total: values })],
  html: (values) => [kind.html, `<!doctype html><title>${values.join(" ")}</title>`],
  "malformed JSON": (values) => [kind.json, `{"detail": "${values.join('", "')}`],
  "another content type": (values) => [values.find(isHeader) ?? "", values.join(" ")]
}

/** The statuses that the SDK distinguishes. */
export const statuses = [
  200, 201, 204, 299, 301, 302, 307, 400, 401, 402, 403, 404, 408, 409, 410, 413, 415, 422, 429, 500, 501, 503
]

/** One status of each class. */
export const sampleStatuses = [200, 302, 400, 429, 500]

/** Returns the response to a request. The status line and the headers contain the values as well. */
const respondTo = (request: Request, shape: string, status: number): EchoResponse => {
  const values = valuesOf(request)
  const [type, body] = shapes[shape]?.(values) ?? ["", ""]
  const inHeaders = values.filter(isHeader)
  const at = (index: number) => inHeaders[(index + status) % inHeaders.length] ?? ""
  return {
    status,
    reason: inHeaders.join(" "),
    headers: {
      "content-type": type,
      "x-request-id": at(0),
      "request-id": at(1),
      "x-correlation-id": at(2),
      "retry-after": at(3),
      "x-ratelimit-remaining": at(4),
      "x-ratelimit-reset": at(5),
      "www-authenticate": at(6),
      "set-cookie": `a=${at(7)}`,
      location: `https://elsewhere.example${request.url}`
    },
    body: status === 204 ? "" : body
  }
}

/** The server in memory, as an `HttpClient`. */
export const inMemory = (shape: string, status: number): HttpClient.HttpClient =>
  HttpClient.make((request, url) => {
    const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
    const sent = { method: request.method, url: url.pathname + url.search, headers: request.headers, body }
    const echoed = respondTo(sent, shape, status)
    const response = new Response(echoed.status === 204 ? null : echoed.body, {
      status: echoed.status,
      statusText: echoed.reason,
      headers: echoed.headers
    })
    return Effect.succeed(HttpClientResponse.fromWeb(request, response))
  })

/** A client that always fails, with an error that contains the whole request. */
export const failingClient = (code: string): HttpClient.HttpClient =>
  HttpClient.make((request, url) => {
    const echo = `${url.href} ${JSON.stringify(request.headers)}`
    const cause = Object.assign(new AggregateError([Object.assign(new Error(echo), { code })], echo), {
      code,
      url,
      request
    })
    return Effect.fail(new HttpClientError({ reason: new TransportError({ request, cause, description: echo }) }))
  })

const listening = (server: Net.Server) =>
  Effect.callback<string>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as Net.AddressInfo
      resume(Effect.succeed(`http://127.0.0.1:${port}`))
    })
  })

/** The server on a socket. The first two segments of the path select the shape and the status. */
export const onSocket = Effect.gen(function* () {
  const headers: Array<string> = []
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      Http.createServer((request, response) => {
        let body = ""
        request.setEncoding("utf8").on("data", (text: string) => (body += text))
        request.on("end", () => {
          const [, shape = "", status = "", ...rest] = (request.url ?? "").split("/")
          headers.push(...Object.keys(request.headers))
          const sent = {
            method: request.method ?? "",
            url: `/${rest.join("/")}`,
            headers: request.headers as Record<string, string>,
            body
          }
          const echoed = respondTo(sent, decodeURIComponent(shape), Number(status))
          response.writeHead(echoed.status, echoed.reason, echoed.headers).end(echoed.body)
        })
      })
    ),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const url = yield* listening(server)
  return {
    /** The base URL for responses of one shape and one status. */
    baseUrl: (shape: string, status: number) => `${url}/${encodeURIComponent(shape)}/${status}`,
    /** The names of all headers of the received requests. */
    headers
  }
})

/** Responses that violate HTTP, made from the request. */
export const malformed: Readonly<Record<string, (request: string) => string>> = {
  "not HTTP": (request) => request,
  "a header without a name": (request) => `HTTP/1.1 200 OK\r\n: ${request}`,
  "oversized headers": (request) => `HTTP/1.1 200 OK\r\nx-echo: ${encodeURIComponent(request).repeat(100)}`,
  "an invalid length": (request) => `HTTP/1.1 200 OK\r\ncontent-length: ${encodeURIComponent(request)}\r\n\r\n`,
  "an invalid chunk": (request) => `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${request}\r\n`,
  "a truncated body": (request) =>
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999\r\n\r\n${request}`,
  "an invalid compressed body": (request) =>
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\r\n${request}`
}

/** A server that sends a malformed response to every request. */
export const malformedServer = (toResponse: (request: string) => string) =>
  Effect.gen(function* () {
    const sockets = new Set<Net.Socket>()
    const server = yield* Effect.acquireRelease(
      Effect.sync(() =>
        Net.createServer((socket) => {
          sockets.add(socket)
          socket.on("error", () => {})
          socket.once("data", (data) => socket.end(toResponse(data.toString("latin1"))))
        })
      ),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          for (const socket of sockets) socket.destroy()
        })
    )
    return yield* listening(server)
  })
