/** Requests: method, path, query, body and headers, as the operations table declares them. */
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import { type Operation, operations } from "../../Operations.ts"
import { factsOf } from "../operation.ts"

/**
 * A request without its headers. A call encodes its input once, so that all attempts send the same bytes even if the
 * caller changes the input meanwhile.
 */
export interface EncodedRequest {
  readonly method: (typeof operations)[Operation]["method"]
  /** The path and the query. */
  readonly path: string
  readonly body: HttpBody.HttpBody
}

type Values = Readonly<Record<string, unknown>>

/** The path of an operation with its parameters filled in. Throws on a lone surrogate, which has no form in a URL. */
const makePath = (operation: Operation): ((input: Values) => string) => {
  const { path } = operations[operation]
  const { parameters } = factsOf(operation)
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
 * Makes the encoder of an operation: path parameters go into the path, other values into the query of a `GET`, otherwise
 * into the JSON body. The encoder throws if a checked input has no wire form.
 */
export const makeEncoder = (operation: Operation): ((input: unknown) => EncodedRequest) => {
  const { method } = operations[operation]
  const { isReadOnly, parameters, payloadNames } = factsOf(operation)
  const toPath = makePath(operation)
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

/** Makes a function that returns the headers of requests. Frozen headers are reused while they stay the same. */
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

/** The request of one attempt. */
export const toRequest = (
  { body, method, path }: EncodedRequest,
  baseUrl: string,
  headers: Headers.Headers
): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.makeWith(method, baseUrl + path, UrlParams.empty, noHash, headers, body)
