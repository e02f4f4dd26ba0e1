import OpenAI from "openai"
import { type Connect, ofPromises } from "../block.ts"
import * as Work from "../work.ts"

export const connect: Connect = (server) => {
  const client = new OpenAI({ baseURL: server, apiKey: "benchmark" })
  // The SDK's own methods call `post` in the same way.
  return ofPromises(async () => {
    const { contact } = await client.post<Work.ResponseBody>("/api/contacts/", { body: Work.input })
    return contact.id
  })
}
