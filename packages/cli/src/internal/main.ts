/** The process of the `agentalk` binary: signals, pipes and the exit status. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Cli from "../Cli.ts"
import { exitStatus } from "./exitStatus.ts"
import { type Explanation, toJson, toLines } from "./explanation.ts"
import { isGiven } from "./globalFlags.ts"

const args = process.argv.slice(2)

let signals = 0

// The first Ctrl-C shuts down gracefully, the second one at once.
process.on("SIGINT", () => {
  if (++signals > 1) process.exit(exitStatus.interrupted)
})

// A closed terminal shuts down gracefully, too.
process.on("SIGHUP", () => process.emit("SIGTERM", "SIGTERM"))

// Writes fail if the terminal is closed.
process.stderr.on("error", () => {})

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // The program that reads the pipe has exited, as `head` does. A shell reports the status 141 for SIGPIPE.
  if (error.code === "EPIPE") process.exit(141)
  const explanation: Explanation = {
    status: exitStatus.usage,
    tag: "FileFault",
    message: `standard output cannot be written${error.code ? ` (${error.code})` : ""}`,
    advice: "Free some space or redirect the output, and run the command again."
  }
  process.stderr.write(`${isGiven(args, "--json") ? toJson(explanation) : toLines(explanation, false).join("\n")}\n`)
  process.exit(explanation.status)
})

NodeRuntime.runMain(
  Cli.run(args).pipe(
    Effect.flatMap((status) =>
      Effect.sync(() => {
        process.exitCode = status
      })
    ),
    Effect.provide(NodeServices.layer)
  )
)
