import { assert, describe, it } from "@effect/vitest"
import type * as Import from "@agentalk/import/Import"
import { formatSeconds } from "../src/internal/numbers.ts"
import { bar, line, paceOf } from "../src/internal/progressBar.ts"

const snapshot = (done: number, rest: Partial<Import.Snapshot> = {}): Import.Snapshot => ({
  phase: "sending",
  counts: { created: done, updated: 0, invalid: 0, failed: 0 },
  earlier: 0,
  rowsRead: done,
  bytesRead: done,
  bytesTotal: 1000,
  ...rest
})

describe("progress", () => {
  it("tells the share, the rate and the time left", () => {
    const pace = paceOf(snapshot(250), 10)
    assert.deepStrictEqual(pace, { fraction: 0.25, rowsPerSecond: 25, secondsLeft: 30 })
    assert.strictEqual(bar(snapshot(250), pace, 80), "█████░░░░░░░░░░░░░░░  25%  250 rows · 25/s · 30s left")
    assert.strictEqual(line(snapshot(250), pace), "250 rows, 25%, 25/s, 30s left")
  })

  it("does not count what was only read ahead, nor what earlier runs did", () => {
    const ahead = snapshot(100, { rowsRead: 200, bytesRead: 1000 })
    assert.strictEqual(paceOf(ahead, 1).fraction, 0.5)
    assert.strictEqual(paceOf(snapshot(500, { earlier: 400 }), 10).rowsPerSecond, 10)
  })

  it("says nothing that it does not know", () => {
    const unknown = snapshot(250, { bytesTotal: undefined })
    assert.strictEqual(bar(unknown, paceOf(unknown, 10), 80), "250 rows · 25/s")
    assert.notInclude(bar(snapshot(0), paceOf(snapshot(0), 0), 80), "left")
  })

  it("fits the terminal, whatever there is to tell", () => {
    const counts = { created: 123_456_789, updated: 0, invalid: 123_456, failed: 123_456 }
    const much = snapshot(0, { counts, rowsRead: 123_703_701, bytesRead: 500 })
    for (const width of [40, 80]) assert.isBelow(bar(much, paceOf(much, 100_000), width).length, width)
  })

  it("tells how far the file is read to know it again", () => {
    const checking = snapshot(0, { phase: "checking", bytesRead: 500 })
    const pace = paceOf(checking, 10)
    assert.strictEqual(bar(checking, pace, 80), "██████████░░░░░░░░░░  50%  reading the file once, to know it again")
    assert.strictEqual(line(checking, pace), "reading the file once, to know it again, 50%")
    assert.include(bar(snapshot(1), paceOf(snapshot(1), 1), 80), " 1 row ·")
  })

  it("writes times as people read them", () => {
    assert.deepStrictEqual([0, 59.4, 60, 200, 3599.6, 7500].map(formatSeconds), [
      "0s",
      "59s",
      "1m00s",
      "3m20s",
      "1h00m",
      "2h05m"
    ])
  })
})
