import { Agent, request } from "undici"
import { type Connect, ofPromises } from "../block.ts"
import * as Work from "../work.ts"

/** The pool of the raw contenders, with the default number of connections of the SDK. */
export const makePool = () => new Agent({ connections: 64, pipelining: 1, allowH2: false })

export const connect: Connect = (server) => {
  const dispatcher = makePool()
  const url = `${server}/api/contacts/`
  return ofPromises(async () => {
    const response = await request(url, {
      dispatcher,
      method: "POST",
      headers: Work.headers,
      body: JSON.stringify(Work.input)
    })
    const text = await response.body.text()
    if (response.statusCode !== 200) throw new Error(text)
    return (JSON.parse(text) as Work.ResponseBody).contact.id
  })
}
