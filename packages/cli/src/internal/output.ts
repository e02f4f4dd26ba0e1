/** Results on standard output, notes on standard error. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Json, Quiet } from "./globalFlags.ts"

/** Prints a result: `json` with --json, else `lines`. */
export const print = (json: unknown, lines: () => ReadonlyArray<string>) =>
  Effect.flatMap(Json, (isJson) => Console.log(isJson ? JSON.stringify(json) : lines().join("\n")))

/** Tells something on standard error, unless --quiet; with --json that is for errors alone. */
export const note = (line: string) =>
  Effect.gen(function* () {
    if (!(yield* Quiet) && !(yield* Json)) yield* Console.error(line)
  })

/** Tells on standard error that a command was interrupted, and what that means. */
export const noteInterrupted = (message: string, advice: string) =>
  Effect.flatMap(Json, (isJson) =>
    Console.error(
      isJson ? JSON.stringify({ error: { tag: "Interrupted", message, advice } }) : `Interrupted: ${message}\n${advice}`
    )
  )
