/**
 * The contract served from memory: a double that behaves like the API, for tests and for trying things out.
 *
 * The same `HttpApi` that the client is derived from routes, decodes and answers here, so what passes against the
 * sandbox has gone through paths, headers, bodies and statuses as on the wire. `@agentalk/node` serves it on a socket.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, TransportError } from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import { AgentalkApi, OrganizationApiToken } from "./AgentalkApi.ts"
import type { Issue } from "./AgentalkError.ts"
import * as AgentalkClient from "./AgentalkClient.ts"
import * as Faults from "./Faults.ts"
import { type Contact, ContactFromWire, EmailAddress, PhoneNumber, UpsertInput } from "./Contact.ts"
import type { Contacts } from "./Contacts.ts"
import * as Issues from "./internal/issues.ts"
import { makeStore, type Store, type Stored } from "./internal/store.ts"
import { ApiToken, OrganizationId } from "./Settings.ts"
import * as Transport from "./Transport.ts"

/**
 * The token that a sandbox accepts unless it is told otherwise.
 *
 * @category testing
 * @since 0.1.0
 */
export const token: Redacted.Redacted = Redacted.make("5a4db0c5-0000-4000-8000-000000000000.sandbox")

/**
 * The organization of `token`.
 *
 * @category testing
 * @since 0.1.0
 */
export const organization = "5a4db0c5-0000-4000-8000-000000000000"

/**
 * The options of a sandbox.
 *
 * @category testing
 * @since 0.1.0
 */
export interface Options {
  /** The tokens that are accepted. Default: `token` alone. */
  readonly tokens?: ReadonlyArray<Redacted.Redacted> | undefined
  /** The organizations that `X-Organization-ID` may name, besides the token's own. Default: every UUID. */
  readonly organizations?: ReadonlyArray<string> | undefined
  /** The most contacts on one page of a search; a larger `limit` gives this many. Default: 100. */
  readonly maxPageSize?: number | undefined
}

/**
 * A look into a sandbox from a test: what it keeps, and a way to fill it.
 *
 * @category testing
 * @since 0.1.0
 */
export class State extends Context.Service<
  State,
  {
    /** All contacts of an organization, that of `token` by default, in the order of their creation. */
    readonly contacts: (organization?: string) => Effect.Effect<ReadonlyArray<Contact>>
    /** Upserts contacts without a request; ids count up from the sandbox's first. */
    readonly seed: (
      contacts: Iterable<UpsertInput>,
      organization?: string
    ) => Effect.Effect<ReadonlyArray<Contact>, Schema.SchemaError>
    /** The requests that it got, struck by a fault or not: the last thousand of them. */
    readonly requests: Effect.Effect<ReadonlyArray<Faults.Request>>
    /** Lets a script decide which requests fail, and how, from now on. */
    readonly script: (script: Faults.Script) => Effect.Effect<void>
    /** Records a request, and tells the fault that strikes it: for `withFaults`. */
    readonly enter: (request: { readonly method: string; readonly path: string }) => Faults.Fault | undefined
  }
>()("@agentalk/core/Sandbox/State") {}

const TheStore = Context.Service<Store>("@agentalk/core/Sandbox/Store")

const maxRequests = 1000

// --- answers, in the shapes of Django REST Framework --------------------------------------------------------------

type ErrorBody = Readonly<Record<string, unknown>>

const answer = (status: number, body: ErrorBody): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(body, { status })

const notFound = answer(404, { detail: "Not found." })

const fieldErrors = (issues: ReadonlyArray<Issue>): HttpServerResponse.HttpServerResponse => {
  const body: Record<string, Array<string>> = {}
  for (const { message, path } of issues) {
    const key = path.length === 0 ? "non_field_errors" : String(path[0])
    ;(body[key] ??= []).push(message)
  }
  return answer(400, body)
}

const oneOr404 = (contact: Stored | undefined) => (contact === undefined ? notFound : { contact: toJson(contact) })

const toJson = (contact: Stored): Schema.JsonObject => ({ ...contact, tags: contact.tags.map((tag) => ({ ...tag })) })

// --- the seven operations -----------------------------------------------------------------------------------------

const decodePhone = SchemaParser.decodeUnknownResult(PhoneNumber)
const decodeEmail = SchemaParser.decodeUnknownResult(EmailAddress)

const defaultPageSize = 50

const organizationOf = (request: HttpServerRequest.HttpServerRequest): string =>
  (
    request.headers["x-organization-id"] ??
    request.headers["authorization"]?.replace(/^Bearer /i, "").split(".")[0] ??
    ""
  ).toLowerCase()

