import createClient from "openapi-fetch"
import { type Connect, ofPromises } from "../block.ts"
import * as Work from "../work.ts"

/** The called part of the contract, in the form that openapi-typescript generates. */
interface Paths {
  "/api/contacts/": {
    post: {
      requestBody: { content: { "application/json": typeof Work.input } }
      responses: { 200: { content: { "application/json": Work.ResponseBody } } }
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
