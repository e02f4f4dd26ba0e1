import { create } from "axios"
import { type Connect, ofPromises } from "../block.ts"
import * as Work from "../work.ts"

export const connect: Connect = (server) => {
  const client = create({ baseURL: server, headers: { authorization: Work.headers.authorization } })
  return ofPromises(async () => {
    const { data } = await client.post<Work.ResponseBody>("/api/contacts/", Work.input)
    return data.contact.id
  })
}
