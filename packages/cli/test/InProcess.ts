/** Runs the command within the process of the test, which is faster, and where a test can replace the terminal. */
import * as SandboxServer from "@agentalk/node/SandboxServer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { vi } from "@effect/vitest"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Terminal from "effect/Terminal"
import { Readable, Writable } from "node:stream"
import * as Cli from "../src/Cli.ts"
import * as Agentalk from "./Agentalk.ts"

/** The environment variables of the sandbox in the context. */
export const environment = Effect.map(SandboxServer.Address, ({ url }) => Agentalk.environment(url))

/** A terminal or a pipe that records its input. */
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

const replace = <T>(name: "stdin" | "stdout" | "stderr" | "argv", value: T) =>
  Effect.acquireRelease(
    Effect.sync(() => vi.spyOn(process, name, "get").mockReturnValue(value as never)),
    (spy) => Effect.sync(() => spy.mockRestore())
  ).pipe(Effect.as(value))

/** Replaces a standard stream of the process until the scope closes. */
export const replaceStream = <S extends Readable | Writable>(name: "stdin" | "stdout" | "stderr", stream: S) =>
  replace(name, stream)

/** Records the text of a standard stream, unless the test already records that stream. */
const record = (name: "stdout" | "stderr") =>
  process[name] instanceof Screen ? Effect.succeed(new Screen(false)) : replaceStream(name, new Screen(false))

/** Changes the working folder until the scope closes. */
export const workIn = (folder: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const previous = process.cwd()
      process.chdir(folder)
      return previous
    }),
    (previous) => Effect.sync(() => process.chdir(previous))
  )

interface Options {
  /** The text on standard input. Default: the standard input of the test. */
  readonly input?: string
  /** The terminal on which the command can ask. Default: none. */
  readonly terminal?: Terminal.Terminal
}

export interface RunOptions extends Options {
  /** Variables besides those of the sandbox in the context. */
  readonly env?: Readonly<Record<string, string>>
}

/** The standard error of every run that was interrupted, in the order of the runs. */
export const interrupted: Array<string> = []

/**
 * Runs the command with environment variables, and returns what it printed. Runs must not overlap, because they replace
 * the standard streams.
 */
export const runWith = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  variables: Readonly<Record<string, string>>,
  { input, terminal }: Options = {}
) {
  const lines = { stdout: Array<string>(), stderr: Array<string>() }
  const toStderr = (...line: ReadonlyArray<unknown>) => lines.stderr.push(line.join(" "))
  const captured: Console.Console = Object.assign(Object.create(console), {
    log: (...line: ReadonlyArray<unknown>) => lines.stdout.push(line.join(" ")),
    error: toStderr,
    warn: toStderr,
    info: toStderr,
    debug: toStderr
  })
  const stdout = yield* record("stdout")
  const stderr = yield* record("stderr")
  yield* replace("argv", ["node", "agentalk", ...args])
  if (input !== undefined) yield* replaceStream("stdin", Readable.from([Buffer.from(input)]))
  const output = () => ({
    stdout: stdout.text + lines.stdout.join("\n"),
    stderr: stderr.text + lines.stderr.join("\n")
  })
  const status = yield* Cli.run(args).pipe(
    Effect.provideService(Console.Console, captured),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(variables)),
    terminal === undefined ? identity : Effect.provideService(Terminal.Terminal, terminal),
    Effect.provideService(TerminalCapabilities, {
      canColor: false,
      canAnimate: false,
      canPrompt: terminal !== undefined
    }),
    Effect.provide(NodeServices.layer),
    Effect.onInterrupt(() => Effect.sync(() => void interrupted.push(output().stderr)))
  )
  return { status, ...output() }
}, Effect.scoped)

/** Runs the command against the sandbox in the context. */
export const run = (args: ReadonlyArray<string>, { env, ...options }: RunOptions = {}) =>
  Effect.flatMap(environment, (variables) => runWith(args, { ...variables, ...env }, options))
