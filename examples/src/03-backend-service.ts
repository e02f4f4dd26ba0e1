/**
 * A backend service. `POST /signup` upserts a contact and adds tags, and maps every error of the SDK to an HTTP status.
 * Run this file to serve one request. An application would import `routes` and `layerServer`.
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

// --- business logic: independent of HTTP and of the `Contacts` implementation ------------------------------------

export const signup = Effect.fn("signup")(function* ({ name, phone, plan }: typeof Signup.Type) {
  const contacts = yield* Contacts
  const { contact, isNew } = yield* contacts.upsert({ phone, firstName: name, fields: { plan } })
  yield* contacts.addTags(contact.id, ["signup", `plan:${plan}`])
  return { id: contact.id, isNew }
})

// --- errors to HTTP responses -------------------------------------------------------------------------------------

const respond = (status: number, error: string, headers: Record<string, string> = {}) =>
  HttpServerResponse.jsonUnsafe({ error }, { status, headers })

const busy = (retryAfter: Duration.Duration = Duration.seconds(1)) =>
  respond(503, "busy", { "retry-after": String(Math.ceil(Duration.toSeconds(retryAfter))) })

/** Handles every tag: if one is missing, this does not compile. */
const toResponse = Match.typeTags<AgentalkError>()({
  Validation: ({ issues }) => HttpServerResponse.jsonUnsafe({ error: "invalid", issues }, { status: 422 }),
  RateLimited: ({ retryAfter }) => busy(retryAfter),
  CircuitOpen: ({ retryAfter }) => busy(retryAfter),
  Timeout: () => respond(504, "timeout"),
  NotFound: () => respond(409, "gone"), // another client deleted the contact between our two calls
  Unauthorized: () => respond(500, "misconfigured"), // our token is wrong, not the request
  Forbidden: () => respond(500, "misconfigured"),
  ServerFault: () => respond(502, "upstream"),
  TransportFailure: () => respond(502, "upstream"),
  UnexpectedResponse: () => respond(502, "upstream")
})

// --- the server ---------------------------------------------------------------------------------------------------

export const routes = HttpRouter.add(
  "POST",
  "/signup",
  HttpServerRequest.schemaBodyJson(Signup).pipe(
    Effect.flatMap((body) =>
      signup(body).pipe(
        Effect.map(({ id, isNew }) => HttpServerResponse.jsonUnsafe({ id }, { status: isNew ? 201 : 200 })),
        Effect.tapError((error) => Effect.logWarning(error.message)), // contains no personal data
        Effect.catch((error) => Effect.succeed(toResponse(error)))
      )
    ),
    Effect.catchTags({
      SchemaError: () => Effect.succeed(respond(400, "expected phone, name and plan")),
      HttpServerError: () => Effect.succeed(respond(400, "expected JSON"))
    })
  )
)

/** The server. It requires `Contacts`: use `AgentalkNode.layer` in production; this program uses a sandbox. */
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
    yield* Console.log(`stored: ${firstName}, tags ${tags.map((tag) => tag.name).join(", ")}`)
  }
}).pipe(Effect.provide([layerServer(0).pipe(Layer.provideMerge(Sandbox.layer)), FetchHttpClient.layer]))

if (import.meta.main) NodeRuntime.runMain(main)
