/** Reads all contacts of a search, and sends the cost of every `step` contacts. */
import * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Sample } from "../scale.ts"
import { makeLayer } from "../contenders/agentalk.ts"

const [, , server = "", every = "100000"] = process.argv
const step = Number(every)

const samples: Array<Sample> = []
let contacts = 0
let began = process.cpuUsage()

const sample = (): void => {
  if (++contacts % step !== 0) return
  const { system, user } = process.cpuUsage(began)
  samples.push({ contacts, cpu: (system + user) / step, memory: process.memoryUsage.rss() / 1e6 })
  began = process.cpuUsage()
}

await ContactsStream.search({ name: "Jane" }).pipe(
  Stream.runForEach(() => Effect.sync(sample)),
  Effect.provide(makeLayer(`${server}/many`)),
  Effect.runPromise
)

process.send?.(samples)
