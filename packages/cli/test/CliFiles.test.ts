import { Faults, Sandbox } from "@agentalk/core"
import { assert, layer, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import * as Agentalk from "./Agentalk.ts"
import { holdAnswers, holdRequests } from "../../import/test/Hold.ts"

/** Runs the command against the sandbox of the test. */
const agentalk = (args: ReadonlyArray<string>, options: Agentalk.RunOptions = {}) =>
  Effect.flatMap(SandboxServer.Address, ({ url }) =>
    Agentalk.run(args, { ...options, env: { ...Agentalk.environment(url), ...options.env } })
  )

const json = (text: string): unknown => JSON.parse(text)

const linesOf = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n").map(json)

/** Every row once. */
const assertAccounted = (path: string, rows: number) =>
  assert.deepStrictEqual(
    linesOf(path)
      .map((line) => (line as { readonly row: number }).row)
      .toSorted((a, b) => a - b),
    Array.from({ length: rows }, (_, index) => index + 1)
  )

const contacts = (rows: number, prefix: string) =>
  `phone,first_name\n${Array.from({ length: rows }, (_, n) => `${prefix}${100_000 + n},Filia\n`).join("")}`

vi.setConfig({ testTimeout: 60_000 })

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("agentalk with files", (it) => {
  it.effect("stops in an outage with status 1 and says how to go on; --resume and --retry-failed do", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const state = yield* Sandbox.State
      writeFileSync(join(cwd, "in.csv"), contacts(40, "5510"))
      const args = ["contacts", "import", "in.csv", "--json"]
      yield* state.script(({ index }) => (index % 4 === 1 ? Faults.status(409, { strikes: "before" }) : undefined))
      const partly = yield* agentalk(args, { cwd })
      assert.strictEqual(partly.status, 3, partly.stderr)
      assert.deepInclude(json(partly.stdout), { rows: 40, created: 30, failed: 10 })
      yield* state.script(() => Faults.status(503, { strikes: "before" }))
      const stopping = ["--retry-failed", "--retries", "0", "--give-up-after", "1ms", "--concurrency", "1"]
      const stopped = yield* agentalk([...args, ...stopping], { cwd })
      assert.strictEqual(stopped.status, 1)
      const { error } = json(stopped.stderr) as { error: Record<string, string> }
      assert.strictEqual(error["tag"], "ServerFault")
      assert.include(error["message"], "no row succeeded")
      assert.include(error["advice"], "in.csv --json")
      assert.include(error["advice"], "--resume")
      assert.notInclude(error["advice"], "--retry-failed")
      yield* state.script(() => undefined)
      const resumed = yield* agentalk([...args, "--resume"], { cwd })
      assert.deepInclude(json(resumed.stdout), { rows: 40, earlier: 30, created: 40, failed: 0 })
      assertAccounted(join(cwd, "in.csv.report.ndjson"), 40)
      assert.deepStrictEqual(readdirSync(cwd).toSorted(), [
        "in.csv",
        "in.csv.report.ndjson",
        "in.csv.report.ndjson.journal"
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("stops where the disk is full, and goes on from there when it is not", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const { url } = yield* SandboxServer.Address
      const rows = 3000
      writeFileSync(join(cwd, "in.csv"), contacts(rows, "5520"))
      // The most that a file may grow to, in blocks of 512 bytes.
      const script = 'ulimit -f 120; trap "" XFSZ; exec "$0" "$@"'
      const limited = yield* Agentalk.start(["contacts", "import", "in.csv"], {
        cwd,
        through: ["sh", "-c", script],
        env: { ...Agentalk.environment(url), NODE_DISABLE_COMPILE_CACHE: "1" }
      })
      const ended = yield* Effect.promise(() => limited.ended)
      assert.strictEqual(ended.status, 2, ended.stderr)
      assert.include(ended.stderr, "the report cannot be written")
      assert.include(ended.stderr, "agentalk contacts import in.csv --resume")
      const report = join(cwd, "in.csv.report.ndjson")
      assert.isAtMost(statSync(report).size, 61_440)
      const resumed = yield* agentalk(["contacts", "import", "in.csv", "--resume", "--json"], { cwd })
      assert.strictEqual(resumed.status, 0, resumed.stderr)
      assert.deepInclude(json(resumed.stdout), { rows, failed: 0, invalid: 0 })
      assertAccounted(report, rows)
    }).pipe(Effect.scoped)
  )

  it.effect.runIf(existsSync("/dev/full"))("says that a report on a full device cannot be written", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      writeFileSync(join(cwd, "in.csv"), contacts(20, "5530"))
      const full = yield* agentalk(["contacts", "import", "in.csv", "--report", "/dev/full"], { cwd })
      assert.strictEqual(full.status, 2)
      assert.include(full.stderr, "no space left")
      const nowhere = yield* agentalk(["contacts", "import", "in.csv", "--report", "/dev/null"], { cwd })
      assert.strictEqual(nowhere.status, 0, nowhere.stderr)
      assert.deepStrictEqual(readdirSync(cwd), ["in.csv"])
    }).pipe(Effect.scoped)
  )

  it.effect.runIf(existsSync("/dev/full"))(
    "says that standard output cannot be written, in JSON where it is asked",
    () =>
      Effect.gen(function* () {
        const through = ["sh", "-c", 'exec "$0" "$@" > /dev/full']
        const plain = yield* agentalk(["doctor", "--quiet"], { through })
        assert.deepStrictEqual(
          [plain.status, plain.stderr],
          [
            2,
            "FileFault: standard output cannot be written (ENOSPC)\nMake room there, or send it elsewhere, and run the command again.\n"
          ]
        )
        const told = yield* agentalk(["contacts", "search", "--name", "nobody", "--json"], { through })
        assert.strictEqual(told.status, 2)
        assert.nestedPropertyVal(json(told.stderr), "error.tag", "FileFault")
      })
  )

  it.effect("finds a name for every report of standard input", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const args = ["contacts", "import", "-", "--format", "csv", "--json"]
      for (const report of ["stdin.report.ndjson", "stdin.2.report.ndjson", "stdin.3.report.ndjson"]) {
        const ended = yield* agentalk(args, { cwd, input: contacts(3, "5540") })
        assert.strictEqual(ended.status, 0, ended.stderr)
        assert.deepInclude(json(ended.stdout), { rows: 3, report })
        assertAccounted(join(cwd, report), 3)
      }
      const given = yield* agentalk([...args, "--report", "stdin.report.ndjson"], { cwd, input: contacts(3, "5540") })
      assert.strictEqual(given.status, 2)
      assert.notInclude(given.stderr, "--resume")
    }).pipe(Effect.scoped)
  )

  it.effect("exports for its owner only, replaces nothing without --force, and keeps types with --typed", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const state = yield* Sandbox.State
      yield* Effect.orDie(state.seed([{ phone: "5550100001", firstName: "Typica", fields: { seats: 5, tags: "5" } }]))
      const args = ["contacts", "export", "--name", "typica", "--out", "out.csv", "--typed"]
      const first = yield* agentalk(args, { cwd })
      assert.include(first.stdout, "1 contact exported")
      assert.strictEqual(statSync(join(cwd, "out.csv")).mode & 0o777, 0o600)
      const before = readFileSync(join(cwd, "out.csv"), "utf8")
      const again = yield* agentalk(args, { cwd })
      assert.strictEqual(again.status, 2)
      assert.include(again.stderr, "--force")
      assert.strictEqual(readFileSync(join(cwd, "out.csv"), "utf8"), before)
      assert.strictEqual((yield* agentalk([...args, "--force"], { cwd })).status, 0)
      yield* Effect.orDie(state.seed([{ phone: "5550100001", fields: { seats: 6, tags: "6" } }]))
      const back = yield* agentalk(["contacts", "import", "out.csv", "--typed", "--json"], { cwd })
      assert.deepInclude(json(back.stdout), { rows: 1, updated: 1 })
      const found = yield* agentalk(["contacts", "search", "--phone", "5550100001", "--json"])
      assert.deepNestedPropertyVal(json(found.stdout), "contacts[0].fields", { seats: 5, tags: "5" })
    }).pipe(Effect.scoped)
  )

  for (const signal of ["SIGHUP", "SIGTERM"] as const) {
    it.effect(`${signal} ends an import in good order, and says how to resume`, () =>
      Effect.gen(function* () {
        const cwd = yield* Agentalk.temporary
        const { url } = yield* SandboxServer.Address
        const state = yield* Sandbox.State
        writeFileSync(join(cwd, "in.csv"), contacts(30, "5560"))
        const held = yield* holdAnswers(8)
        const running = yield* Agentalk.start(["contacts", "import", "in.csv"], { cwd, env: Agentalk.environment(url) })
        yield* held.come
        running.child.kill(signal)
        yield* Agentalk.told(running)
        yield* held.release
        const { status, stderr } = yield* Effect.promise(() => running.ended)
        yield* state.script(() => undefined)
        assert.strictEqual(status, 130)
        assert.include(stderr, "8 rows are done")
        assert.include(stderr, "agentalk contacts import in.csv --resume")
        assertAccounted(join(cwd, "in.csv.report.ndjson"), 8)
      }).pipe(Effect.scoped)
    )
  }

  it.effect("says that the output is incomplete where a search or an export is interrupted", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const { url } = yield* SandboxServer.Address
      const state = yield* Sandbox.State
      const cases = [
        [["search", "--name", "x", "--all"], "the output is incomplete"],
        [["export", "--name", "x"], "the output is incomplete"],
        [["export", "--name", "x", "--out", "x.csv"], "nothing was written"]
      ] as const
      for (const [args, text] of cases) {
        const come = yield* holdRequests
        const { child, ended } = yield* Agentalk.start(["contacts", ...args], { cwd, env: Agentalk.environment(url) })
        yield* come
        child.kill("SIGINT")
        const { status, stderr } = yield* Effect.promise(() => ended)
        assert.strictEqual(status, 130)
        assert.include(stderr, text)
      }
      yield* state.script(() => undefined)
      assert.deepStrictEqual(readdirSync(cwd), [])
    }).pipe(Effect.scoped)
  )

  it.effect("says how to go on even before the first row", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const { url } = yield* SandboxServer.Address
      const { child, ended } = yield* Agentalk.start(["contacts", "import", "-", "--format", "csv", "--json"], {
        cwd,
        input: null,
        env: Agentalk.environment(url)
      })
      // It waits for its input, so it is still at its beginning.
      while (!readdirSync(cwd).some((name) => name.includes("report"))) yield* Effect.sleep("10 millis")
      child.kill("SIGTERM")
      const { status, stderr } = yield* Effect.promise(() => ended)
      assert.strictEqual(status, 130)
      assert.nestedPropertyVal(json(stderr), "error.tag", "Interrupted")
    }).pipe(Effect.scoped)
  )
})
