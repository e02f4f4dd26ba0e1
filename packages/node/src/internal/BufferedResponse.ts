/** A response whose body is in memory, or whose body could not be received completely. */
import { isTransportFault, TransportFault } from "@agentalk/core/unstable"
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as UrlParams from "effect/http/UrlParams"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type * as Schema from "effect/Schema"
import type * as EffectSocket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import { constants as bufferConstants } from "node:buffer"
import * as Zlib from "node:zlib"
import { errorCodeOf } from "./errorCode.ts"

type BodyEffect<A> = Effect.Effect<A, HttpClientError.HttpClientError>

export class BufferedResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse, Pipeable {
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest
  readonly status: number
  // These fields have a `#`, so that they are hidden if an error that contains the response is inspected.
  readonly #requestUrl: URL
  readonly #rawHeaders: Headers.Input
  readonly #maxBodyBytes: number
  #body: Uint8Array | TransportFault
  #isEncoded: boolean
  #headers: Headers.Headers | undefined = undefined

  constructor(
    request: HttpClientRequest,
    requestUrl: URL,
    status: number,
    rawHeaders: Headers.Input,
    body: Uint8Array | TransportFault,
    maxBodyBytes: number
  ) {
    super()
    this.request = request
    this.status = status
    this.#requestUrl = requestUrl
    this.#rawHeaders = rawHeaders
    this.#body = body
    this.#isEncoded = "content-encoding" in rawHeaders && !isTransportFault(body) && body.length > 0
    this.#maxBodyBytes = maxBodyBytes
  }

  get url(): string {
    const { hash, href } = this.#requestUrl
    return href.slice(0, href.length - hash.length)
  }

  get headers(): Headers.Headers {
    return (this.#headers ??= Headers.fromInput(this.#rawHeaders))
  }

  get cookies(): Cookies.Cookies {
    const header = "set-cookie" in this.#rawHeaders ? this.#rawHeaders["set-cookie"] : undefined
    return header === undefined ? Cookies.empty : Cookies.fromSetCookie(header)
  }

  get remoteAddress(): Option.Option<string> {
    return Option.none()
  }

  get text(): BodyEffect<string> {
    return this.#read((bytes) => Effect.succeed(utf8.decode(bytes)))
  }

  get json(): BodyEffect<Schema.Json> {
    return this.#read((bytes) => {
      const text = utf8.decode(bytes)
      if (text === "") return Effect.succeed(null)
      try {
        const value: Schema.Json = JSON.parse(text)
        return Effect.succeed(value)
      } catch {
        // The error must not contain the error of the parser, because it quotes the body.
        return Effect.fail(this.#decodeError("the body is not JSON"))
      }
    })
  }

  get urlParamsBody(): BodyEffect<UrlParams.UrlParams> {
    return this.#read((bytes) =>
      // Without the "&", `URLSearchParams` would drop a leading "?", which is data in a body.
      Effect.succeed(UrlParams.fromInput(new URLSearchParams(`&${formUtf8.decode(bytes)}`)))
    )
  }

  get formData(): BodyEffect<FormData> {
    return this.#read((bytes) =>
      Effect.tryPromise({
        try: () => {
          const headers = { "content-type": this.headers["content-type"] ?? "" }
          return new Response(new Uint8Array(bytes), { headers }).formData()
        },
        catch: () => this.#decodeError("the body is not a form")
      })
    )
  }

  get arrayBuffer(): BodyEffect<ArrayBuffer> {
    return this.#read((bytes) => Effect.succeed(new Uint8Array(bytes).buffer))
  }

  get stream(): Stream.Stream<Uint8Array, HttpClientError.HttpClientError> {
    return Stream.unwrap(
      this.#read((bytes) => Effect.succeed(bytes.length === 0 ? Stream.empty : Stream.succeed(new Uint8Array(bytes))))
    )
  }

  get upgrade(): BodyEffect<EffectSocket.Socket> {
    return Effect.fail(
      new HttpClientError.HttpClientError({
        reason: new HttpClientError.StatusCodeError({
          request: this.request,
          response: this,
          description: "the transport does not upgrade connections"
        })
      })
    )
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "effect/http/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }

  pipe() {
    return pipeArguments(this, arguments)
  }

  #read<A>(f: (bytes: Uint8Array) => BodyEffect<A>): BodyEffect<A> {
    return Effect.suspend(() => {
      if (this.#isEncoded && !isTransportFault(this.#body)) {
        this.#body = decompress(this.#body, this.headers["content-encoding"], this.#maxBodyBytes)
        this.#isEncoded = false
      }
      return isTransportFault(this.#body) ? Effect.fail(this.#decodeError(undefined, this.#body)) : f(this.#body)
    })
  }

  #decodeError(description: string | undefined, cause?: TransportFault): HttpClientError.HttpClientError {
    return new HttpClientError.HttpClientError({
      reason: new HttpClientError.DecodeError({ request: this.request, response: this, description, cause })
    })
  }
}

const utf8 = new TextDecoder()

// In a URL-encoded body, a leading byte order mark is data.
const formUtf8 = new TextDecoder("utf-8", { ignoreBOM: true })

/** Decompresses a body. If its encoding is unknown, its bytes are returned unchanged. */
const decompress = (
  body: Uint8Array,
  encoding: string | undefined,
  maxBodyBytes: number
): Uint8Array | TransportFault => {
  const options = { maxOutputLength: Math.max(1, Math.min(maxBodyBytes, bufferConstants.MAX_LENGTH)) }
  try {
    switch (encoding?.trim().toLowerCase()) {
      case "gzip":
      case "x-gzip":
        return Zlib.gunzipSync(body, options)
      case "deflate":
        // Some servers omit the zlib wrapper. If it is present, the low four bits of the first byte are 8 (RFC 1950,
        // section 2.2).
        return ((body[0] ?? 0) & 0x0f) === 8 ? Zlib.inflateSync(body, options) : Zlib.inflateRawSync(body, options)
      case "br":
        return Zlib.brotliDecompressSync(body, options)
      case "zstd":
        return Zlib.zstdDecompressSync(body, options)
      default:
        return body
    }
  } catch (error) {
    const code = errorCodeOf(error)
    return new TransportFault(code === "ERR_BUFFER_TOO_LARGE" ? "size" : "network", { sent: true, code })
  }
}
