/** The processes of a benchmark, and what is said between them. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"

/** A block of calls that a contender is to make. */
export interface Order {
  readonly calls: number
  readonly concurrency: number
}

/** What a block cost. */
export interface Cost {
  /** Microseconds of all threads, for each call. */
  readonly cpu: number
  /** Calls a second. */
  readonly rate: number
  /** The most resident memory so far, in MB. */
  readonly memory: number
}

/** A process that answers each message with one. */
export interface Worker {
  readonly ask: (message: string | object) => Promise<unknown>
  readonly pid: number | undefined
  readonly stop: () => void
}

const answerOf = (child: ChildProcess, file: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`${file} ended with ${code}`))
    child.once("exit", ended)
    child.once("message", (message) => {
      child.off("exit", ended)
      resolve(message)
    })
  })

const start = async (file: string, args: ReadonlyArray<string>, execArgv: Array<string> = []) => {
  const child = fork(join(import.meta.dirname, file), args, { execArgv })
  const first = await answerOf(child, [file, ...args].join(" "))
  const worker: Worker = {
    ask: (message) => {
      child.send(message)
      return answerOf(child, file)
    },
    pid: child.pid,
    stop: () => child.kill()
  }
  return { first, worker }
}

export const startServer = async (contacts = 1_000_000) => {
  const { first, worker } = await start("server.ts", [String(contacts)])
  return { url: String(first), tell: (what: "hold" | "release") => worker.ask(what), stop: worker.stop }
}

/** A contender, which was not asked for anything yet. */
export const startContender = async (module: string, server: string) => {
  const { worker } = await start("measured/contender.ts", [module, server])
  return { run: (order: Order) => worker.ask(order) as Promise<Cost>, pid: worker.pid, stop: worker.stop }
}

/** Runs a program to the end of its one answer. */
export const askOnce = async (file: string, args: ReadonlyArray<string>, execArgv?: Array<string>) => {
  const { first, worker } = await start(file, args, execArgv)
  worker.stop()
  return first
}

/** So many calls that nobody answers yet; `end` gives the bytes that each of them kept. */
export const startInFlight = async (module: string, server: string, calls: number) => {
  const { worker } = await start("measured/inFlight.ts", [module, server, String(calls)], ["--expose-gc"])
  const end = async () => {
    const bytes = Number(await worker.ask("end"))
    worker.stop()
    return bytes
  }
  return { end }
}

export type Contender = Awaited<ReturnType<typeof startContender>>
