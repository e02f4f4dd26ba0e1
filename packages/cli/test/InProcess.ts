/** Runs the command within this process, where a test can stand in for the terminal. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { vi } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Terminal from "effect/Terminal"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import { type Readable, Writable } from "node:stream"
import * as Cli from "../src/Cli.ts"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import * as Agentalk from "./Agentalk.ts"

/** The environment of the sandbox of the context. */
export const environment = Effect.map(SandboxServer.Address, ({ url }) => Agentalk.environment(url))

/** What a run of the command printed, and its status. */
export const run = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  env?: Readonly<Record<string, string>>,
  terminal?: Terminal.Terminal
) {
  const out: Array<string> = []
  const err: Array<string> = []
  const captured: Console.Console = Object.assign(Object.create(console), {
    log: (...line: ReadonlyArray<unknown>) => out.push(line.join(" ")),
    error: (...line: ReadonlyArray<unknown>) => err.push(line.join(" "))
  })
  const variables = { ...(yield* environment), ...env }
  const ended = Cli.run(args).pipe(
    Effect.provideService(Console.Console, captured),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(variables)),
    terminal === undefined ? identity : Effect.provideService(Terminal.Terminal, terminal),
    Effect.provideService(TerminalCapabilities, {
      canColor: false,
      canAnimate: false,
      canPrompt: terminal !== undefined
    }),
    Effect.provide(NodeServices.layer)
  )
  const status = yield* Effect.onInterrupt(ended, () => Effect.sync(() => void interrupted.push(err.join("\n"))))
  return { status, out: out.join("\n"), err: err.join("\n") }
})

/** What runs that were interrupted had said on standard error, the last one last. */
export const interrupted: Array<string> = []

/** A terminal to write to, or a pipe, and all that was written. */
export class Screen extends Writable {
  readonly isTTY: boolean
  readonly columns: number
  text = ""

  constructor(isTTY: boolean, columns = 80) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
    this.columns = columns
  }

  getColorDepth(): number {
    return 1
  }

  override _write(chunk: unknown, _: string, next: () => void): void {
    this.text += String(chunk)
    next()
  }
}

/** Puts a stream in the place of one of the process until the scope ends. */
export const stand = <S extends Readable | Writable>(name: "stdin" | "stdout" | "stderr", stream: S) =>
  Effect.acquireRelease(
    Effect.sync(() => vi.spyOn(process, name, "get").mockReturnValue(stream as never)),
    (spy) => Effect.sync(() => spy.mockRestore())
  ).pipe(Effect.as(stream))
