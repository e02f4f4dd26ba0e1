/** Runs the real `agentalk` binary as a child process. */
import { Sandbox } from "@agentalk/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Scope } from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const binary = fileURLToPath(new URL("../src/bin.ts", import.meta.url))

const compileCache = fileURLToPath(new URL("../../../node_modules/.cache/agentalk", import.meta.url))

/** How a process ended, and what it printed. */
export interface Ended {
  /** The exit status. If a signal ended the process, 128 plus the number of the signal. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** The text on standard input; `null` leaves standard input open. Default: no text. */
  readonly input?: string | null
  readonly cwd?: string
  /** A program and its arguments that start the binary. Default: none. */
  readonly through?: ReadonlyArray<string>
}

const signals: Readonly<Record<string, number>> = { SIGINT: 130, SIGKILL: 137, SIGTERM: 143 }

/** Starts the binary. Closing the scope kills it. */
export const start = (
  args: ReadonlyArray<string>,
  { cwd, env = {}, input = "", through = [] }: RunOptions = {}
): Effect.Effect<Running, never, Scope> =>
  Effect.acquireRelease(
    Effect.sync((): Running => {
      const [program = process.execPath, ...rest] = [...through, process.execPath, binary, ...args]
      const child = spawn(program, rest, {
        cwd,
        // @effect-diagnostics-next-line processEnvInEffect:off -- the child needs PATH to start programs
        env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: compileCache, ...env },
        stdio: ["pipe", "pipe", "pipe"]
      })
      let stdout = ""
      let stderr = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
      child.stdin.on("error", () => {})
      if (input !== null) child.stdin.end(input)
      const ended = new Promise<Ended>((resolve) => {
        child.on("close", (code, signal) => resolve({ status: code ?? signals[signal ?? ""] ?? 128, stdout, stderr }))
      })
      return { child, ended }
    }),
    ({ child, ended }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return ended
      })
  )

/** Waits until the process writes to standard error. */
export const nextMessage = ({ child }: Running): Effect.Effect<void> =>
  Effect.callback((resume) => {
    child.stderr?.once("data", () => resume(Effect.void))
  })

/** Waits until the process ends. */
export const result = ({ ended }: Running): Effect.Effect<Ended> => Effect.promise(() => ended)

/** Runs the binary until it ends. */
export const run = (args: ReadonlyArray<string>, options?: RunOptions): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(start(args, options), result))

/** The environment variables of a sandbox. */
export const environment = (url: string) => ({
  AGENTALK_BASE_URL: url,
  AGENTALK_API_TOKEN: Redacted.value(Sandbox.token)
})

/** A folder that is deleted when the scope closes. */
export const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "agentalk-test-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)
