/**
 * Measures the SDK and other clients, and writes the results to `results.json`, `docs/performance.md` and its chart.
 *
 *   pnpm bench            the cost of a call, compared with other clients, and of decoding a page
 *   pnpm bench --scale    concurrency, memory, failures and long searches
 *   pnpm bench --start    startup time and bundle size
 *   pnpm bench --all      all of these
 *
 * A short run (`--quick`, `--only stripe,fetch`, `--concurrency 32`, or `--rounds` below 7) prints its results and writes
 * no files.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { measure } from "../size/measure.ts"
import { contenders, measureCalls, minutesOf, type Plan } from "./calls.ts"
import { draw } from "./chart.ts"
import { askOnce, startServer } from "./processes.ts"
import { callsReport, fill, scaleReport, sizeText, startReport } from "./report.ts"
import { readResults, type Results, writeResults } from "./results.ts"
import { measureScale } from "./scale.ts"
import { measureStart } from "./start.ts"

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    scale: { type: "boolean", default: false },
    start: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    concurrency: { type: "string" },
    rounds: { type: "string" }
  }
})

const minimumRounds = 7
const isShortRun =
  values.quick ||
  values.only !== undefined ||
  values.concurrency !== undefined ||
  (values.rounds !== undefined && !(Number(values.rounds) >= minimumRounds))

const list = (text: string | undefined): ReadonlyArray<string> | undefined =>
  text?.split(",").map((part) => part.trim())

const modules = list(values.only) ?? Object.keys(contenders)
const unknownModules = modules.filter((module) => !(module in contenders))
if (unknownModules.length > 0) {
  console.error(`Unknown contenders: ${unknownModules.join(", ")}. Choose from: ${Object.keys(contenders).join(", ")}.`)
  process.exit(2)
}

const plan: Plan = {
  modules,
  concurrency: list(values.concurrency)?.map(Number) ?? (values.quick ? [32] : [1, 32, 256]),
  rounds: Number(values.rounds ?? (values.quick ? 3 : 9)),
  warmUp: values.quick ? 5000 : 20_000
}

const runs = Number(values.rounds ?? (values.quick ? 5 : 15))
const selected = {
  calls: values.all || !(values.scale || values.start),
  scale: values.all || values.scale,
  start: values.all || values.start
}

const minutes = [
  selected.calls ? minutesOf(plan) : 0,
  selected.scale ? (values.quick ? 1 : 3) : 0,
  selected.start ? 0.3 + runs / 17 : 0
].reduce((total, each) => total + each, 0)
console.log(
  `This takes about ${Math.ceil(minutes)} min. Run nothing else meanwhile, because it would change the figures.`
)

const root = join(import.meta.dirname, "../..")
const log = (text: string): void => console.error(`  ${text}`)
const found: { -readonly [K in keyof Results]?: Results[K] } = {}

if (selected.calls) {
  const server = await startServer()
  const rows = await measureCalls(plan, () => server.url, log).finally(server.stop)
  console.log(`\n${callsReport(rows)}\n`)
  found.calls = { rounds: plan.rounds, warmUp: plan.warmUp, rows }
  log("Cost of reading a page")
  found.decode = (await askOnce("measured/decode.ts", [values.quick ? "5" : "15"])) as Results["decode"]
  console.log(`Reading a page of 50 contacts costs ${found.decode.ratio.median.toFixed(2)} times JSON.parse.`)
}

if (selected.scale) {
  found.scale = await measureScale(values.quick, log)
  console.log(`\n${scaleReport(found.scale)}`)
}

if (selected.start) {
  found.start = { runs, programs: await measureStart(runs, log) }
  console.log(`\n${startReport(found.start.programs)}`)
  const [tag, bareHttpApi, fetchClient, everything] = await Promise.all([
    measure("tag"),
    measure("bareHttpApi"),
    measure("fetchClient"),
    measure("everything")
  ])
  found.size = { tag, bareHttpApi, fetchClient, everything }
  console.log(`\n${sizeText(found.size)}`)
}

if (isShortRun) {
  console.log("\nNo files were written, because this was a short run.")
} else {
  const machine = { node: process.version.slice(1), cpus: availableParallelism() }
  const results = { ...readResults(), ...found, machine }
  const page = join(root, "docs/performance.md")
  writeResults(results)
  writeFileSync(page, fill(readFileSync(page, "utf8"), results))
  writeFileSync(join(root, "docs/performance.svg"), draw(results.calls.rows))
  console.log("\nUpdated test/bench/results.json, docs/performance.md and docs/performance.svg.")
}
