import { request } from "undici"
import * as Work from "./work.mjs"

const response = await request(`${process.argv[2]}/api/contacts`, {
  method: "POST",
  headers: Work.headers,
  body: JSON.stringify(Work.input)
})
const { contact } = await response.body.json()
console.log(contact.id)
process.exit()
