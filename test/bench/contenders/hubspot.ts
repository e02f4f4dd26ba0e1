import { Client } from "@hubspot/api-client"
import { type Connect, ofPromises } from "../block.ts"
import * as Work from "../work.ts"

export const connect: Connect = (server) => {
  const client = new Client({ basePath: server, accessToken: "benchmark" })
  return ofPromises(async () => (await client.crm.contacts.basicApi.create(Work.hubspotInput)).id)
}
