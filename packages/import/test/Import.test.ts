import {
  AgentalkClient,
  type ContactsStream,
  Faults,
  Forbidden,
  Retry,
  Sandbox,
  ServerFault,
  Timeout
} from "@agentalk/core"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import * as Import from "../src/Import.ts"
import { makeFailureDetector } from "../src/internal/failureDetector.ts"
import * as ReportWriter from "../src/internal/reportWriter.ts"
import { RowSet } from "../src/internal/rowSet.ts"
import { holdAnswers } from "./Hold.ts"

const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "agentalk-test-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

const linesOfText = (text: string): ReadonlyArray<Import.ReportLine> =>
  text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Import.ReportLine)

const linesOf = (report: string): ReadonlyArray<Import.ReportLine> => linesOfText(readFileSync(report, "utf8"))

/** Asserts that the report contains every row from 1 to `rows` once, and that the counts add up. */
const assertAccounted = (summary: Import.Summary, report: string) => {
  const lines = linesOf(report)
  assert.match(readFileSync(report, "utf8"), /^(?:[^]*\}\n)?$/)
  assert.deepStrictEqual(
    lines.map(({ row }) => row).toSorted((a, b) => a - b),
    Array.from({ length: summary.rows }, (_, index) => index + 1)
  )
  const { created, failed, invalid, rows, updated } = summary
  assert.strictEqual(created + updated + invalid + failed, rows)
  for (const outcome of ["created", "updated", "invalid", "failed"] as const) {
    assert.strictEqual(lines.filter((line) => line.outcome === outcome).length, summary[outcome], outcome)
  }
}

/** Makes a generator of random numbers that are the same on every run. */
const makeRandom = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
}

const rowMakers = [
  (n: number) => `447700${n},Jane,vip|x`,
  (n: number) => `447700${n % 7},same phone,`,
  () => "12,too short,",
  () => ",no phone,",
  (n: number) => `447700${n},too,many,cells`,
  () => '447700,5" disk,',
  (n: number) => `447700${n},"two\nlines",x`,
  () => '447700,"never closed,',
  (n: number) => `447700${n},${"long ".repeat(200)},`,
  () => "",
  () => "\u0001{}[]",
  (n: number) => `447700${n},\ud83d\ude00,é`
]

const generate = (random: (below: number) => number): Buffer => {
  const rows = Array.from(
    { length: random(60) },
    () => rowMakers[random(rowMakers.length)]?.(10_000 + random(89_999)) ?? ""
  )
  const body = Buffer.from(`phone,first_name,tags\n${rows.join(random(2) === 0 ? "\n" : "\r\n")}`)
  if (random(3) === 0 && body.length > 40) body[30 + random(body.length - 30)] = 0xff
  return body
}

const twentyRows = `phone,first_name\n${Array.from({ length: 20 }, (_, n) => `44770000${n + 100},Secretia\n`).join("")}`

const withRetriesOff = Retry.withPolicy(Retry.none)

const failedRow = (error: unknown) => ({ _tag: "Failed", row: 1, key: "", error }) as ContactsStream.Failed

vi.setConfig({ testTimeout: 60_000 })

