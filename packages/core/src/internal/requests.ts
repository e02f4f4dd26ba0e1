/** Requests as the contract spells them: method, path, query and body come from its endpoints. */
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import type { ContactsGroup } from "../AgentalkApi.ts"
import type { Operation } from "../AgentalkError.ts"
import { routes } from "./routes.ts"
import type { Route } from "./instruments.ts"

type Endpoints = (typeof ContactsGroup)["endpoints"]

type Names<Path> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | Names<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** The path of an operation. Throws on a lone surrogate, which has no form in a URL. */
export const pathOf = <K extends Operation>(
  operation: K,
  params: { readonly [Name in Names<(typeof routes)[K]["path"]>]: string }
): string => {
  const values: Readonly<Record<string, string>> = params
  return routes[operation].path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? ""))
}

/** The query of a search, behind its path. */
export const queryOf = (query: Endpoints["search"]["~Query"]["Type"]): string =>
  `?${UrlParams.toString(UrlParams.fromInput(query))}`

/** The route of an operation. */
export const routeOf = (operation: Operation): Route => {
  const { method, path } = routes[operation]
  return { method, template: path.replaceAll(/:(\w+)/g, "{$1}") }
}

/**
 * A request but for its headers. A call encodes its input once, so that all its attempts send the same bytes, whatever
 * becomes of the input in the meantime.
 */
export interface Encoded {
  readonly method: string
  /** The path and the query. */
  readonly path: string
  readonly body: HttpBody.HttpBody
}

/** An operation without a body. */
export const bare = (operation: Operation, path: string): Encoded => ({
  method: routes[operation].method,
  path,
  body: HttpBody.empty
})

/** An operation with a body. */
export const withBody = <K extends "upsert" | "updateFields" | "addTags">(
  operation: K,
  path: string,
  payload: Endpoints[K]["~Payload"]["Type"]
): Encoded => ({ method: routes[operation].method, path, body: HttpBody.jsonUnsafe(payload) })

/** Makes the headers of requests. They are frozen and shared, for most calls have those of the call before. */
export const makeHeaders = () => {
  const known = new Map<boolean, Headers.Headers>()
  return ({ body }: Encoded, authorization: string, organization: string | undefined): Headers.Headers => {
    const hasBody = body._tag === "Uint8Array"
    const last = known.get(hasBody)
    if (last?.["authorization"] === authorization && last["x-organization-id"] === organization) return last
    const headers = Headers.fromInput({
      authorization,
      "x-organization-id": organization,
      "content-type": hasBody ? body.contentType : undefined
    })
    known.set(hasBody, Object.freeze(headers))
    return headers
  }
}

const noHash = Option.none<string>()

/** The request of one attempt. */
export const toRequest = (
  { body, method, path }: Encoded,
  baseUrl: string,
  headers: Headers.Headers
): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.makeWith(method, baseUrl + path, UrlParams.empty, noHash, headers, body)
