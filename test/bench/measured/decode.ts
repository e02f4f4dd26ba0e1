/**
 * Measures the cost of reading a page of 50 contacts, divided by the cost of `JSON.parse` for the same bytes. It sends one
 * message with the result.
 *
 * `search` reads the page from a dispatcher that responds at once, so the measurement includes the whole decoder and no
 * socket. The cost of the same call with an empty page is subtracted.
 */
import * as AgentalkClient from "@agentalk/core/AgentalkClient"
import { enableJit } from "@agentalk/core/unstable"
import * as UndiciHttpClient from "@agentalk/node/UndiciHttpClient"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { HttpClient } from "effect/http/HttpClient"
import { Dispatcher } from "undici"
import { figureOf } from "../statistics.ts"
import * as Work from "../work.ts"

const length = 50
const calls = 400
const rounds = Number(process.argv[2] ?? 15)

const pages = {
  full: Buffer.from(Work.pageOf(0, length, length)),
  empty: Buffer.from(Work.pageOf(0, 0, 0))
}

const unused = () => {
  throw new Error("This dispatcher cannot abort, pause or resume")
}

class StubDispatcher extends Dispatcher {
  page: Buffer = pages.full

  override dispatch(_: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const controller = { paused: false, aborted: false, reason: null, rawHeaders: null, rawTrailers: null }
    const stubController = {
      ...controller,
      abort: unused,
      pause: unused,
      resume: unused
    } as Dispatcher.DispatchController
    queueMicrotask(() => {
      handler.onRequestStart?.(stubController, {})
      handler.onResponseStart?.(stubController, 200, { "content-type": "application/json" })
      handler.onResponseData?.(stubController, this.page)
      handler.onResponseEnd?.(stubController, {})
    })
    return true
  }
}

const dispatcher = new StubDispatcher()
// `AgentalkNode` compiles the schemas in the same way.
await Effect.runPromise(enableJit)
const contacts = await AgentalkClient.make({ token: Redacted.make(Work.token), baseUrl: "http://127.0.0.1" }).pipe(
  Effect.provideService(HttpClient, UndiciHttpClient.make(dispatcher)),
  Effect.runPromise
)

const microseconds = async (body: () => void | Promise<void>): Promise<number> => {
  const began = process.cpuUsage()
  await body()
  const { system, user } = process.cpuUsage(began)
  return (system + user) / calls
}

const search = (page: Buffer) => () => {
  dispatcher.page = page
  let left = calls
  const all = Effect.whileLoop({
    while: () => left-- > 0,
    body: () => contacts.search({ name: "Jane" }),
    step: (found) => {
      if (found.contacts.length > length) throw new Error("The page has too many contacts")
    }
  })
  return Effect.runPromise(all)
}

const parse = () => {
  for (let n = 0; n < calls; n++) JSON.parse(pages.full.toString())
}

for (let n = 0; n < 10; n++) {
  parse()
  await search(pages.full)()
  await search(pages.empty)()
}

const ratios: Array<number> = []
for (let round = 0; round < rounds; round++) {
  const before = await microseconds(parse)
  const full = await microseconds(search(pages.full))
  const empty = await microseconds(search(pages.empty))
  ratios.push((full - empty) / ((before + (await microseconds(parse))) / 2))
}

process.send?.({ bytes: pages.full.length, ratio: figureOf(ratios) })
