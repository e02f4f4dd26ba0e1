/**
 * The contract served from memory: a double that behaves like the API, for tests and for trying things out.
 *
 * The `HttpApi` of the contract, whose routes the client sends by, decodes and answers here, so what passes against the
 * sandbox has gone through paths, headers, bodies and statuses as on the wire. `@agentalk/node` serves it on a socket.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, TransportError } from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AgentalkClient from "./AgentalkClient.ts"
import { type Contact, ContactFromWire, UpsertInput } from "./Contact.ts"
import type { Contacts } from "./Contacts.ts"
import * as Faults from "./Faults.ts"
import * as Handlers from "./internal/sandbox/handlers.ts"
import { makeRequestLog, type RequestLog } from "./internal/sandbox/requestLog.ts"
import { makeStore, type Store } from "./internal/sandbox/store.ts"
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
 * A request that a sandbox got, and what it was answered.
 *
 * @category testing
 * @since 0.1.0
 */
export interface RecordedRequest extends Faults.Request {
  /** The name of the fault that struck it, if any. */
  readonly fault: string | undefined
  /** The status of the answer: `undefined` while there is none, and where the connection broke. */
  readonly status: number | undefined
}

/**
 * A look into a sandbox from a test: what it keeps, what it was asked, and ways to fill it, to disturb it and to empty
 * it.
 *
 * @category testing
 * @since 0.1.0
 */
export class State extends Context.Service<
  State,
  {
    /** All contacts of an organization, that of `token` by default, in the order of their creation. */
    readonly contacts: (organization?: string) => Effect.Effect<ReadonlyArray<Contact>>
    /**
     * Upserts contacts without a request; ids count up from the sandbox's first. When one of them is invalid, none is
     * kept, and the message of the error names the contact by its index and the key.
     */
    readonly seed: (
      contacts: Iterable<UpsertInput>,
      organization?: string
    ) => Effect.Effect<ReadonlyArray<Contact>, Schema.SchemaError>
    /** The requests that it got, struck by a fault or not: the last thousand of them. */
    readonly requests: Effect.Effect<ReadonlyArray<RecordedRequest>>
    /** Lets a script decide which requests fail, and how, from now on. */
    readonly script: (script: Faults.Script) => Effect.Effect<void>
    /** Forgets the contacts of every organization, the requests and the script, and counts from the first id again. */
    readonly reset: Effect.Effect<void>
  }
>()("@agentalk/core/Sandbox/State") {}

/** What a sandbox works on, and a test only sees through its `State`. */
interface Inside {
  readonly store: Store
  readonly requestLog: RequestLog
}

const insides = new WeakMap<State["Service"], Inside>()

const inside: Effect.Effect<Inside, never, State> = Effect.map(State, (state) => {
  const found = insides.get(state)
  if (found === undefined) throw new TypeError("Sandbox.State comes from the layers of Sandbox")
  return found
})

const decodeContact = Schema.decodeUnknownSync(ContactFromWire)
const decodeInputs = Schema.decodeUnknownEffect(Schema.Array(UpsertInput), {
  errors: "all",
  onExcessProperty: "error"
})

// Fresh, or sandboxes that are built together would share one state.
const layerState = Layer.fresh(
  Layer.sync(State, () => {
    const store = makeStore()
    const requestLog = makeRequestLog()
    const state = State.of({
      contacts: (org = organization) =>
        Effect.sync(() => store.all(org.toLowerCase()).map((one) => decodeContact(structuredClone(one)))),
      seed: (contacts, org = organization) =>
        Effect.map(
          Effect.suspend(() => decodeInputs([...contacts])),
          (inputs) =>
            inputs.map((input) => {
              const { contact } = store.upsert(org.toLowerCase(), structuredClone(input))
              return decodeContact(structuredClone(contact))
            })
        ),
      requests: Effect.sync(requestLog.all),
      script: (script) => Effect.sync(() => requestLog.setScript(script)),
      reset: Effect.sync(() => {
        store.clear()
        requestLog.clear()
      })
    })
    insides.set(state, { store, requestLog })
    return state
  })
)

const routes = (options: Options) =>
  Handlers.layer({ ...options, tokens: options.tokens ?? [token] }).pipe(
    Layer.provide(
      Layer.effect(
        Handlers.TheStore,
        Effect.map(inside, ({ store }) => store)
      )
    )
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
  Effect.gen(function* () {
    const { requestLog } = yield* inside
    const request = yield* HttpServerRequest.HttpServerRequest
    const body = yield* Effect.orElseSucceed(request.text, () => "")
    const { fault, setStatus } = requestLog.record(request, body)
    const response = yield* fault === undefined ? operation : Faults.answer(fault, operation, connection)
    setStatus(response.status)
    return response
  })

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
