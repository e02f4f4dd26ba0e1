/** The real binary and signals. */
import { Faults, Sandbox } from "@agentalk/core"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import { assert, layer, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { holdAnswers, holdRequests } from "../../import/test/Hold.ts"
import * as Agentalk from "./Agentalk.ts"
import { run } from "./InProcess.ts"

const json = (text: string): unknown => JSON.parse(text)

const csvOf = (rows: number, prefix: string) =>
  `phone,first_name\n${Array.from({ length: rows }, (_, n) => `${prefix}${100_000 + n},Filia\n`).join("")}`

/** Starts the binary against the sandbox of the test. */
const start = (args: ReadonlyArray<string>, options: Agentalk.RunOptions = {}) =>
  Effect.flatMap(SandboxServer.Address, ({ url }) =>
    Agentalk.start(args, { ...options, env: Agentalk.environment(url) })
  )

/** The number of rows that an import sends at once by default. */
const concurrency = 8

const assertReported = (path: string, rows: number) =>
  assert.lengthOf(readFileSync(path, "utf8").trimEnd().split("\n").map(json), rows)

vi.setConfig({ testTimeout: 60_000 })

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("the binary", (it) => {
  it.effect("finishes the rows in flight after Ctrl-C, and says how to resume", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const state = yield* Sandbox.State
      const path = join(cwd, "in.csv")
      writeFileSync(path, csvOf(100, "2210"))
      const args = ["contacts", "import", path]
      const held = yield* holdAnswers(concurrency)
      const running = yield* start(args)
      // All rows that are sent at once have arrived, so the command sends no other row.
      yield* held.come
      running.child.kill("SIGINT")
      yield* Agentalk.nextMessage(running)
      yield* held.release
      const interrupted = yield* Agentalk.result(running)
      yield* state.script(() => undefined)
      assert.strictEqual(interrupted.status, 130)
      assert.include(interrupted.stderr, `agentalk contacts import ${path} --resume`)
      assert.include(interrupted.stderr, "8 rows are finished")
      assertReported(`${path}.report.ndjson`, concurrency)
      const resumed = yield* run([...args, "--resume", "--json"])
      assert.strictEqual(resumed.status, 0, resumed.stderr)
      assert.deepInclude(json(resumed.stdout), { rows: 100, earlier: concurrency, invalid: 0, failed: 0 })
    }).pipe(Effect.scoped)
  )

  it.effect("exits at once after the second Ctrl-C", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const state = yield* Sandbox.State
      writeFileSync(join(cwd, "in.csv"), csvOf(100, "2220"))
      const received = yield* holdRequests
      const running = yield* start(["contacts", "import", "in.csv", "--drain", "1m"], { cwd })
      yield* received
      running.child.kill("SIGINT")
      yield* Agentalk.nextMessage(running)
      running.child.kill("SIGINT")
      assert.strictEqual((yield* Agentalk.result(running)).status, 130)
      yield* state.script(() => undefined)
    }).pipe(Effect.scoped)
  )

  it.effect("finishes the rows in flight after SIGHUP and SIGTERM", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const state = yield* Sandbox.State
      const signals = ["SIGHUP", "SIGTERM"] as const
      const held = yield* holdAnswers(signals.length * concurrency)
      const imports = yield* Effect.forEach(signals, (signal, index) => {
        writeFileSync(join(cwd, signal), csvOf(30, `556${index}`))
        return start(["contacts", "import", signal, "--format", "csv"], { cwd })
      })
      yield* held.come
      for (const [index, { child }] of imports.entries()) child.kill(signals[index])
      yield* Effect.forEach(imports, Agentalk.nextMessage, { concurrency: "unbounded" })
      yield* held.release
      for (const [index, running] of imports.entries()) {
        const { status, stderr } = yield* Agentalk.result(running)
        assert.strictEqual(status, 130)
        assert.include(stderr, "8 rows are finished")
        assert.include(stderr, `agentalk contacts import ${signals[index]} --format csv --resume`)
        assertReported(join(cwd, `${signals[index]}.report.ndjson`), concurrency)
      }
      yield* state.script(() => undefined)
    }).pipe(Effect.scoped)
  )

  it.effect("says that the output is incomplete after Ctrl-C, and writes no incomplete file", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const state = yield* Sandbox.State
      const cases = [
        [["search", "--name", "x", "--all"], "the output is incomplete"],
        [["export", "--name", "x"], "the output is incomplete"],
        [["export", "--name", "x", "--out", "x.csv"], "the file was not written"]
      ] as const
      yield* state.reset
      yield* state.script(() => Faults.hang({ strikes: "before" }))
      const started = yield* Effect.forEach(cases, ([args]) => start(["contacts", ...args], { cwd }))
      while ((yield* state.requests).length < cases.length) yield* Effect.sleep("10 millis")
      for (const { child } of started) child.kill("SIGINT")
      for (const [index, running] of started.entries()) {
        const { status, stderr } = yield* Agentalk.result(running)
        assert.strictEqual(status, 130)
        assert.include(stderr, cases[index]?.[1] ?? "no case")
      }
      yield* state.script(() => undefined)
      assert.deepStrictEqual(readdirSync(cwd), [])
    }).pipe(Effect.scoped)
  )

  it.effect("says how to resume before the first row", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const running = yield* start(["contacts", "import", "-", "--format", "csv", "--json"], { cwd, input: null })
      // The command waits for its standard input once the report exists.
      while (!readdirSync(cwd).some((name) => name.includes("report"))) yield* Effect.sleep("10 millis")
      running.child.kill("SIGTERM")
      const { status, stderr } = yield* Agentalk.result(running)
      assert.strictEqual(status, 130)
      assert.nestedPropertyVal(json(stderr), "error.tag", "Interrupted")
    }).pipe(Effect.scoped)
  )
})
