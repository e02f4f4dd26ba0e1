/**
 * Runs the conformance checks of `Contacts` against the real API. The checks create contacts with fictional phone numbers
 * and delete them, also if a check fails or the run is interrupted.
 *
 *   AGENTALK_API_TOKEN=… pnpm conformance --live
 */
import { Conformance } from "../packages/core/src/index.ts"
import { AgentalkNode } from "../packages/node/src/index.ts"
import { Cause, Console, Effect, Exit, Fiber } from "effect"

const exit = (code: number) => Effect.sync(() => void (process.exitCode = code))

const run = Effect.gen(function* () {
  yield* Console.log("Live: this creates contacts with the numbers +1 202 555 0100 to 0199, and deletes them.\n")
  let failed = 0
  for (const { check, name } of Conformance.checks) {
    const result = yield* Effect.exit(check)
    if (Exit.isSuccess(result)) yield* Console.log(`  ✓ ${name}`)
    else {
      failed++
      const messages = Cause.prettyErrors(result.cause).map(({ message }) => `      ${message}`)
      yield* Console.log([`  ✗ ${name}`, ...messages].join("\n"))
    }
  }
  yield* Console.log(`\n${Conformance.checks.length - failed} checks passed, ${failed} checks failed`)
  if (failed > 0) yield* exit(1)
})

const program = process.argv.includes("--live")
  ? run.pipe(
      Effect.provide(AgentalkNode.layer),
      Effect.catchTag("ConfigError", ({ message }) => Effect.andThen(Console.error(message), exit(1)))
    )
  : Effect.andThen(
      Console.error("This writes to the real API. To continue, set AGENTALK_API_TOKEN and run it with --live."),
      exit(1)
    )

const fiber = Effect.runFork(program)
// The interruption runs the finalizers, which delete the created contacts before the process ends.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => Effect.runFork(Effect.andThen(Fiber.interrupt(fiber), exit(1))))
}
