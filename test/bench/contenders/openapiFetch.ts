import createClient from "openapi-fetch"
import { type Connect, ofPromises } from "../block.ts"
import * as Work from "../work.ts"

/** The part of the contract that is called, as openapi-typescript spells it. */
interface Paths {
  "/api/contacts/": {
    post: {
      requestBody: { content: { "application/json": typeof Work.input } }
      responses: { 200: { content: { "application/json": Work.Answer } } }
    }
  }
}

export const connect: Connect = (server) => {
  const client = createClient<Paths>({ baseUrl: server, headers: { authorization: Work.headers.authorization } })
  return ofPromises(async () => {
    const { data } = await client.POST("/api/contacts/", { body: Work.input })
    return data?.contact.id ?? ""
  })
}
