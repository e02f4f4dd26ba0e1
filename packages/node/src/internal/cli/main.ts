/** The wiring of the `agentalk` binary: signals, pipes and the exit status. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Cli from "../../Cli.ts"

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
  process.stderr.write(`FileFault: standard output cannot be written${error.code ? ` (${error.code})` : ""}\n`)
  process.exit(1)
})

NodeRuntime.runMain(
  Cli.run(process.argv.slice(2)).pipe(
    Effect.flatMap((status) =>
      Effect.sync(() => {
        process.exitCode = status
      })
    ),
    Effect.provide(NodeServices.layer)
  )
)
