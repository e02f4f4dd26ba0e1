/** Reads a search of a million contacts to its end, and tells what it has cost on the way. */
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

const look = (): void => {
  if (++contacts % step !== 0) return
  const { system, user } = process.cpuUsage(began)
  samples.push({ contacts, cpu: (system + user) / step, memory: process.memoryUsage.rss() / 1e6 })
  began = process.cpuUsage()
}

await ContactsStream.search({ name: "Jane" }).pipe(
  Stream.runForEach(() => Effect.sync(look)),
  Effect.provide(makeLayer(`${server}/many`)),
  Effect.runPromise
)

process.send?.(samples)
