/** The processes of a benchmark, and the messages between them. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"

/** The message that makes a contender run a block of calls. */
export interface BlockRequest {
  readonly calls: number
  readonly concurrency: number
}

/** The cost of a block. */
export interface Cost {
  /** CPU time of all threads per call, in microseconds. */
  readonly cpu: number
  /** Calls per second. */
  readonly rate: number
  /** The peak resident memory so far in MB. */
  readonly memory: number
}

/** A process that responds to each message with one message. */
export interface Worker {
  readonly ask: (message: string | object) => Promise<unknown>
  readonly pid: number | undefined
  readonly stop: () => void
}

const responseOf = (child: ChildProcess, file: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`${file} exited with code ${code}`))
    child.once("exit", ended)
    child.once("message", (message) => {
      child.off("exit", ended)
      resolve(message)
    })
  })

const start = async (file: string, args: ReadonlyArray<string>, execArgv: Array<string> = []) => {
  const child = fork(join(import.meta.dirname, file), args, { execArgv })
  const first = await responseOf(child, [file, ...args].join(" "))
  const worker: Worker = {
    ask: (message) => {
      child.send(message)
      return responseOf(child, file)
    },
    pid: child.pid,
    stop: () => child.kill()
  }
  return { first, worker }
}

export const startServer = async (contacts = 1_000_000) => {
  const { first, worker } = await start("server.ts", [String(contacts)])
  return { url: String(first), send: (command: "hold" | "release") => worker.ask(command), stop: worker.stop }
}

/** Starts a contender without running a block. */
export const startContender = async (module: string, server: string) => {
  const { worker } = await start("measured/contender.ts", [module, server])
  return { run: (request: BlockRequest) => worker.ask(request) as Promise<Cost>, pid: worker.pid, stop: worker.stop }
}

/** Runs a program until its first message, and returns the message. */
export const askOnce = async (file: string, args: ReadonlyArray<string>, execArgv?: Array<string>) => {
  const { first, worker } = await start(file, args, execArgv)
  worker.stop()
  return first
}

/** Starts calls without responses. `end` returns the memory of each call in bytes. */
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
