import type * as Import from "@agentalk/import/Import"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { formatSeconds } from "../src/internal/numbers.ts"
import { drawProgress, formatBar, formatLine, paceOf } from "../src/internal/progressBar.ts"
import { replaceStream, Screen } from "./InProcess.ts"

const snapshot = (finished: number, rest: Partial<Import.Snapshot> = {}): Import.Snapshot => ({
  phase: "sending",
  counts: { created: finished, updated: 0, invalid: 0, failed: 0 },
  earlier: 0,
  rowsRead: finished,
  bytesRead: finished,
  bytesTotal: 1000,
  ...rest
})

describe("the progress of an import", () => {
  it("has the finished part of the file, the rate and the time left", () => {
    const pace = paceOf(snapshot(250), 10)
    assert.deepStrictEqual(pace, { fraction: 0.25, rowsPerSecond: 25, secondsLeft: 30 })
    assert.strictEqual(formatBar(snapshot(250), pace, 80), "█████░░░░░░░░░░░░░░░  25%  250 rows · 25/s · 30s left")
    assert.strictEqual(formatLine(snapshot(250), pace), "250 rows, 25%, 25/s, 30s left")
  })

  it("does not count rows that were only read ahead, or rows of earlier runs", () => {
    const ahead = snapshot(100, { rowsRead: 200, bytesRead: 1000 })
    assert.strictEqual(paceOf(ahead, 1).fraction, 0.5)
    assert.strictEqual(paceOf(snapshot(500, { earlier: 400 }), 10).rowsPerSecond, 10)
  })

  it("omits what is unknown", () => {
    const unknown = snapshot(250, { bytesTotal: undefined })
    assert.strictEqual(formatBar(unknown, paceOf(unknown, 10), 80), "250 rows · 25/s")
    assert.strictEqual(formatLine(unknown, paceOf(unknown, 10)), "250 rows, 25/s")
    assert.notInclude(formatBar(snapshot(0), paceOf(snapshot(0), 0), 80), "left")
  })

  it("is 0 for an empty file", () => {
    for (const phase of ["checking", "sending"] as const) {
      assert.strictEqual(paceOf(snapshot(0, { phase, bytesTotal: 0 }), 1).fraction, 0)
    }
  })

  it("fits the terminal", () => {
    const counts = { created: 123_456_789, updated: 0, invalid: 123_456, failed: 123_456 }
    const large = snapshot(0, { counts, rowsRead: 123_703_701, bytesRead: 500 })
    for (const width of [40, 80]) assert.isBelow(formatBar(large, paceOf(large, 100_000), width).length, width)
  })

  it("says that the file is checked first", () => {
    const checking = snapshot(0, { phase: "checking", bytesRead: 500 })
    const pace = paceOf(checking, 10)
    assert.strictEqual(formatBar(checking, pace, 80), "██████████░░░░░░░░░░  50%  checking the file")
    assert.strictEqual(formatLine(checking, pace), "checking the file, 50%")
    assert.include(formatBar(snapshot(1), paceOf(snapshot(1), 1), 80), " 1 row ·")
  })

  it("has times in the largest units", () => {
    assert.deepStrictEqual([0, 59.4, 60, 200, 3599.6, 7500].map(formatSeconds), [
      "0s",
      "59s",
      "1m00s",
      "3m20s",
      "1h00m",
      "2h05m"
    ])
  })

  it.effect("is a bar on a terminal that is redrawn, and erased at the end", () =>
    Effect.gen(function* () {
      const screen = yield* replaceStream("stderr", new Screen(true, 0))
      let phase: Import.Snapshot["phase"] = "checking"
      const fiber = yield* Effect.forkChild(drawProgress(() => snapshot(5, { phase, bytesRead: 500 })))
      yield* TestClock.adjust("100 millis")
      phase = "sending"
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(fiber)
      const [before, checking = "", sending = "", after] = screen.text.split("\r\u001b[2K")
      assert.deepStrictEqual([before, after], ["", ""])
      assert.match(checking, /50% {2}checking the file/)
      assert.match(sending, /50% {2}5 rows · /)
    }).pipe(Effect.scoped)
  )

  it.effect("is a line every ten seconds if there is no terminal", () =>
    Effect.gen(function* () {
      const screen = yield* replaceStream("stderr", new Screen(false))
      const fiber = yield* Effect.forkChild(drawProgress(() => snapshot(5, { bytesRead: 500 })))
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(screen.text, "")
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.match(screen.text, /^5 rows, 50%, [\d,]+\/s\n$/)
    }).pipe(Effect.scoped)
  )
})
