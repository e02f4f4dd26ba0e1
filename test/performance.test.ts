import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { draw } from "./bench/chart.ts"
import { fill } from "./bench/report.ts"
import { readResults } from "./bench/results.ts"
import { figureOf } from "./bench/statistics.ts"

const docs = (file: string): string => readFileSync(join(import.meta.dirname, "../docs", file), "utf8")

describe("docs/performance.md", () => {
  const results = readResults()

  it("shows what was measured last", () => {
    const page = docs("performance.md")
    assert.strictEqual(page, fill(page, results))
  })

  it("shows it in the chart", () => {
    assert.strictEqual(docs("performance.svg"), draw(results.calls.rows))
  })

  it("has a place for every table", () => {
    assert.throws(() => fill("# What it costs\n", results), /no place for calls/)
  })
})

describe("a figure", () => {
  it("is the middle of all rounds, with where the middle half lies", () => {
    assert.deepStrictEqual(figureOf([5, 1, 4, 2, 3]), { median: 3, low: 2, high: 4 })
    assert.deepStrictEqual(figureOf([4, 1, 2, 3]), { median: 2.5, low: 1.75, high: 3.25 })
  })
})
