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

const compiled = fileURLToPath(new URL("../../../node_modules/.cache/agentalk", import.meta.url))

/** How a run ended, and what it printed. */
export interface Ended {
  /** The exit status; 128 and the signal's number where a signal ended it. */
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
  /** Its standard input; `null` leaves it open. Default: nothing. */
  readonly input?: string | null
  readonly cwd?: string
  /** A program that runs it. */
  readonly through?: ReadonlyArray<string>
}

const signals: Readonly<Record<string, number>> = { SIGINT: 130, SIGKILL: 137, SIGTERM: 143 }

/** Starts it. It is ended with the scope, at the latest. */
export const start = (
  args: ReadonlyArray<string>,
  { cwd, env = {}, input = "", through = [] }: RunOptions = {}
): Effect.Effect<Running, never, Scope> =>
  Effect.acquireRelease(
    Effect.sync((): Running => {
      const [program = process.execPath, ...rest] = [...through, process.execPath, binary, ...args]
      const child = spawn(program, rest, {
        cwd,
        // @effect-diagnostics-next-line processEnvInEffect:off -- the child is to find what it runs on
        env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: compiled, ...env },
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

/** Waits until it says something more on standard error. */
export const told = ({ child }: Running): Effect.Effect<void> =>
  Effect.callback((resume) => {
    child.stderr?.once("data", () => resume(Effect.void))
  })

/** Runs it to its end. */
export const run = (args: ReadonlyArray<string>, options?: RunOptions): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(start(args, options), ({ ended }) => Effect.promise(() => ended)))

/** The environment of a sandbox. */
export const environment = (url: string) => ({
  AGENTALK_BASE_URL: url,
  AGENTALK_API_TOKEN: Redacted.value(Sandbox.token)
})

/** A folder that goes away with the scope. */
export const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "agentalk-test-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)
