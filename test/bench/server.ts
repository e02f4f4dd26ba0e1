/** The server that all contenders call, in its own process. It responds from memory and does as little work as possible. */
import { createServer, type RequestListener, type ServerResponse } from "node:http"
import * as Work from "./work.ts"

/** The number of contacts that a search under `/many` finds. */
const total = Number(process.argv[2] ?? 1_000_000)

const responseBodies: Readonly<Record<string, Buffer>> = {
  "/api/contacts": Buffer.from(Work.responseBody),
  "/crm/objects/2026-09/contacts": Buffer.from(Work.hubspotResponseBody),
  "/crm/v3/objects/contacts": Buffer.from(Work.hubspotResponseBody),
  "/v1/customers": Buffer.from(Work.stripeResponseBody)
}

const json = (response: ServerResponse, status: number, body: Buffer) => {
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length })
  response.end(body)
}

const many = (url: string): Buffer => {
  const query = new URL(url, "http://localhost").searchParams
  const offset = Number(query.get("offset") ?? 0)
  const length = Math.max(Math.min(Number(query.get("limit") ?? 50), total - offset), 0)
  return Buffer.from(Work.pageOf(offset, length, total))
}

let failing = 0
let isHolding = true
let held: Array<ServerResponse> = []
const contactBody = responseBodies["/api/contacts"] as Buffer

const respond = (url: string, response: ServerResponse): void => {
  const known = responseBodies[url] ?? responseBodies[url.slice(0, -1)]
  if (known !== undefined) return json(response, url.startsWith("/crm") ? 201 : 200, known)
  if (url.startsWith("/many/")) return json(response, 200, many(url))
  // Every tenth request fails.
  if (url.startsWith("/failing/")) return json(response, ++failing % 10 === 0 ? 503 : 200, contactBody)
  if (url.startsWith("/held/")) return isHolding ? void held.push(response) : json(response, 200, contactBody)
  if (url.startsWith("/api/contacts/search")) return json(response, 200, Buffer.from(Work.pageOf(0, 1, 1)))
  // A contender that calls a wrong address must not look fast, so the server reports the address.
  console.error(`The benchmark server has no response for ${url}`)
  json(response, 404, Buffer.from("{}"))
}

const listener: RequestListener = (request, response) => {
  // Like a real API, the server reads the whole body before it responds.
  request.on("data", () => {})
  request.on("end", () => respond(request.url ?? "", response))
}

const server = createServer({ keepAliveTimeout: 120_000 }, listener)

process.on("message", (message: "hold" | "release") => {
  isHolding = message === "hold"
  for (const response of held) json(response, 200, contactBody)
  held = []
  process.send?.("done")
})

process.on("disconnect", () => process.exit())

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.send?.(typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "")
})
