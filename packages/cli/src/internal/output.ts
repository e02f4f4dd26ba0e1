/** Results on standard output, notes on standard error. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Terminal from "effect/Terminal"
import { Json, Quiet } from "./globalFlags.ts"

const defaultWidth = 80

/** The width of the terminal in columns, or 80 if there is no terminal. */
export const terminalWidth = Effect.gen(function* () {
  const terminal = yield* Terminal.Terminal
  return (yield* terminal.columns) || defaultWidth
})

/** Prints a result: `json` with --json, otherwise `lines` for the width of the terminal. */
export const print = (json: unknown, lines: (width: number) => ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const text = (yield* Json) ? JSON.stringify(json) : lines(yield* terminalWidth).join("\n")
    yield* Console.log(text)
  })

/** Prints a note on standard error. With --quiet or --json, standard error contains only errors. */
export const note = (line: string) =>
  Effect.gen(function* () {
    if (!(yield* Quiet) && !(yield* Json)) yield* Console.error(line)
  })

/** Prints an interruption on standard error. `message` names the incomplete result, and `advice` names the next step. */
export const noteInterrupted = (message: string, advice: string) =>
  Effect.flatMap(Json, (isJson) =>
    Console.error(
      isJson ? JSON.stringify({ error: { tag: "Interrupted", message, advice } }) : `Interrupted: ${message}\n${advice}`
    )
  )