describe("Import", () => {
  it.live("reports every row of generated files once, and rows = created + updated + invalid + failed", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const state = yield* Sandbox.State
      for (let seed = 1; seed <= 60; seed++) {
        const random = makeRandom(seed)
        yield* state.script(({ index }) =>
          (index * 7919) % 11 === 0 ? Faults.status(index % 2 === 0 ? 500 : 403, { strikes: "before" }) : undefined
        )
        const path = join(folder, `${seed}.csv${seed % 4 === 0 ? ".gz" : ""}`)
        const content = generate(random)
        writeFileSync(path, seed % 4 === 0 ? gzipSync(content) : content)
        const options = { maxRowBytes: 500, concurrency: 1 + random(8) }
        const summary = yield* withRetriesOff(Import.run(path, options))
        assertAccounted(summary, Import.defaultReportPath(path))
        const check = yield* Import.check(path, options)
        assert.strictEqual(check.rows, summary.rows)
        assert.strictEqual(check.invalid, summary.invalid)
      }
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("leaves no report if the file cannot be read, so that the import can be started again", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, "mobile,name\n+12025550105,Zoe\n")
      const error = yield* Effect.flip(Import.run(path))
      assert.include(error.message, "phone")
      assert.isFalse(existsSync(Import.defaultReportPath(path)))
      assert.isFalse(existsSync(`${Import.defaultReportPath(path)}.journal`))
      const { created } = yield* Import.run(path, { map: { mobile: "phone" } })
      assert.strictEqual(created, 1)
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("resumes after a kill at any byte of the report and of the journal", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, `${twentyRows}12,too short\n`)
      const report = Import.defaultReportPath(path)
      const journal = `${report}.journal`
      yield* Import.run(path)
      const wholeReport = readFileSync(report)
      const wholeJournal = readFileSync(journal)
      const random = makeRandom(42)
      for (let run = 0; run < 60; run++) {
        writeFileSync(report, wholeReport.subarray(0, random(wholeReport.length + 1)))
        const before = linesOf(report)
        const summary = yield* Import.run(path, { resume: true })
        assert.strictEqual(summary.rows, 21)
        assert.strictEqual(summary.earlier, before.length)
        assertAccounted(summary, report)
        // The lines that were written before the kill are unchanged.
        assert.deepStrictEqual(linesOf(report).slice(0, before.length), before)
        assert.deepStrictEqual(readFileSync(journal), wholeJournal)
      }
      // The journal is on the disk before the report exists, so a kill cuts the journal only if the report is missing.
      const cuts = Array.from({ length: 20 }, () => random(wholeJournal.length))
      for (const bytes of [0, ...cuts, wholeJournal.length - 1, wholeJournal.length]) {
        rmSync(report)
        writeFileSync(journal, wholeJournal.subarray(0, bytes))
        const summary = yield* Import.run(path, { resume: true })
        assert.strictEqual(summary.earlier, 0)
        assertAccounted(summary, report)
        assert.deepStrictEqual(readFileSync(journal), wholeJournal)
      }
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("resumes after a power failure that left zeros or damaged lines at the end of the report", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, twentyRows)
      const report = Import.defaultReportPath(path)
      yield* Import.run(path)
      const whole = readFileSync(report)
      const kept = whole.indexOf("\n", 300) + 1
      const next = whole.indexOf("\n", kept) + 1
      const earlier = linesOfText(whole.subarray(0, kept).toString()).length
      const ends = [
        Buffer.alloc(whole.length - kept),
        Buffer.alloc(10_000),
        // Complete lines after a damaged one.
        Buffer.concat([Buffer.alloc(next - kept - 1), whole.subarray(next - 1)]),
        Buffer.concat([Buffer.from("{}\n"), whole.subarray(kept)]),
        Buffer.concat([Buffer.from('{"row":0,"outcome":"created"}\n'), whole.subarray(kept)]),
        Buffer.concat([Buffer.from('{"row":7,"outcome":"sent"}\n'), whole.subarray(kept)]),
        // A row that the report already contains.
        whole.subarray(0, whole.indexOf("\n") + 1)
      ]
      for (const end of ends) {
        writeFileSync(report, Buffer.concat([whole.subarray(0, kept), end]))
        const summary = yield* Import.run(path, { resume: true })
        assert.strictEqual(summary.earlier, earlier)
        assertAccounted(summary, report)
      }
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it("joins adjacent row numbers to ranges", () => {
    const random = makeRandom(3)
    const set = new RowSet()
    const remaining = Array.from({ length: 503 }, (_, index) => index + 1)
    while (remaining.length > 0) {
      const [row = 0] = remaining.splice(random(remaining.length), 1)
      assert.isFalse(set.has(row))
      assert.isTrue(set.add(row))
      assert.isTrue(set.has(row))
      assert.isFalse(set.add(row))
    }
    assert.strictEqual(set.size, 503)
    assert.strictEqual(set.rangeCount, 1)
    assert.isFalse(set.has(504))
    assert.deepStrictEqual(
      [1, 503, 100, 100, 504].map((row) => set.delete(row)),
      [true, true, true, false, false]
    )
    assert.strictEqual(set.size, 500)
    assert.strictEqual(set.rangeCount, 2)
    const all = Array.from({ length: 504 }, (_, index) => index + 1)
    assert.deepStrictEqual(
      all.filter((row) => !set.has(row)),
      [1, 100, 503, 504]
    )
  })

  it.live("starts over after a kill before the first line of the report", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, twentyRows)
      const report = Import.defaultReportPath(path)
      for (const journal of ["", '{"journal":2,"si']) {
        writeFileSync(`${report}.journal`, journal)
        assertAccounted(yield* Import.run(path, { resume: true }), report)
        rmSync(report)
        rmSync(`${report}.journal`)
      }
      assertAccounted(yield* Import.run(path, { resume: true }), report)
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("refuses an existing report, another file, other options, and a missing or old journal", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, twentyRows)
      const report = Import.defaultReportPath(path)
      yield* Import.run(path)
      const before = readFileSync(report, "utf8")
      const refuses = (options: Import.Options, message: string) =>
        Effect.gen(function* () {
          const fault = yield* Effect.flip(Import.run(path, options))
          assert.strictEqual(fault._tag, "FileFault")
          assert.include(fault.message, message)
          assert.notInclude(fault.message, folder)
          assert.strictEqual(readFileSync(report, "utf8"), before)
        })
      yield* refuses({}, "an earlier import exists")
      yield* refuses({ resume: true, map: { first_name: "nick" } }, "--map")
      renameSync(`${report}.journal`, `${report}.kept`)
      yield* refuses({ resume: true }, "its journal is missing or damaged")
      writeFileSync(`${report}.journal`, readFileSync(`${report}.kept`, "utf8").replace('"journal":2', '"journal":1'))
      yield* refuses({ resume: true }, "its journal is missing or damaged")
      renameSync(`${report}.kept`, `${report}.journal`)
      // The same length, but another byte in the middle.
      writeFileSync(path, twentyRows.replace("Secretia", "Secretio"))
      yield* refuses({ resume: true }, "content of the file has changed")
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("completes rows in flight when it is interrupted, and resumes with the others", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, twentyRows)
      const report = Import.defaultReportPath(path)
      const state = yield* Sandbox.State
      const held = yield* holdAnswers(3)
      const fiber = yield* Effect.forkChild(Import.run(path, { concurrency: 3 }))
      yield* held.come
      const ended = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* held.release
      yield* Fiber.join(ended)
      assert.deepStrictEqual(
        linesOf(report).map(({ outcome }) => outcome),
        ["created", "created", "created"]
      )
      yield* state.script(() => undefined)
      const summary = yield* Import.run(path, { resume: true })
      assert.strictEqual(summary.earlier, 3)
      assert.strictEqual(summary.created, 20)
      assertAccounted(summary, report)
      assert.lengthOf(yield* state.contacts(), 20)
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("interrupts rows in flight after drain", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, twentyRows)
      const state = yield* Sandbox.State
      yield* state.script(() => Faults.hang({ strikes: "before" }))
      const fiber = yield* Effect.forkChild(Import.run(path, { concurrency: 3, drain: "50 millis" }))
      while ((yield* state.requests).length < 3) yield* Effect.sleep("5 millis")
      const started = performance.now()
      yield* Fiber.interrupt(fiber)
      assert.isBelow(performance.now() - started, 1500)
      assert.deepStrictEqual(linesOf(Import.defaultReportPath(path)), [])
      yield* state.script(() => undefined)
      assertAccounted(yield* Import.run(path, { resume: true }), Import.defaultReportPath(path))
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("stops if the token is refused, and resumes with a valid one", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, `phone\n12\n${twentyRows.slice(twentyRows.indexOf("\n") + 1).replaceAll(",Secretia", "")}`)
      const wrong = AgentalkClient.layer({
        token: Redacted.make("00000000-0000-4000-8000-000000000000.wrong"),
        baseUrl: "http://localhost"
      })
      const stopped = yield* Effect.flip(Effect.provide(Import.run(path), wrong))
      assert.strictEqual(stopped._tag, "ImportStopped")
      if (stopped._tag === "ImportStopped") {
        assert.strictEqual(stopped.error._tag, "Unauthorized")
        assert.isAtLeast(stopped.line, 3)
      }
      const good = AgentalkClient.layer({ token: Sandbox.token, baseUrl: "http://localhost" })
      const summary = yield* Effect.provide(Import.run(path, { resume: true }), good)
      assert.deepInclude(summary, { rows: 21, created: 20, invalid: 1 })
      assertAccounted(summary, Import.defaultReportPath(path))
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layerHttpClient))
  )

  it.live("writes no content of a row to the report and the journal", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, `${twentyRows}98700,Secretia\n44770000999,Secretia,more\n44770000998,5" Secretia\n`)
      const state = yield* Sandbox.State
      yield* state.script(({ index }) =>
        index % 3 === 0
          ? Faults.status(400, { strikes: "before", body: { phone: ["44770000103 of Secretia is taken"] } })
          : undefined
      )
      yield* withRetriesOff(Import.run(path))
      const written =
        readFileSync(Import.defaultReportPath(path), "utf8") +
        readFileSync(`${Import.defaultReportPath(path)}.journal`, "utf8")
      assert.include(written, '"failed"')
      assert.notMatch(written, /4477|98700|Secretia/)
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("fails if the report cannot be written, and sends nothing", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, twentyRows)
      const fault = yield* Effect.flip(Import.run(path, { report: join(folder, "none", "report") }))
      assert.strictEqual(fault._tag, "FileFault")
      assert.isFalse(existsSync(Import.defaultReportPath(path)))
      assert.deepStrictEqual(yield* (yield* Sandbox.State).requests, [])
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("sends failed rows again with retryFailed, but not invalid ones, and reports every row once", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, `${twentyRows}12,too short\n`)
      const state = yield* Sandbox.State
      const fail = (every: number) =>
        state.script(({ index }) => (index % every === 1 ? Faults.status(503, { strikes: "before" }) : undefined))
      yield* fail(2)
      const first = yield* withRetriesOff(Import.run(path))
      assert.strictEqual(first.failed, 10)
      assert.strictEqual((yield* Import.run(path, { resume: true })).failed, 10)
      yield* fail(5)
      const before = (yield* state.requests).length
      const second = yield* withRetriesOff(Import.run(path, { retryFailed: true }))
      assert.strictEqual((yield* state.requests).length - before, 10)
      assert.deepInclude(second, { rows: 21, earlier: 11, created: 18, invalid: 1, failed: 2 })
      assertAccounted(second, Import.defaultReportPath(path))
      yield* state.script(() => undefined)
      const third = yield* Import.run(path, { retryFailed: true })
      assert.deepInclude(third, { rows: 21, earlier: 19, created: 20, invalid: 1, failed: 0 })
      assertAccounted(third, Import.defaultReportPath(path))
      assertAccounted(yield* Import.run(path, { resume: true }), Import.defaultReportPath(path))
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("fails with retryFailed if there is no report", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "contacts.csv")
      writeFileSync(path, twentyRows)
      const fault = yield* Effect.flip(Import.run(path, { retryFailed: true }))
      assert.include(fault.message, "no report")
      assert.isFalse(existsSync(Import.defaultReportPath(path)))
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("loses no row to a kill while failed rows are removed from the report", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "contacts.csv")
      writeFileSync(path, twentyRows)
      const report = Import.defaultReportPath(path)
      const state = yield* Sandbox.State
      yield* state.script(({ index }) => (index % 2 === 1 ? Faults.status(503, { strikes: "before" }) : undefined))
      yield* withRetriesOff(Import.run(path))
      yield* state.script(() => undefined)
      const old = readFileSync(report, "utf8")
      const kept = old
        .split("\n")
        .filter((line) => !line.includes('"failed"'))
        .join("\n")
      // Killed before the rename, with a part of the new report, and killed after it.
      for (const [reportNow, part, failed] of [
        [old, kept.slice(0, 100), 10],
        [kept, undefined, 0]
      ] as const) {
        for (const retryFailed of [false, true]) {
          writeFileSync(report, reportNow)
          if (part !== undefined) writeFileSync(`${report}.part`, part)
          const summary = yield* Import.run(path, { resume: true, retryFailed })
          assert.deepInclude(summary, { rows: 20, failed: retryFailed ? 0 : failed })
          assertAccounted(summary, report)
        }
      }
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("stops after giveUpAfter in an outage, and resume sends the rows again that failed in it", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "contacts.csv")
      writeFileSync(path, `${twentyRows.replaceAll("44770000110,", "12,")}12,too short\n`)
      const report = Import.defaultReportPath(path)
      const state = yield* Sandbox.State
      // The row that the API refused with 403 stays failed.
      yield* state.script(({ index }) =>
        index === 2 || index > 5 ? Faults.status(index === 2 ? 403 : 503, { strikes: "before" }) : undefined
      )
      const stopped = yield* Effect.flip(withRetriesOff(Import.run(path, { concurrency: 1, giveUpAfter: 0 })))
      assert.strictEqual(stopped._tag, "ImportStopped")
      if (stopped._tag === "ImportStopped") assert.strictEqual(stopped.error._tag, "ServerFault")
      assert.include(stopped.message, "no row succeeded for 0")
      assert.deepStrictEqual(
        linesOf(report).flatMap(({ outcome }) => (outcome === "invalid" ? [] : [outcome])),
        ["created", "failed", "created", "created", "created"]
      )
      const sent = (yield* state.requests).length
      assert.isBelow(sent, 20)
      yield* state.script(() => undefined)
      const summary = yield* Import.run(path, { resume: true })
      assert.deepInclude(summary, { rows: 21, created: 18, invalid: 2, failed: 1 })
      assertAccounted(summary, report)
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("reports a row in flight that still succeeds after the stop", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "contacts.csv")
      writeFileSync(path, twentyRows)
      yield* (yield* Sandbox.State).script(({ index }) =>
        index === 1 ? Faults.slow("100 millis", { strikes: "after" }) : Faults.status(503, { strikes: "before" })
      )
      yield* Effect.flip(withRetriesOff(Import.run(path, { concurrency: 2, giveUpAfter: 0 })))
      const [first, ...others] = linesOf(Import.defaultReportPath(path))
      assert.deepInclude(first, { row: 1, outcome: "created" })
      assert.deepStrictEqual(others, [])
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("rolls back lines that are written and lines that are still queued", () =>
    Effect.gen(function* () {
      const report = join(yield* temporary, "report")
      const subject = { size: 0, sha256: "", format: "csv", map: {}, typed: false, maxRowBytes: 1 }
      const writer = ReportWriter.open(report, subject, { resume: false, retryFailed: false })
      const add = (row: number, outcome: "created" | "failed") => writer.add({ row, line: row + 1, outcome })
      add(1, "created")
      add(3, "created")
      const position = writer.position()
      for (const row of [2, 4, 5]) add(row, "failed")
      const syncing = writer.sync()
      assert.lengthOf(linesOf(report), 5)
      add(6, "failed")
      writer.rollback(position)
      yield* Effect.promise(() => syncing)
      // The state that a kill would leave.
      const counts = { created: 2, updated: 0, invalid: 0, failed: 0 }
      assert.deepStrictEqual(
        linesOf(report).map(({ row }) => row),
        [1, 3]
      )
      assert.strictEqual(readFileSync(report).length, position)
      assert.deepStrictEqual(writer.counts(), counts)
      assert.deepStrictEqual([1, 2, 3, 4, 5, 6].map(writer.has), [true, false, true, false, false, false])
      add(4, "failed")
      writer.close()
      const again = ReportWriter.open(report, subject, { resume: false, retryFailed: true })
      assert.deepStrictEqual(again.counts(), counts)
      again.close()
    }).pipe(Effect.scoped)
  )

  it.live("resumes a report of scattered rows", () =>
    Effect.gen(function* () {
      const report = join(yield* temporary, "report")
      const subject = { size: 0, sha256: "", format: "csv", map: {}, typed: false, maxRowBytes: 1 }
      const writer = ReportWriter.open(report, subject, { resume: false, retryFailed: false })
      for (let row = 2; row <= 2000; row += 2) writer.add({ row, line: row + 1, outcome: "created" })
      writer.close()
      const again = ReportWriter.open(report, subject, { resume: true, retryFailed: false })
      assert.strictEqual(again.earlier, 1000)
      again.close()
    }).pipe(Effect.scoped)
  )

  it("detects an outage by its duration, and any response of the API ends it", () => {
    const call = { operation: "upsert", outcome: "unknown", message: "" } as const
    const fault = failedRow(new ServerFault({ ...call, status: 503 }))
    const timeout = failedRow(new Timeout({ ...call, limit: "attempt" }))
    const forbidden = failedRow(new Forbidden({ ...call, status: 403 }))
    const invalid = { ...fault, _tag: "Invalid" } as unknown as ContactsStream.Invalid
    let position = 0
    const detector = makeFailureDetector(5000, () => (position += 100))
    assert.isUndefined(detector.record(fault, 1000))
    assert.isUndefined(detector.record(timeout, 5999))
    assert.isUndefined(detector.record(forbidden, 6000))
    assert.isUndefined(detector.reset())
    assert.isUndefined(detector.record(timeout, 7000))
    assert.isUndefined(detector.record(invalid, 13_000))
    assert.strictEqual(detector.record(fault, 12_000), fault.error)
    assert.strictEqual(detector.reset(), 200)
    assert.isUndefined(detector.reset())
  })

  it.live("removes the failed rows of an outage from the report if it is interrupted", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "contacts.csv")
      writeFileSync(path, twentyRows)
      const state = yield* Sandbox.State
      yield* state.script(({ index }) =>
        index < 3
          ? undefined
          : index < 7
            ? Faults.status(503, { strikes: "before" })
            : Faults.hang({ strikes: "before" })
      )
      const fiber = yield* Effect.forkChild(withRetriesOff(Import.run(path, { concurrency: 1, drain: "10 millis" })))
      while ((yield* state.requests).length < 7) yield* Effect.sleep("5 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(
        linesOf(Import.defaultReportPath(path)).map(({ outcome }) => outcome),
        ["created", "created"]
      )
      yield* state.script(() => undefined)
      const summary = yield* Import.run(path, { resume: true })
      assert.deepInclude(summary, { rows: 20, created: 20 })
      assertAccounted(summary, Import.defaultReportPath(path))
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("refuses a report that another import is writing, and takes over the lock of a killed import", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "contacts.csv")
      writeFileSync(path, twentyRows)
      const report = Import.defaultReportPath(path)
      const lock = `${report}.lock`
      const state = yield* Sandbox.State
      yield* state.script(() => Faults.hang({ strikes: "before" }))
      const fiber = yield* Effect.forkChild(Import.run(path, { drain: 0 }))
      while ((yield* state.requests).length === 0) yield* Effect.sleep("5 millis")
      const refused = yield* Effect.flip(Import.run(path, { resume: true }))
      assert.strictEqual(refused._tag, "FileFault")
      assert.include(refused.message, `process ${process.pid}`)
      if (refused._tag === "FileFault") assert.include(refused.advice, lock)
      yield* Fiber.interrupt(fiber)
      assert.isFalse(existsSync(lock))

      yield* state.script(() => undefined)
      // No process has this id. The other lock is of an ended process with the id of this one.
      const gone = [{ pid: 4_194_305 }, { pid: process.pid, began: "1" }]
      for (const holder of process.platform === "linux" ? gone : gone.slice(0, 1)) {
        writeFileSync(lock, JSON.stringify({ host: hostname(), ...holder }))
        assertAccounted(yield* Import.run(path, { resume: true }), report)
        assert.isFalse(existsSync(lock))
      }
      // A process on another machine may be running. The other files are not valid locks.
      for (const other of [JSON.stringify({ host: "elsewhere", pid: 4_194_305 }), "", "{}"]) {
        writeFileSync(lock, other)
        yield* Effect.flip(Import.run(path, { resume: true }))
        assert.strictEqual(readFileSync(lock, "utf8"), other)
      }
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("writes a report to a device without a journal, and refuses to resume it", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "contacts.csv")
      writeFileSync(path, twentyRows)
      const summary = yield* Import.run(path, { report: "/dev/null" })
      assert.deepInclude(summary, { rows: 20, created: 20, report: "/dev/null" })
      assert.isFalse(existsSync("/dev/null.journal"))
      const fault = yield* Effect.flip(Import.run(path, { report: "/dev/null", resume: true }))
      assert.include(fault.message, "cannot be resumed")
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.live("reports progress of both phases", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "contacts.csv")
      writeFileSync(path, twentyRows)
      const seen: Array<Import.Snapshot> = []
      let snapshot: (() => Import.Snapshot) | undefined
      yield* Import.run(path, { onStart: (started) => void seen.push((snapshot = started)()) })
      if (snapshot !== undefined) seen.push(snapshot())
      assert.deepInclude(seen[0], { phase: "checking", bytesRead: 0, bytesTotal: twentyRows.length })
      assert.deepInclude(seen[1], { phase: "sending", bytesRead: twentyRows.length, rowsRead: 20 })
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )
})
