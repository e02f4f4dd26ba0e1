/**
 * A backend: `POST /signup` upserts a contact and tags it, and every error of the SDK becomes the HTTP status that its
 * caller can act on. Run it to see it serve one request; `routes` and `layerServer` are what an application would import.
 */
import { type AgentalkError, Contacts, Sandbox } from "@agentalk/core"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Console, Duration, Effect, Layer, Match, Schema } from "effect"
import {
  FetchHttpClient,
  HttpClient,
  HttpClientRequest,
  HttpRouter,
  HttpServer,
  HttpServerRequest,
  HttpServerResponse
} from "effect/http"
import { createServer } from "node:http"

const Signup = Schema.Struct({ phone: Schema.String, name: Schema.String, plan: Schema.Literals(["free", "pro"]) })

// --- what it does: no HTTP, and nothing about how contacts are reached --------------------------------------------

export const signup = Effect.fn("signup")(function* ({ name, phone, plan }: typeof Signup.Type) {
  const contacts = yield* Contacts
  const { contact, isNew } = yield* contacts.upsert({ phone, firstName: name, fields: { plan } })
  yield* contacts.addTags(contact.id, ["signup", `plan:${plan}`])
  return { id: contact.id, isNew }
})

// --- what an error means to whoever called us ---------------------------------------------------------------------

const respond = (status: number, error: string, headers: Record<string, string> = {}) =>
  HttpServerResponse.jsonUnsafe({ error }, { status, headers })

const busy = (retryAfter: Duration.Duration = Duration.seconds(1)) =>
  respond(503, "busy", { "retry-after": String(Math.ceil(Duration.toSeconds(retryAfter))) })

/** Every tag has its answer: a new one would not compile. */
const toResponse = Match.typeTags<AgentalkError>()({
  Validation: ({ issues }) => HttpServerResponse.jsonUnsafe({ error: "invalid", issues }, { status: 422 }),
  RateLimited: ({ retryAfter }) => busy(retryAfter),
  CircuitOpen: ({ retryAfter }) => busy(retryAfter),
  Timeout: () => respond(504, "timeout"),
  NotFound: () => respond(409, "gone"), // deleted by somebody else between our two calls
  Unauthorized: () => respond(500, "misconfigured"), // our token, so not the fault of the caller
  Forbidden: () => respond(500, "misconfigured"),
  ServerFault: () => respond(502, "upstream"),
  TransportFailure: () => respond(502, "upstream"),
  UnexpectedResponse: () => respond(502, "upstream")
})

// --- how it is served ---------------------------------------------------------------------------------------------

export const routes = HttpRouter.add(
  "POST",
  "/signup",
  HttpServerRequest.schemaBodyJson(Signup).pipe(
    Effect.flatMap((body) =>
      signup(body).pipe(
        Effect.map(({ id, isNew }) => HttpServerResponse.jsonUnsafe({ id }, { status: isNew ? 201 : 200 })),
        Effect.tapError((error) => Effect.logWarning(error.message)), // no personal data in it
        Effect.catch((error) => Effect.succeed(toResponse(error)))
      )
    ),
    Effect.catchTags({
      SchemaError: () => Effect.succeed(respond(400, "expected phone, name and plan")),
      HttpServerError: () => Effect.succeed(respond(400, "expected JSON"))
    })
  )
)

/** The server. It needs `Contacts`: `AgentalkNode.layer` in production, a sandbox here. */
export const layerServer = (port: number) =>
  HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port, host: "127.0.0.1" }))
  )

const main = Effect.gen(function* () {
  const { address } = yield* HttpServer.HttpServer
  const url = new URL("/signup", HttpServer.formatAddress(address))
  const request = HttpClientRequest.post(url).pipe(
    HttpClientRequest.bodyJsonUnsafe({ phone: "+1 202 555 0143", name: "Jane", plan: "pro" })
  )
  const response = yield* HttpClient.execute(request)
  yield* Console.log(`POST /signup  ${response.status}  ${yield* response.text}`)
  const { contacts } = yield* Sandbox.State
  for (const { firstName, tags = [] } of yield* contacts()) {
    yield* Console.log(`${firstName} is a contact now, tagged ${tags.map((tag) => tag.name).join(", ")}`)
  }
}).pipe(Effect.provide([layerServer(0).pipe(Layer.provideMerge(Sandbox.layer)), FetchHttpClient.layer]))

if (import.meta.main) NodeRuntime.runMain(main)
