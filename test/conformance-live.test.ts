/** Runs `scripts/conformance.ts` against a sandbox instead of the real API. */
import { Conformance, Faults, Sandbox } from "@agentalk/core"
import { SandboxServer } from "@agentalk/node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { spawn } from "node:child_process"
import { join } from "node:path"

const timeout = 60_000

const script = join(import.meta.dirname, "../scripts/conformance.ts")

/** Runs the script, and interrupts it when the condition becomes true. */
const run = Effect.fn("run")(function* (args: ReadonlyArray<string>, interruptWhen: Effect.Effect<boolean>) {
  const { url } = yield* SandboxServer.Address
  return yield* Effect.acquireUseRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [script, ...args], {
        env: { AGENTALK_BASE_URL: url, AGENTALK_API_TOKEN: Redacted.value(Sandbox.token) },
        stdio: ["ignore", "pipe", "pipe"]
      })
      let output = ""
      child.stdout.on("data", (text) => (output += String(text)))
      child.stderr.on("data", (text) => (output += String(text)))
      const closed = new Promise<{ readonly output: string; readonly code: number | null }>((resolve) => {
        child.on("close", (code) => resolve({ output, code }))
      })
      return { child, closed }
    }),
    ({ child, closed }) =>
      Effect.gen(function* () {
        while (child.exitCode === null && !(yield* interruptWhen)) yield* Effect.sleep("10 millis")
        child.kill("SIGINT")
        return yield* Effect.promise(() => closed)
      }),
    ({ child, closed }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return closed
      })
  )
})

const never = Effect.succeed(false)

const onServer = <A, E>(effect: Effect.Effect<A, E, SandboxServer.Address | Sandbox.State>) =>
  Effect.provide(effect, SandboxServer.layer)

describe.concurrent("scripts/conformance.ts", () => {
  it.live(
    "runs every check and deletes the contacts that it created",
    () =>
      Effect.gen(function* () {
        const { code, output } = yield* run(["--live"], never)
        assert.strictEqual(code, 0, output)
        for (const { name } of Conformance.checks) assert.include(output, `✓ ${name}`)
        const { contacts, requests } = yield* Sandbox.State
        assert.deepStrictEqual(yield* contacts(), [])
        assert.isAbove((yield* requests).filter(({ status }) => status === 201).length, Conformance.checks.length)
      }).pipe(onServer),
    timeout
  )

  it.live(
    "reports the failed checks and deletes the contacts that it created",
    () =>
      Effect.gen(function* () {
        const { contacts, script } = yield* Sandbox.State
        yield* script(
          Faults.script({
            operation: "addTags",
            times: Infinity,
            fault: Faults.status(403, { strikes: "before" })
          })
        )
        const { code, output } = yield* run(["--live"], never)
        assert.strictEqual(code, 1)
        assert.match(output, /✗ addTags adds each tag once.*\n +a call failed with Forbidden/)
        assert.include(output, "✓ search returns pages")
        assert.deepStrictEqual(yield* contacts(), [])
      }).pipe(onServer),
    timeout
  )

  it.live(
    "deletes the contacts that it created if it is interrupted",
    () =>
      Effect.gen(function* () {
        const { contacts, requests, script } = yield* Sandbox.State
        yield* script(
          Faults.script({ operation: "updateFields", times: Infinity, fault: Faults.hang({ strikes: "before" }) })
        )
        const isStuck = Effect.map(requests, (all) => all.some(({ operation }) => operation === "updateFields"))
        const { code, output } = yield* run(["--live"], isStuck)
        assert.strictEqual(code, 1, output)
        assert.notInclude(output, "checks failed")
        assert.deepStrictEqual(yield* contacts(), [])
      }).pipe(onServer),
    timeout
  )

  it.live(
    "sends no request without --live",
    () =>
      Effect.gen(function* () {
        const { code, output } = yield* run([], never)
        assert.strictEqual(code, 1)
        assert.include(output, "run it with --live")
        assert.deepStrictEqual(yield* (yield* Sandbox.State).requests, [])
      }).pipe(onServer),
    timeout
  )
})
