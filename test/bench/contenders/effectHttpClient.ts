import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import { type Connect, ofEffects } from "../block.ts"
import * as Work from "../work.ts"
import { ResponseSchema } from "./effectSchema.ts"

const decode = HttpClientResponse.schemaBodyJson(ResponseSchema)

export const connect: Connect = (server) =>
  ofEffects(
    NodeHttpClient.layerUndici,
    Effect.map(HttpClient.HttpClient, (http) => {
      const client = http.pipe(
        HttpClient.mapRequest(HttpClientRequest.prependUrl(server)),
        HttpClient.mapRequest(HttpClientRequest.setHeaders(Work.headers)),
        HttpClient.filterStatusOk
      )
      return Effect.suspend(() =>
        client.execute(HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post("/api/contacts/"), Work.input))
      ).pipe(
        Effect.flatMap(decode),
        Effect.map(({ contact }) => contact.id)
      )
    })
  )
