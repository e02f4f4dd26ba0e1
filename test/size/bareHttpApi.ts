/** The program for comparison: a bare `HttpApiClient` over `fetch` with one schema and one call. */
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Schema from "effect/Schema"

const Contact = Schema.Struct({ phone: Schema.String, firstName: Schema.optionalKey(Schema.String) })

const Api = HttpApi.make("api").add(
  HttpApiGroup.make("contacts").add(
    HttpApiEndpoint.post("upsert", "/api/contacts", { payload: Contact, success: Contact })
  )
)

const program = Effect.flatMap(HttpApiClient.make(Api, { baseUrl: "https://api.agentalk.io" }), ({ contacts }) =>
  contacts.upsert({ payload: { phone: "+15551234567" } })
)

export const upsert = () => Effect.runPromise(Effect.provide(program, FetchHttpClient.layer))
