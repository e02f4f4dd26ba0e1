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

// Whoever read our output stopped reading, as `head` does: there is nobody to tell more. An import can be resumed.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(130)
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
