/** The command as a terminal, a pipe and an interruption meet it. */
import * as Faults from "@agentalk/core/Faults"
import * as Sandbox from "@agentalk/core/Sandbox"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Terminal from "effect/Terminal"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Readable } from "node:stream"
import type * as Import from "@agentalk/import/Import"
import { draw, line, paceOf } from "../src/internal/progressBar.ts"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import * as Agentalk from "./Agentalk.ts"
import { holdRequests } from "../../import/test/Hold.ts"
import { interrupted, run, Screen, stand } from "./InProcess.ts"

const erase = "\r\u001b[2K"

const snapshot = (phase: Import.Snapshot["phase"]): Import.Snapshot => ({
  phase,
  counts: { created: 5, updated: 0, invalid: 0, failed: 0 },
  earlier: 0,
  rowsRead: 5,
  bytesRead: 50,
  bytesTotal: 100
})

describe("progress", () => {
  it.effect("is a bar on a terminal, drawn anew and erased at last", () =>
    Effect.gen(function* () {
      const screen = yield* stand("stderr", new Screen(true, 0))
      let phase: Import.Snapshot["phase"] = "checking"
      const fiber = yield* Effect.forkChild(draw(() => snapshot(phase)))
      yield* TestClock.adjust("100 millis")
      phase = "sending"
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(fiber)
      const [before, checking = "", sending = "", after] = screen.text.split(erase)
      assert.deepStrictEqual([before, after], ["", ""])
      assert.match(checking, /50% {2}reading the file once/)
      assert.match(sending, /50% {2}5 rows · /)
    }).pipe(Effect.scoped)
  )

  it.effect("is a line now and then where there is no terminal", () =>
    Effect.gen(function* () {
      const screen = yield* stand("stderr", new Screen(false))
      const fiber = yield* Effect.forkChild(draw(() => snapshot("sending")))
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(screen.text, "")
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.match(screen.text, /^5 rows, 50%, [\d,]+\/s\n$/)
    }).pipe(Effect.scoped)
  )

  it("tells no share of what has no known length, and none is done of an empty file", () => {
    const unknown = { ...snapshot("sending"), bytesTotal: undefined }
    assert.strictEqual(line(unknown, paceOf(unknown, 1)), "5 rows, 5/s")
    const empty = { ...snapshot("checking"), bytesTotal: 0 }
    assert.strictEqual(paceOf(empty, 1).fraction, 0)
  })
})