const layerHandlers = (options: Options) =>
  HttpApiBuilder.group(
    AgentalkApi,
    "Contacts",
    Effect.fnUntraced(function* (handlers) {
      const store = yield* TheStore
      const { maxPageSize = 100 } = options
      return handlers.handleAll({
        upsert: ({ payload, request }) =>
          Effect.sync(() => {
            const phone = decodePhone(payload.phone)
            if (Result.isFailure(phone)) return fieldErrors(Issues.fromSchema(phone.failure, ["phone"]))
            const email = payload.email === undefined ? undefined : decodeEmail(payload.email)
            if (email !== undefined && Result.isFailure(email))
              return fieldErrors(Issues.fromSchema(email.failure, ["email"]))
            const { contact, isNew } = store.upsert(organizationOf(request), { ...payload, phone: phone.success })
            return answer(isNew ? 201 : 200, { contact: toJson(contact), isNew })
          }),
        delete: ({ params, request }) =>
          Effect.sync(() =>
            store.delete(organizationOf(request), params.contact_id) ? { message: "Contact deleted" } : notFound
          ),
        updateFields: ({ params, payload, request }) =>
          Effect.sync(() => oneOr404(store.updateFields(organizationOf(request), params.contact_id, payload.fields))),
        clearField: ({ params, request }) =>
          Effect.sync(() =>
            params.field_key === "phone"
              ? answer(400, { phone: ["A contact keeps its phone number."] })
              : oneOr404(store.clearField(organizationOf(request), params.contact_id, params.field_key))
          ),
        addTags: ({ params, payload, request }) =>
          Effect.sync(() => oneOr404(store.addTags(organizationOf(request), params.contact_id, payload.tags))),
        removeTag: ({ params, request }) =>
          Effect.sync(() =>
            oneOr404(store.removeTag(organizationOf(request), params.contact_id, params.tag_id_or_name))
          ),
        search: ({ query, request }) =>
          Effect.sync(() => {
            if (query.name === undefined && query.phone === undefined) {
              return answer(400, { non_field_errors: ["At least one of name and phone is required."] })
            }
            const found = store.search(organizationOf(request), query)
            const offset = Math.max(0, query.offset ?? 0)
            const limit = Math.min(Math.max(1, query.limit ?? defaultPageSize), maxPageSize)
            return { contacts: found.slice(offset, offset + limit).map(toJson), total: found.length }
          })
      })
    })
  )

// --- who may do them ----------------------------------------------------------------------------------------------

const isToken = Schema.is(ApiToken)
const isOrganization = Schema.is(OrganizationId)

// A security middleware finds what a handler failed with in a wrapper of Effect's own.
const schemaErrorOf = (error: unknown): HttpApiSchemaError | undefined =>
  [error, Predicate.hasProperty(error, "error") ? error.error : undefined].find((u) => HttpApiSchemaError.is(u))

const layerAuthorization = (options: Options) =>
  Layer.sync(OrganizationApiToken, () => {
    const tokens = new Set((options.tokens ?? [token]).map(Redacted.value))
    const organizations = options.organizations && new Set(options.organizations.map((id) => id.toLowerCase()))
    return OrganizationApiToken.of({
      OrganizationApiToken: (handle, { credential }) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          const text = Redacted.value(credential)
          if (text === "") return Effect.succeed(answer(401, { detail: "No organization API token was given." }))
          if (!isToken(text) || !tokens.has(text)) {
            return Effect.succeed(answer(401, { detail: "The organization API token is not valid." }))
          }
          const named = request.headers["x-organization-id"]?.toLowerCase()
          if (named !== undefined && !isOrganization(named)) {
            return Effect.succeed(answer(400, { detail: "X-Organization-ID is not a UUID." }))
          }
          const isOwn = named === undefined || named === text.split(".")[0]?.toLowerCase()
          if (!isOwn && organizations !== undefined && !organizations.has(named)) {
            return Effect.succeed(answer(403, { detail: "The token does not reach this organization." }))
          }
          return Effect.catch(handle, (error) => {
            const refused = schemaErrorOf(error)
            return refused === undefined
              ? Effect.fail(error)
              : Effect.succeed(fieldErrors(Issues.fromSchema(refused.cause.issue)))
          })
        })
    })
  })

const decodeContact = Schema.decodeUnknownSync(ContactFromWire)
const decodeInput = Schema.decodeUnknownEffect(UpsertInput)

