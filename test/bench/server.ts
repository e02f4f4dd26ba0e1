/** The server that all contenders call, in a process of its own. It answers from memory and does as little as it can. */
import { createServer, type RequestListener, type ServerResponse } from "node:http"
import * as Work from "./work.ts"

/** How many contacts a search under `/many` finds. */
const total = Number(process.argv[2] ?? 1_000_000)

const answers: Readonly<Record<string, Buffer>> = {
  "/api/contacts": Buffer.from(Work.answer),
  "/crm/objects/2026-09/contacts": Buffer.from(Work.hubspotAnswer),
  "/crm/v3/objects/contacts": Buffer.from(Work.hubspotAnswer),
  "/v1/customers": Buffer.from(Work.stripeAnswer)
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
const answer = answers["/api/contacts"] as Buffer

const respond = (url: string, response: ServerResponse): void => {
  const known = answers[url] ?? answers[url.slice(0, -1)]
  if (known !== undefined) return json(response, url.startsWith("/crm") ? 201 : 200, known)
  if (url.startsWith("/many/")) return json(response, 200, many(url))
  // Each tenth fails.
  if (url.startsWith("/failing/")) return json(response, ++failing % 10 === 0 ? 503 : 200, answer)
  if (url.startsWith("/held/")) return isHolding ? void held.push(response) : json(response, 200, answer)
  if (url.startsWith("/api/contacts/search")) return json(response, 200, Buffer.from(Work.pageOf(0, 1, 1)))
  // A contender that asks for something else must not pass for a fast one.
  console.error(`The server knows no ${url}`)
  json(response, 404, Buffer.from("{}"))
}

const listener: RequestListener = (request, response) => {
  // The body is read to its end before it is answered, as any API would.
  request.on("data", () => {})
  request.on("end", () => respond(request.url ?? "", response))
}

const server = createServer({ keepAliveTimeout: 120_000 }, listener)

process.on("message", (message: "hold" | "release") => {
  isHolding = message === "hold"
  for (const response of held) json(response, 200, answer)
  held = []
  process.send?.("done")
})

process.on("disconnect", () => process.exit())

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.send?.(typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "")
})
