/** Encodes requests: method, path, query, body and headers. */
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpMethod } from "effect/http/HttpMethod"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"

/** The parts of an operation that its requests depend on. */
export interface RequestDefinition {
  readonly method: HttpMethod
  /** The path, with parameters such as `{contact_id}`. */
  readonly path: string
  readonly isReadOnly: boolean
  /** The path parameters, in the order of the path. */
  readonly parameters: ReadonlyArray<{ readonly inputName: string }>
  /** The names of the input's values that go into the query or the body. */
  readonly payloadNames: ReadonlyArray<string>
}

/**
 * A request without its headers. A call encodes its input once, so that all attempts send the same bytes even if the
 * caller changes the input meanwhile.
 */
export interface EncodedRequest {
  readonly method: HttpMethod
  /** The path and the query. */
  readonly path: string
  readonly body: HttpBody.HttpBody
}

type Values = Readonly<Record<string, unknown>>

/** Makes a function that returns the path for an input. It throws on a lone surrogate, which a URL cannot contain. */
const makePath = ({ parameters, path }: RequestDefinition): ((input: Values) => string) => {
  if (parameters.length === 0) return () => path
  const literals = path.split(/\{\w+\}/)
  return (input) => {
    let out = literals[0] ?? ""
    for (const [index, { inputName }] of parameters.entries()) {
      out += encodeURIComponent(String(input[inputName])) + (literals[index + 1] ?? "")
    }
    return out
  }
}

/**
 * Makes the encoder of an operation. Path parameters go into the path. Other values go into the query of a `GET`, or
 * into the JSON body of any other method. The encoder throws if an input cannot be encoded.
 */
export const makeEncoder = (definition: RequestDefinition): ((input: unknown) => EncodedRequest) => {
  const { isReadOnly, method, parameters, payloadNames } = definition
  const toPath = makePath(definition)
  if (payloadNames.length === 0) {
    return (input) => ({ method, path: toPath(input as Values), body: HttpBody.empty })
  }
  const toPayload = (input: Values): Values =>
    parameters.length === 0 ? input : Object.fromEntries(payloadNames.map((name) => [name, input[name]]))
  return isReadOnly
    ? (input) => {
        const query = UrlParams.toString(UrlParams.fromInput(toPayload(input as Values) as UrlParams.CoercibleRecord))
        return { method, path: `${toPath(input as Values)}?${query}`, body: HttpBody.empty }
      }
    : (input) => ({
        method,
        path: toPath(input as Values),
        body: HttpBody.jsonUnsafe(toPayload(input as Values))
      })
}

/** Makes a function that returns the headers of a request. It returns the same frozen object until a header changes. */
export const makeHeaders = () => {
  const known = new Map<boolean, Headers.Headers>()
  return ({ body }: EncodedRequest, authorization: string, organization: string | undefined): Headers.Headers => {
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

/** Makes the request of one attempt. */
export const toRequest = (
  { body, method, path }: EncodedRequest,
  baseUrl: string,
  headers: Headers.Headers
): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.makeWith(method, baseUrl + path, UrlParams.empty, noHash, headers, body)