// Fresh, or sandboxes that are built together would share one state.
const layerState = Layer.fresh(
  Layer.effectContext(
    Effect.sync(() => {
      const store = makeStore()
      const requests: Array<Faults.Request> = []
      let count = 0
      let script: Faults.Script | undefined
      const state = State.of({
        contacts: (org = organization) =>
          Effect.sync(() => store.all(org.toLowerCase()).map((one) => decodeContact(one))),
        seed: (contacts, org = organization) =>
          Effect.forEach(contacts, (input) =>
            Effect.map(decodeInput(input), (decoded) => decodeContact(store.upsert(org.toLowerCase(), decoded).contact))
          ),
        requests: Effect.sync(() => [...requests]),
        script: (next) => Effect.sync(() => void (script = next)),
        enter: (entering) => {
          const request = { ...entering, index: ++count }
          requests.push(request)
          if (requests.length > maxRequests) requests.shift()
          return script?.(request)
        }
      })
      return Context.make(State, state).pipe(Context.add(TheStore, store))
    })
  )
)

const routes = (options: Options) =>
  HttpApiBuilder.layer(AgentalkApi).pipe(
    Layer.provide(layerHandlers(options)),
    Layer.provide(layerAuthorization(options))
  )

/**
 * What the router of a sandbox needs: path parameters of any length that fits a request.
 *
 * @category configuration
 * @since 0.1.0
 */
export const routerConfig = { maxParamLength: 65_536 }

/**
 * The routes of the sandbox and its state, for an HTTP server of your own: `HttpRouter.serve(layerRoutes(), {
 * routerConfig })`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRoutes = (options: Options = {}) => Layer.provideMerge(routes(options), layerState)

/**
 * Answers a request by the operation that it asks for, or by the fault that the script of the sandbox has for it.
 *
 * @category layers
 * @since 0.1.0
 */
export const withFaults = <E, R>(
  operation: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  connection: Faults.Connection
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  E | Faults.Broken,
  R | State | HttpServerRequest.HttpServerRequest
> =>
  Effect.flatMap(State, (state) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ method, url }) => {
      const fault = state.enter({ method, path: url })
      return fault === undefined ? operation : Faults.answer(fault, operation, connection)
    })
  )

/**
 * The sandbox as an `HttpClient`, without a socket: whatever the host of a request is, the sandbox answers it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHttpClientOptions = (options: Options): Layer.Layer<HttpClient.HttpClient | State> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function* () {
      const handle = yield* HttpRouter.toHttpEffect(routes(options))
      const state = yield* State
      const operation = Effect.catchCause(handle, (cause) =>
        Effect.map(HttpServerError.causeResponse(cause), ([response]) => response)
      )
      const reset: Faults.Connection = { reset: Effect.fail(new Faults.Broken()) }
      const broken = new Transport.Fault("network", { sent: true, code: "ECONNRESET" })
      const respond = (request: HttpClientRequest) =>
        withFaults(operation, reset).pipe(
          Effect.map((response) => HttpServerResponse.toClientResponse(response, { request })),
          Effect.mapError(() => new HttpClientError({ reason: new TransportError({ request, cause: broken }) })),
          Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromClientRequest(request)),
          Effect.provideService(State, state),
          Effect.scoped
        )
      return HttpClient.makeWith(
        (request: Effect.Effect<HttpClientRequest, HttpClientError>) => Effect.flatMap(request, respond),
        Effect.succeed
      )
    })
  ).pipe(
    Layer.provide(Layer.succeed(HttpRouter.RouterConfig, routerConfig)),
    Layer.provide(HttpServer.layerServices),
    Layer.provideMerge(layerState)
  )

/**
 * The sandbox with its defaults as an `HttpClient`, without a socket.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient | State> = layerHttpClientOptions({})

/**
 * `Contacts` on a sandbox in memory, using the first of its tokens. Every build of the layer is a sandbox of its own.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOptions = (options: Options): Layer.Layer<Contacts | State> =>
  AgentalkClient.layer({ token: options.tokens?.[0] ?? token, baseUrl: "http://localhost" }).pipe(
    // The options of a sandbox are code: a token that is none is a mistake of the programmer.
    Layer.orDie,
    Layer.merge(Layer.effect(State, State)),
    // Not merged: the HttpClient would take the place of the one that a program has.
    Layer.provide(layerHttpClientOptions(options))
  )

/**
 * `Contacts` on a sandbox in memory: a double that behaves like the API. Every build of the layer is a sandbox of its
 * own, and empty.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Contacts | State> = layerOptions({})