/** A terminal on which somebody presses a key, or that is closed. */
const pressing = Effect.fnUntraced(function* (key: "y" | "n" | undefined) {
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

const exportTo = (out: string, ...more: ReadonlyArray<string>) =>
  run(["contacts", "export", "--name", "Exported", "--out", out, ...more])

const people = `phone,first_name\n+12025550111,One\n+12025550112,Two\nbad,Three\n`

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("the command", (it) => {
  it.effect("deletes after a yes, and nothing after a no", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      yield* Effect.orDie(state.seed([{ phone: "447700900001", firstName: "Lasting" }]))
      const [contact] = yield* state.contacts()
      const answer = (key: "y" | "n") =>
        Effect.flatMap(pressing(key), (terminal) => run(["contacts", "delete", contact!.id], {}, terminal))
      assert.deepStrictEqual(yield* answer("n"), { status: 1, out: "", err: "Nothing was deleted." })
      assert.lengthOf(yield* state.contacts(), 1)
      assert.deepStrictEqual(yield* answer("y"), { status: 0, out: "✓ deleted", err: "" })
      assert.lengthOf(yield* state.contacts(), 0)
      const json = yield* run(["contacts", "delete", contact!.id, "--json"], {}, yield* pressing("y"))
      assert.deepStrictEqual([json.status, json.out], [2, ""])
      assert.include(json.err, "no terminal to ask on")
    }).pipe(Effect.scoped)
  )

  it.effect("says what an interruption leaves undone", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      yield* stand("stderr", new Screen(false))
      yield* stand("stdout", new Screen(false))
      const path = join(folder, "people.csv")
      writeFileSync(path, people)
      const search = ["contacts", "search", "--name", "x", "--all"]
      const exports = ["contacts", "export", "--name", "x"]
      const imports = ["contacts", "import", path, "--drain", "1ms", "--concurrency", "1"]
      for (const [args, said] of [
        [search, /^Interrupted: the output is incomplete\.\nRun the command again for all of it\.$/],
        [[...search, "--json"], /^\{"error":\{"tag":"Interrupted","message":"the output is incomplete\."/],
        [exports, /^Interrupted: the output is incomplete\./],
        [[...exports, "--out", join(folder, "out.csv")], /^Interrupted: nothing was written to the file\./],
        [imports, /^Interrupted: 0 rows are done\.\nGo on with:\n {2}agentalk .*--resume$/],
        [[...imports, "--report", "-"], /^Interrupted: 0 rows are done\.\nIt cannot be resumed\.$/]
      ] as const) {
        const come = yield* holdRequests
        const fiber = yield* Effect.forkChild(run(args))
        yield* come
        yield* Fiber.interrupt(fiber)
        assert.match(interrupted.at(-1) ?? "", said)
      }
      assert.isFalse(existsSync(join(folder, "out.csv")))
      yield* (yield* Sandbox.State).script(() => undefined)
    }).pipe(Effect.scoped)
  )

  it.effect("stays interrupted where a prompt is left, and shows the stack of a defect", () =>
    Effect.gen(function* () {
      const terminal = yield* pressing(undefined)
      const left = Terminal.make({
        ...terminal,
        readInput: Effect.interrupt
      })
      const exit = yield* Effect.exit(run(["contacts", "delete", "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"], {}, left))
      assert.isTrue(Exit.hasInterrupts(exit))
      const broken = Terminal.make({ ...terminal, readInput: Effect.die(new Error("no keyboard")) })
      const ended = yield* run(["contacts", "delete", "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"], {}, broken)
      assert.deepStrictEqual([ended.status, ended.out], [1, ""])
      assert.match(ended.err, /^Defect: the command is broken; please report this\.\nError: no keyboard\n/)
    }).pipe(Effect.scoped)
  )

  it.effect("draws how far an import is, and tells that a signal ends it", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      const path = join(folder, "people.csv")
      writeFileSync(path, people)
      const screen = yield* stand("stderr", new Screen(true))
      const come = yield* holdRequests
      const fiber = yield* Effect.forkChild(run(["contacts", "import", path, "--drain", "1ms", "--json"]))
      yield* come
      while (!screen.text.includes("%")) yield* Effect.yieldNow
      process.emit("SIGTERM", "SIGTERM")
      assert.include(screen.text, "\nEnding the rows in flight; Ctrl-C again stops at once.\n")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(screen.text.endsWith(erase))
      assert.match(interrupted.at(-1) ?? "", /"tag":"Interrupted"/)
      yield* (yield* Sandbox.State).script(() => undefined)
    }).pipe(Effect.scoped)
  )

  it.effect("imports from standard input, and reports on standard output", () =>
    Effect.gen(function* () {
      const screen = yield* stand("stdout", new Screen(false))
      const imports = ["contacts", "import", "-", "--format", "csv"]
      yield* stand("stdin", Readable.from([Buffer.from(people)]))
      const { err, out, status } = yield* run([...imports, "--report", "-"])
      assert.deepStrictEqual([status, out], [3, ""])
      assert.match(err, /3 rows in[^]*created +2\n[^]*invalid +1/)
      assert.deepStrictEqual(
        screen.text
          .trimEnd()
          .split("\n")
          .map((line) => (JSON.parse(line) as Import.ReportLine).row)
          .toSorted((a, b) => a - b),
        [1, 2, 3]
      )
      const folder = yield* Agentalk.temporary
      const before = process.cwd()
      yield* Effect.addFinalizer(() => Effect.sync(() => process.chdir(before)))
      process.chdir(folder)
      for (const name of ["stdin.report.ndjson", "stdin.2.report.ndjson"]) {
        yield* stand("stdin", Readable.from([Buffer.from(people)]))
        assert.match((yield* run(imports)).out, new RegExp(`report +${name}\n`))
        assert.lengthOf(readFileSync(name, "utf8").match(/\n/g)!, 3)
      }
      const taken = yield* run([...imports, "--report", "stdin.report.ndjson"])
      assert.deepStrictEqual([taken.status, taken.out], [2, ""])
      assert.include(taken.err, "a report of an earlier import exists")
      for (const flag of ["--resume", "--retry-failed"]) {
        const refused = yield* run([...imports, flag])
        assert.strictEqual(refused.status, 2)
        assert.include(refused.err, "cannot be resumed")
      }
    }).pipe(Effect.scoped)
  )

  it.effect("exports to standard output, whatever it is", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      yield* Effect.orDie(state.seed([{ phone: "447700900002", firstName: "Exported" }]))
      const exports = ["contacts", "export", "--name", "Exported"]
      const csv = yield* stand("stdout", new Screen(false))
      assert.deepStrictEqual(yield* run(exports), { status: 0, out: "", err: "1 contact exported" })
      assert.match(csv.text, /^phone,[^\n]*\n447700900002,Exported/)
      const json = yield* stand("stdout", new Screen(false))
      assert.deepStrictEqual(yield* run([...exports, "--json"]), { status: 0, out: "", err: "" })
      assert.strictEqual((JSON.parse(json.text) as { readonly firstName: string }).firstName, "Exported")
    }).pipe(Effect.scoped)
  )

  it.effect("does not replace a file unasked, and writes no file of a search that fails", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      const folder = yield* Agentalk.temporary
      const path = join(folder, "out.csv")
      writeFileSync(path, "mine")
      const there = yield* exportTo(path)
      assert.strictEqual(there.status, 2)
      assert.match(there.err, /^UsageError: .*\nReplace it with --force/)
      assert.strictEqual(readFileSync(path, "utf8"), "mine")
      assert.strictEqual((yield* exportTo(path, "--force")).status, 0)
      assert.match(readFileSync(path, "utf8"), /^phone,/)
      assert.match((yield* exportTo(join(folder, "none", "out.csv"))).err, /^FileFault: .*no such file or folder/)
      assert.match((yield* exportTo(join(folder, "out.txt"))).err, /does not tell the format/)
      yield* state.script(Faults.script({ times: 9, fault: Faults.status(403, { strikes: "before" }) }))
      const failed = yield* exportTo(join(folder, "failed.ndjson"))
      assert.strictEqual(failed.status, 1)
      assert.match(failed.err, /^Forbidden: /)
      assert.isFalse(existsSync(join(folder, "failed.ndjson")))
      yield* state.script(() => undefined)
    }).pipe(Effect.scoped)
  )
})
