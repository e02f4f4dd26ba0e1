/** The wiring of the `agentalk` binary: signals, pipes and the exit status. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Cli from "../Cli.ts"
import { status } from "./exitStatus.ts"
import { type Explained, toJson, toLines } from "./explanation.ts"
import { isGiven } from "./globalFlags.ts"

const args = process.argv.slice(2)

let signals = 0

// The first Ctrl-C ends the work in good order; whoever presses it again does not want to wait.
process.on("SIGINT", () => {
  if (++signals > 1) process.exit(130)
})

// Whoever closes the terminal wants the work to end in good order as well.
process.on("SIGHUP", () => process.emit("SIGTERM", "SIGTERM"))

// The terminal may be gone, and with it whoever would read.
process.stderr.on("error", () => {})

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read our output stopped reading, as `head` does: as if by SIGPIPE. An import can be resumed.
  if (error.code === "EPIPE") process.exit(141)
  const fault: Explained = {
    status: status.usage,
    tag: "FileFault",
    message: `standard output cannot be written${error.code ? ` (${error.code})` : ""}`,
    advice: "Make room there, or send it elsewhere, and run the command again."
  }
  process.stderr.write(`${isGiven(args, "--json") ? toJson(fault) : toLines(fault, false).join("\n")}\n`)
  process.exit(fault.status)
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
