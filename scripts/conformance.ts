/**
 * Holds the real API to what any `Contacts` must do. It works on contacts with numbers that are reserved for fiction, and
 * deletes them again, also when a check fails or the run is interrupted.
 *
 *   AGENTALK_API_TOKEN=… pnpm conformance --live
 */
import { Conformance } from "../packages/core/src/index.ts"
import { AgentalkNode } from "../packages/node/src/index.ts"
import { Cause, Console, Effect, Exit, Fiber } from "effect"

const exit = (code: number) => Effect.sync(() => void (process.exitCode = code))

const run = Effect.gen(function* () {
  yield* Console.log("Live: this creates contacts with the numbers +1 202 555 0100 to 0199, and deletes them again.\n")
  let failed = 0
  for (const { check, name } of Conformance.checks) {
    const ended = yield* Effect.exit(check)
    if (Exit.isSuccess(ended)) yield* Console.log(`  ✓ ${name}`)
    else {
      failed++
      const said = Cause.prettyErrors(ended.cause).map(({ message }) => `      ${message}`)
      yield* Console.log([`  ✗ ${name}`, ...said].join("\n"))
    }
  }
  yield* Console.log(`\n${Conformance.checks.length - failed} hold, ${failed} do not`)
  if (failed > 0) yield* exit(1)
})

const program = process.argv.includes("--live")
  ? run.pipe(
      Effect.provide(AgentalkNode.layer),
      Effect.catchTag("ConfigError", ({ message }) => Effect.andThen(Console.error(message), exit(1)))
    )
  : Effect.andThen(Console.error("This writes to the real API: say --live, with AGENTALK_API_TOKEN set."), exit(1))

const fiber = Effect.runFork(program)
// What was made is deleted before the process ends.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => Effect.runFork(Effect.andThen(Fiber.interrupt(fiber), exit(1))))
}
