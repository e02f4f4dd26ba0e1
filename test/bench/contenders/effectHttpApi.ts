import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { type Connect, ofEffects } from "../block.ts"
import * as Work from "../work.ts"
import { ResponseSchema, InputSchema } from "./effectSchema.ts"

const Api = HttpApi.make("bench").add(
  HttpApiGroup.make("contacts").add(
    HttpApiEndpoint.post("upsert", "/api/contacts", { payload: InputSchema, success: ResponseSchema })
  )
)

export const connect: Connect = (server) =>
  ofEffects(
    NodeHttpClient.layerUndici,
    Effect.map(
      HttpApiClient.make(Api, {
        baseUrl: server,
        transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(Work.token))
      }),
      ({ contacts }) => Effect.map(contacts.upsert({ payload: Work.input }), ({ contact }) => contact.id)
    )
  )
