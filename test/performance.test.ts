import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { draw } from "./bench/chart.ts"
import { fill } from "./bench/report.ts"
import { readResults } from "./bench/results.ts"
import { figureOf } from "./bench/statistics.ts"

const docs = (file: string): string => readFileSync(join(import.meta.dirname, "../docs", file), "utf8")

describe("the benchmark report", () => {
  const results = readResults()

  it("docs/performance.md contains the tables of the latest results", () => {
    const page = docs("performance.md")
    assert.strictEqual(page, fill(page, results))
  })

  it("docs/performance.svg shows the latest results", () => {
    assert.strictEqual(docs("performance.svg"), draw(results.calls.rows))
  })

  it("fill fails if the page has no place for a table", () => {
    assert.throws(() => fill("# What it costs\n", results), /no place for calls/)
  })
})

describe("figureOf", () => {
  it("returns the median and the bounds of the middle half", () => {
    assert.deepStrictEqual(figureOf([5, 1, 4, 2, 3]), { median: 3, low: 2, high: 4 })
    assert.deepStrictEqual(figureOf([4, 1, 2, 3]), { median: 2.5, low: 1.75, high: 3.25 })
  })
})
