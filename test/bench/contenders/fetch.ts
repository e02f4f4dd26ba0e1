import { type Connect, ofPromises } from "../block.ts"
import * as Work from "../work.ts"

export const connect: Connect = (server) => {
  const url = `${server}/api/contacts/`
  return ofPromises(async () => {
    // @effect-diagnostics-next-line globalFetch:off -- this contender measures fetch
    const response = await fetch(url, { method: "POST", headers: Work.headers, body: JSON.stringify(Work.input) })
    if (!response.ok) throw new Error(await response.text())
    return ((await response.json()) as Work.ResponseBody).contact.id
  })
}
