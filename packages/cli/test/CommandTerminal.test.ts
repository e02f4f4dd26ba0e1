/** Prompts, progress and interruptions, within the process of the test. */
import * as Sandbox from "@agentalk/core/Sandbox"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Terminal from "effect/Terminal"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { holdRequests } from "../../import/test/Hold.ts"
import * as Agentalk from "./Agentalk.ts"
import { interrupted, replaceStream, run, Screen } from "./InProcess.ts"

const id = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

/** A terminal on which a person presses a key. */
const makeTerminal = Effect.fnUntraced(function* (key?: "y" | "n") {
  const keys = yield* Queue.unbounded<Terminal.UserInput>()
  const size = yield* Queue.unbounded<Terminal.Size>()
  if (key !== undefined) {
    yield* Queue.offer(keys, { input: Option.some(key), key: { name: key, ctrl: false, meta: false, shift: false } })
  }
  return Terminal.make({
    columns: Effect.succeed(80),
    rows: Effect.succeed(24),
    size: Effect.succeed(size as never),
    readInput: Effect.succeed(keys as never),
    readLine: Effect.succeed(""),
    display: () => Effect.void
  })
})

const people = `phone,first_name\n+12025550111,One\n+12025550112,Two\nbad,Three\n`

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("the command", (it) => {
  it.effect("deletes a contact only after a yes", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      yield* Effect.orDie(state.seed([{ phone: "447700900001", firstName: "Lasting" }]))
      const [contact] = yield* state.contacts()
      const answer = (key: "y" | "n") =>
        Effect.flatMap(makeTerminal(key), (terminal) => run(["contacts", "delete", contact!.id], { terminal }))
      assert.deepStrictEqual(yield* answer("n"), { status: 1, stdout: "", stderr: "Nothing was deleted." })
      assert.lengthOf(yield* state.contacts(), 1)
      assert.deepStrictEqual(yield* answer("y"), { status: 0, stdout: "✓ deleted", stderr: "" })
      assert.lengthOf(yield* state.contacts(), 0)
      const json = yield* run(["contacts", "delete", contact!.id, "--json"], { terminal: yield* makeTerminal("y") })
      assert.deepStrictEqual([json.status, json.stdout], [2, ""])
      assert.include(json.stderr, "only on a terminal and without --json")
    }).pipe(Effect.scoped)
  )

  it.effect("says what is incomplete after an interruption, and how to resume", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      yield* replaceStream("stdout", new Screen(false))
      const path = join(folder, "people.csv")
      writeFileSync(path, people)
      const search = ["contacts", "search", "--name", "x", "--all"]
      const exports = ["contacts", "export", "--name", "x"]
      const imports = ["contacts", "import", path, "--drain", "1ms", "--concurrency", "1"]
      for (const [args, message] of [
        [search, /^Interrupted: the output is incomplete\.\nRun the command again\.$/],
        [[...search, "--json"], /^\{"error":\{"tag":"Interrupted","message":"the output is incomplete\."/],
        [exports, /^Interrupted: the output is incomplete\./],
        [[...exports, "--out", join(folder, "out.csv")], /^Interrupted: the file was not written\./],
        [imports, /^Interrupted: 0 rows are finished\.\nResume with:\n {2}agentalk .*--resume$/],
        [[...imports, "--report", "-"], /^Interrupted: 0 rows are finished\.\nThis import cannot be resumed\.$/]
      ] as const) {
        const received = yield* holdRequests
        const fiber = yield* Effect.forkChild(run(args))
        yield* received
        yield* Fiber.interrupt(fiber)
        assert.match(interrupted.at(-1) ?? "", message)
      }
      assert.isFalse(existsSync(join(folder, "out.csv")))
      yield* (yield* Sandbox.State).script(() => undefined)
    }).pipe(Effect.scoped)
  )

  it.effect("is interrupted if the prompt is interrupted", () =>
    Effect.gen(function* () {
      const terminal = { ...(yield* makeTerminal()), readInput: Effect.interrupt }
      const exit = yield* Effect.exit(run(["contacts", "delete", id], { terminal }))
      assert.isTrue(Exit.hasInterrupts(exit))
    }).pipe(Effect.scoped)
  )

  it.effect("prints the stack trace of a defect", () =>
    Effect.gen(function* () {
      const terminal = { ...(yield* makeTerminal()), readInput: Effect.die(new Error("no keyboard")) }
      const ended = yield* run(["contacts", "delete", id], { terminal })
      assert.deepStrictEqual([ended.status, ended.stdout], [1, ""])
      assert.match(ended.stderr, /^Defect: this is a bug in agentalk\. Please report it\.\nError: no keyboard\n/)
    }).pipe(Effect.scoped)
  )

  it.effect("draws the progress of an import, and says that a signal lets rows in flight finish", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      const path = join(folder, "people.csv")
      writeFileSync(path, people)
      const screen = yield* replaceStream("stderr", new Screen(true))
      const received = yield* holdRequests
      const fiber = yield* Effect.forkChild(run(["contacts", "import", path, "--drain", "1ms", "--json"]))
      yield* received
      while (!screen.text.includes("%")) yield* Effect.yieldNow
      process.emit("SIGTERM", "SIGTERM")
      assert.include(screen.text, "\nFinishing the rows in flight. Press Ctrl-C again to stop at once.\n")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(screen.text.endsWith("\r\u001b[2K"), "the bar is erased")
      assert.match(interrupted.at(-1) ?? "", /"tag":"Interrupted"/)
      yield* (yield* Sandbox.State).script(() => undefined)
    }).pipe(Effect.scoped)
  )

  it.effect("hides the progress with --quiet, and with --json if standard error is no terminal", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      const path = join(folder, "people.csv")
      writeFileSync(path, people)
      for (const [flag, isTTY] of [
        ["--quiet", true],
        ["--json", false]
      ] as const) {
        const screen = yield* replaceStream("stderr", new Screen(isTTY))
        const received = yield* holdRequests
        const args = ["contacts", "import", path, "--report", join(folder, flag), "--drain", "1ms", flag]
        const fiber = yield* Effect.forkChild(run(args))
        yield* received
        yield* Effect.sleep("150 millis")
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(screen.text, "")
      }
      yield* (yield* Sandbox.State).script(() => undefined)
    }).pipe(Effect.scoped)
  )
})
