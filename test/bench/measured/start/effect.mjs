import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent } from "undici"
import * as Work from "./work.mjs"

const ResponseBody = Schema.Struct({
  contact: Schema.Struct({
    id: Schema.String,
    phone: Schema.String,
    firstName: Schema.optionalKey(Schema.String),
    lastName: Schema.optionalKey(Schema.String),
    email: Schema.optionalKey(Schema.String),
    tags: Schema.optionalKey(Schema.Array(Schema.String)),
    fields: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
  }),
  isNew: Schema.Boolean
})

const agent = new Agent({ connections: 64 })

const send = Effect.callback((resume) => {
  let text = ""
  agent.dispatch(
    {
      origin: process.argv[2],
      path: "/api/contacts",
      method: "POST",
      headers: Work.headers,
      body: JSON.stringify(Work.input)
    },
    {
      onRequestStart: () => {},
      onResponseStart: () => {},
      onResponseData: (_, chunk) => void (text += chunk.toString()),
      onResponseEnd: () => resume(Effect.succeed(text)),
      onResponseError: (_, error) => resume(Effect.fail(error))
    }
  )
})

const { contact } = await Effect.runPromise(
  Effect.flatMap(send, (text) => Schema.decodeUnknownEffect(ResponseBody)(JSON.parse(text)))
)
console.log(contact.id)
process.exit()
