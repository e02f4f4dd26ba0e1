/** Imports and exports of files, within the process of the test. */
import * as Faults from "@agentalk/core/Faults"
import * as Sandbox from "@agentalk/core/Sandbox"
import type * as Import from "@agentalk/import/Import"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import { assert, layer, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathKind } from "../../import/src/internal/pathKind.ts"
import * as Agentalk from "./Agentalk.ts"
import { replaceStream, run, Screen, workIn } from "./InProcess.ts"

vi.setConfig({ testTimeout: 60_000 })

const json = (text: string): unknown => JSON.parse(text)

/** Asserts that a report has one line for every row. */
const assertReported = (path: string, rows: number) =>
  assert.deepStrictEqual(
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => (json(line) as Import.ReportLine).row)
      .toSorted((a, b) => a - b),
    Array.from({ length: rows }, (_, index) => index + 1)
  )

const people = `phone,first_name\n+12025550191,One\n+12025550192,Two\nbad,Three\n`

const csvOf = (rows: number, prefix: string) =>
  `phone,first_name\n${Array.from({ length: rows }, (_, n) => `${prefix}${100_000 + n},Filia\n`).join("")}`

const temporaryFolder = Effect.tap(Agentalk.temporary, workIn)

const exportTo = (out: string, ...more: ReadonlyArray<string>) =>
  run(["contacts", "export", "--name", "Exported", "--out", out, ...more])

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("contacts import and export", (it) => {
  it.effect("imports with a rate limit, a map and a report, and exports", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      const path = join(folder, "people's list.csv")
      writeFileSync(path, "tel,who\n+12025550111,Imported\nbad,Imported\n")
      const imports = ["contacts", "import", path, "--map", "tel=phone", "--map", "who=firstName"]
      const checked = yield* run([...imports, "--dry-run"])
      assert.strictEqual(checked.status, 3)
      assert.match(checked.stdout, /line 3/)
      const imported = yield* run([...imports, "--rate", "100/s", "--quiet"])
      assert.strictEqual(imported.status, 3)
      assert.match(imported.stdout, /2 rows in[^]*created +1\n[^]*invalid +1/)
      const report = readFileSync(`${path}.report.ndjson`, "utf8")
      for (const outcome of ["created", "invalid"]) assert.lengthOf(report.match(new RegExp(`"${outcome}"`, "g"))!, 1)
      const again = yield* run([...imports, "--report", join(folder, "second")])
      assert.match(again.stdout, /2 rows in[^]*updated +1\n[^]*invalid +1[^]*The report contains the reasons/)
      const out = join(folder, "out.csv")
      const exported = yield* run(["contacts", "export", "--name", "Imported", "--out", out])
      assert.match(exported.stdout, /^1 contact exported$/)
      assert.match(readFileSync(out, "utf8"), /Imported/)
    }).pipe(Effect.scoped)
  )

  it.effect("checks, imports, resumes, exports and imports again, with files and with the standard streams", () =>
    Effect.gen(function* () {
      yield* temporaryFolder
      const rows = Array.from({ length: 250 }, (_, n) => `3310000${1000 + n};Importa;a|b\n`).join("")
      writeFileSync("in.csv", `Mobile;first_name;tags\n${rows}12;bad;\n`)
      const imports = ["contacts", "import", "in.csv", "--map", "Mobile=phone"]
      const checked = yield* run([...imports, "--dry-run", "--json"])
      const { invalidRows } = json(checked.stdout) as { invalidRows: ReadonlyArray<{ reason: string }> }
      const reason = invalidRows[0]?.reason
      assert.deepStrictEqual(json(checked.stdout), {
        rows: 251,
        valid: 250,
        invalid: 1,
        invalidRows: [{ row: 251, line: 252, reason }]
      })
      assert.include(reason, "phone")
      assert.strictEqual(checked.status, 3)
      assert.isFalse(existsSync("in.csv.report.ndjson"))
      const first = yield* run([...imports, "--json"])
      assert.strictEqual(first.status, 3, first.stderr)
      const report = "in.csv.report.ndjson"
      const summary = { rows: 251, earlier: 0, created: 250, updated: 0, invalid: 1, failed: 0, report }
      assert.deepStrictEqual(json(first.stdout), summary)
      const again = yield* run(imports)
      assert.strictEqual(again.status, 2)
      assert.include(again.stderr, "--resume")
      const resumed = yield* run([...imports, "--resume", "--json"])
      assert.deepStrictEqual(json(resumed.stdout), { ...summary, earlier: 251 })

      const exports = ["contacts", "export", "--name", "importa"]
      const exported = yield* run([...exports, "--out", "out.csv.gz", "--json"])
      assert.deepStrictEqual(json(exported.stdout), { contacts: 250, out: "out.csv.gz" })
      const whole = yield* run(["contacts", "import", "out.csv.gz", "--report", "r"])
      assert.strictEqual(whole.status, 0, whole.stderr)
      assert.match(whole.stdout, /updated\s+250/)

      const piped = yield* run([...exports, "--format", "ndjson"])
      assert.lengthOf(piped.stdout.trimEnd().split("\n").map(json), 250)
      const back = yield* run(["contacts", "import", "-", "--format", "ndjson", "--report", "-", "--json"], {
        input: piped.stdout
      })
      assert.strictEqual(back.status, 0, back.stderr)
      const lines = back.stdout.trimEnd().split("\n").map(json)
      assert.lengthOf(lines, 251)
      assert.deepInclude(lines.at(-1), { rows: 250, updated: 250 })
    }).pipe(Effect.scoped)
  )

  it.effect("prints how many rows are invalid after a dry run, and the first of them", () =>
    Effect.gen(function* () {
      const path = join(yield* Agentalk.temporary, "people.csv")
      const dryRun = (bad: number) => {
        writeFileSync(path, `phone\n+12025550131\n${"12\n".repeat(bad)}`)
        return run(["contacts", "import", path, "--dry-run"])
      }
      assert.match(
        (yield* dryRun(1)).stdout,
        /^2 rows: 1 would be sent, 1 is invalid\.\n {2}line 3: [^\n]+\nNothing was sent\.$/
      )
      const many = yield* dryRun(7)
      assert.match(
        many.stdout,
        /^8 rows: 1 would be sent, 7 are invalid\.\n( {2}line \d+: [^\n]+\n){5} {2}and 2 more\n/
      )
      assert.strictEqual(many.status, 3)
    }).pipe(Effect.scoped)
  )

  it.effect("sends failed rows again with --retry-failed", () =>
    Effect.gen(function* () {
      yield* temporaryFolder
      const state = yield* Sandbox.State
      writeFileSync("people.csv", "phone\n+12025550121\n+12025550122\n")
      yield* state.script(Faults.script({ times: 1, fault: Faults.status(403, { strikes: "before" }) }))
      const first = yield* run(["contacts", "import", "people.csv"])
      assert.strictEqual(first.status, 3)
      assert.match(first.stdout, /failed +1\n[^]*--retry-failed/)
      const again = yield* run(["contacts", "import", "people.csv", "--retry-failed"])
      assert.strictEqual(again.status, 0)
      assert.match(again.stdout, /^✓ 2 rows in .*, 1 of them in an earlier run\n/)
    }).pipe(Effect.scoped)
  )

  it.effect("prints the command that resumes an import that stopped", () =>
    Effect.gen(function* () {
      yield* temporaryFolder
      const state = yield* Sandbox.State
      const file = "Jane's file.csv"
      const args = ["contacts", "import", file]
      writeFileSync(file, "phone\n+12025550121\n")
      const stopWith = (...flags: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          yield* state.script(() => Faults.status(401, { strikes: "before" }))
          const stopped = yield* run([...args, ...flags])
          assert.strictEqual(stopped.status, 1, stopped.stderr)
          assert.match(stopped.stderr, /^Unauthorized: the import stopped at line 2\./)
          const advice = String.raw`Resume with: agentalk contacts import 'Jane'\''s file.csv' --resume`
          assert.isTrue(stopped.stderr.endsWith(advice), stopped.stderr)
        })
      yield* stopWith()
      yield* state.script(() => Faults.status(403, { strikes: "before" }))
      assert.strictEqual((yield* run([...args, "--resume"])).status, 3)
      yield* stopWith("--resume", "--retry-failed")
      yield* state.script(() => undefined)
    }).pipe(Effect.scoped)
  )

  it.effect("stops with status 1 if an outage lasts longer than --give-up-after, and resumes", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const state = yield* Sandbox.State
      writeFileSync("in.csv", csvOf(40, "5510"))
      const args = ["contacts", "import", "in.csv", "--json"]
      yield* state.script(({ index }) => (index % 4 === 1 ? Faults.status(409, { strikes: "before" }) : undefined))
      const partly = yield* run(args)
      assert.strictEqual(partly.status, 3, partly.stderr)
      assert.deepInclude(json(partly.stdout), { rows: 40, created: 30, failed: 10 })
      yield* state.script(() => Faults.status(503, { strikes: "before" }))
      const stopping = ["--retry-failed", "--retries", "0", "--give-up-after", "1ms", "--concurrency", "1"]
      const stopped = yield* run([...args, ...stopping])
      assert.strictEqual(stopped.status, 1)
      const { error } = json(stopped.stderr) as { error: Record<string, string> }
      assert.strictEqual(error["tag"], "ServerFault")
      assert.include(error["message"], "no row succeeded")
      assert.include(error["advice"], "in.csv --json")
      assert.include(error["advice"], "--resume")
      assert.notInclude(error["advice"], "--retry-failed")
      yield* state.script(() => undefined)
      const resumed = yield* run([...args, "--resume"])
      assert.deepInclude(json(resumed.stdout), { rows: 40, earlier: 30, created: 40, failed: 0 })
      assertReported("in.csv.report.ndjson", 40)
      assert.deepStrictEqual(readdirSync(folder).toSorted(), [
        "in.csv",
        "in.csv.report.ndjson",
        "in.csv.report.ndjson.journal"
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("imports from standard input, and writes the report to standard output", () =>
    Effect.gen(function* () {
      const imports = ["contacts", "import", "-", "--format", "csv"]
      const piped = yield* run([...imports, "--report", "-"], { input: people })
      assert.strictEqual(piped.status, 3)
      assert.match(piped.stderr, /3 rows in[^]*created +2\n[^]*invalid +1/)
      assert.deepStrictEqual(
        piped.stdout
          .trimEnd()
          .split("\n")
          .map((line) => (json(line) as Import.ReportLine).row)
          .toSorted((a, b) => a - b),
        [1, 2, 3]
      )
      for (const flag of ["--resume", "--retry-failed"]) {
        const refused = yield* run([...imports, flag], { input: people })
        assert.strictEqual(refused.status, 2)
        assert.include(refused.stderr, "cannot be resumed")
      }
    })
  )

  it.effect("uses an unused file name for each report of standard input", () =>
    Effect.gen(function* () {
      yield* temporaryFolder
      const imports = ["contacts", "import", "-", "--format", "csv"]
      for (const report of ["stdin.report.ndjson", "stdin.2.report.ndjson"]) {
        const ended = yield* run([...imports, "--json"], { input: csvOf(3, "5540") })
        assert.strictEqual(ended.status, 0, ended.stderr)
        assert.deepInclude(json(ended.stdout), { rows: 3, report })
        assertReported(report, 3)
      }
      const third = yield* run(imports, { input: csvOf(3, "5540") })
      assert.match(third.stdout, /report +stdin\.3\.report\.ndjson$/)
      const taken = yield* run([...imports, "--report", "stdin.report.ndjson"], { input: csvOf(3, "5540") })
      assert.deepStrictEqual([taken.status, taken.stdout], [2, ""])
      assert.include(taken.stderr, "a report of an earlier import exists")
      assert.notInclude(taken.stderr, "--resume")
    }).pipe(Effect.scoped)
  )

  it.effect("refuses named pipes, because opening one may never return", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      const pipe = join(folder, "pipe.csv")
      const file = join(folder, "in.csv")
      spawnSync("mkfifo", [pipe])
      writeFileSync(file, "phone\n+12025550111\n")
      for (const args of [
        ["import", pipe],
        ["import", pipe, "--dry-run"],
        ["import", file, "--report", pipe],
        ["export", "--name", "x", "--out", pipe]
      ]) {
        const { status, stderr } = yield* run(["contacts", ...args])
        assert.strictEqual(status, 2, args.join(" "))
        assert.include(stderr, "named pipe", args.join(" "))
      }
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["in.csv", "pipe.csv"])
      assert.deepStrictEqual(
        [pathKind("/dev/null"), pathKind(file), pathKind(join(file, "x"))],
        ["device", "file", "new"]
      )
      const exported = yield* run(["contacts", "export", "--name", "nobody", "--out", "/dev/null", "--format", "csv"])
      assert.strictEqual(exported.status, 0)
    }).pipe(Effect.scoped)
  )

  it.effect.runIf(existsSync("/dev/full"))("fails if the report cannot be written to a full device", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      writeFileSync("in.csv", csvOf(20, "5530"))
      const full = yield* run(["contacts", "import", "in.csv", "--report", "/dev/full"])
      assert.strictEqual(full.status, 2)
      assert.include(full.stderr, "no space left")
      const discarded = yield* run(["contacts", "import", "in.csv", "--report", "/dev/null"])
      assert.strictEqual(discarded.status, 0, discarded.stderr)
      assert.deepStrictEqual(readdirSync(folder), ["in.csv"])
    }).pipe(Effect.scoped)
  )

  it.effect("exports to standard output, as CSV or with --json as NDJSON", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      yield* Effect.orDie(state.seed([{ phone: "447700900002", firstName: "Exported" }]))
      const exports = ["contacts", "export", "--name", "Exported"]
      const csv = yield* replaceStream("stdout", new Screen(false))
      assert.deepStrictEqual(yield* run(exports), { status: 0, stdout: "", stderr: "1 contact exported" })
      assert.match(csv.text, /^phone,[^\n]*\n447700900002,Exported/)
      const ndjson = yield* replaceStream("stdout", new Screen(false))
      assert.deepStrictEqual(yield* run([...exports, "--json"]), { status: 0, stdout: "", stderr: "" })
      assert.strictEqual((json(ndjson.text) as { readonly firstName: string }).firstName, "Exported")
    }).pipe(Effect.scoped)
  )

  it.effect("exports a file that only its owner can read, and keeps types with --typed", () =>
    Effect.gen(function* () {
      yield* temporaryFolder
      const state = yield* Sandbox.State
      yield* Effect.orDie(state.seed([{ phone: "5550100001", firstName: "Typica", fields: { seats: 5, tags: "5" } }]))
      const exports = ["contacts", "export", "--name", "typica", "--out", "out.csv", "--typed"]
      assert.include((yield* run(exports)).stdout, "1 contact exported")
      assert.strictEqual(statSync("out.csv").mode & 0o777, 0o600)
      const before = readFileSync("out.csv", "utf8")
      const again = yield* run(exports)
      assert.strictEqual(again.status, 2)
      assert.include(again.stderr, "--force")
      assert.strictEqual(readFileSync("out.csv", "utf8"), before)
      assert.strictEqual((yield* run([...exports, "--force"])).status, 0)
      yield* Effect.orDie(state.seed([{ phone: "5550100001", fields: { seats: 6, tags: "6" } }]))
      const back = yield* run(["contacts", "import", "out.csv", "--typed", "--json"])
      assert.deepInclude(json(back.stdout), { rows: 1, updated: 1 })
      const found = yield* run(["contacts", "search", "--phone", "5550100001", "--json"])
      assert.deepNestedPropertyVal(json(found.stdout), "contacts[0].fields", { seats: 5, tags: "5" })
    }).pipe(Effect.scoped)
  )

  it.effect("replaces a file only with --force, and writes no file if the search fails", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      const folder = yield* Agentalk.temporary
      const path = join(folder, "out.csv")
      writeFileSync(path, "mine")
      const existing = yield* exportTo(path)
      assert.strictEqual(existing.status, 2)
      assert.match(existing.stderr, /^UsageError: .*\nReplace the file with --force/)
      assert.strictEqual(readFileSync(path, "utf8"), "mine")
      assert.strictEqual((yield* exportTo(path, "--force")).status, 0)
      assert.match(readFileSync(path, "utf8"), /^phone,/)
      const nowhere = yield* exportTo(join(folder, "none", "out.csv"))
      assert.match(nowhere.stderr, /^FileFault: .*no such file or folder/)
      assert.match((yield* exportTo(join(folder, "out.txt"))).stderr, /does not show the format/)
      yield* state.script(Faults.script({ times: 9, fault: Faults.status(403, { strikes: "before" }) }))
      const failed = yield* exportTo(join(folder, "failed.ndjson"))
      assert.strictEqual(failed.status, 1)
      assert.match(failed.stderr, /^Forbidden: /)
      assert.isFalse(existsSync(join(folder, "failed.ndjson")))
      yield* state.script(() => undefined)
    }).pipe(Effect.scoped)
  )
})
