/** Requests as the contract spells them: method, path, query and body come from its endpoints. */
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import { AgentalkApi, ContactsGroup } from "../AgentalkApi.ts"
import type { Operation } from "../AgentalkError.ts"
import type { Route } from "./telemetry.ts"

const { endpoints } = ContactsGroup
type Endpoints = typeof endpoints

/** The path and the query of each operation. They throw on what has no form in a URL. */
export const pathOf = HttpApiClient.urlBuilder(AgentalkApi).Contacts

/** The route of an operation. */
export const routeOf = (operation: Operation): Route => {
  const { method, path } = endpoints[operation]
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
  method: endpoints[operation].method,
  path,
  body: HttpBody.empty
})

/** An operation with a body. */
export const withBody = <K extends "upsert" | "updateFields" | "addTags">(
  operation: K,
  path: string,
  payload: Endpoints[K]["~Payload"]["Type"]
): Encoded => ({ method: endpoints[operation].method, path, body: HttpBody.jsonUnsafe(payload) })

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
