/**
 * Measures the SDK and its peers, and writes what it finds into `results.json`, `docs/performance.md` and its chart.
 *
 *   pnpm bench            what a call costs beside others, and a page
 *   pnpm bench --scale    what much of something costs
 *   pnpm bench --start    the start of a process, and the size of a program
 *   pnpm bench --all      all of it
 *
 * A run that is cut short (`--quick`, `--only stripe,fetch`, `--concurrency 32`, `--rounds` below 7) prints, and writes nothing.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { measure } from "../size/measure.ts"
import { contenders, measureCalls, minutesOf, type Plan } from "./calls.ts"
import { draw } from "./chart.ts"
import { askOnce, startServer } from "./processes.ts"
import { callsInFull, fill, scaleInFull, sizeText, startInFull } from "./report.ts"
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

const fewest = 7
const isCutShort =
  values.quick ||
  values.only !== undefined ||
  values.concurrency !== undefined ||
  (values.rounds !== undefined && !(Number(values.rounds) >= fewest))

const list = (text: string | undefined): ReadonlyArray<string> | undefined =>
  text?.split(",").map((part) => part.trim())

const modules = list(values.only) ?? Object.keys(contenders)
const strangers = modules.filter((module) => !(module in contenders))
if (strangers.length > 0) {
  console.error(`Unknown: ${strangers.join(", ")}. There are: ${Object.keys(contenders).join(", ")}.`)
  process.exit(2)
}

const plan: Plan = {
  modules,
  concurrency: list(values.concurrency)?.map(Number) ?? (values.quick ? [32] : [1, 32, 256]),
  rounds: Number(values.rounds ?? (values.quick ? 3 : 9)),
  warmUp: values.quick ? 5000 : 20_000
}

const runs = Number(values.rounds ?? (values.quick ? 5 : 15))
const wants = {
  calls: values.all || !(values.scale || values.start),
  scale: values.all || values.scale,
  start: values.all || values.start
}

const minutes = [
  wants.calls ? minutesOf(plan) : 0,
  wants.scale ? (values.quick ? 1 : 3) : 0,
  wants.start ? 0.3 + runs / 17 : 0
].reduce((total, each) => total + each, 0)
console.log(`This takes about ${Math.ceil(minutes)} min. Leave the machine alone meanwhile: others are in the figures.`)

const root = join(import.meta.dirname, "../..")
const say = (text: string): void => console.error(`  ${text}`)
const found: { -readonly [K in keyof Results]?: Results[K] } = {}

if (wants.calls) {
  const server = await startServer()
  const rows = await measureCalls(plan, () => server.url, say).finally(server.stop)
  console.log(`\n${callsInFull(rows)}\n`)
  found.calls = { rounds: plan.rounds, warmUp: plan.warmUp, rows }
  say("What it costs to read a page")
  found.decode = (await askOnce("measured/decode.ts", [values.quick ? "5" : "15"])) as Results["decode"]
  console.log(`A page of 50 contacts costs ${found.decode.ratio.median.toFixed(2)} times JSON.parse.`)
}

if (wants.scale) {
  found.scale = await measureScale(values.quick, say)
  console.log(`\n${scaleInFull(found.scale)}`)
}

if (wants.start) {
  found.start = { runs, programs: await measureStart(runs, say) }
  console.log(`\n${startInFull(found.start.programs)}`)
  const [tag, bareHttpApi, fetchClient, everything] = await Promise.all([
    measure("tag"),
    measure("bareHttpApi"),
    measure("fetchClient"),
    measure("everything")
  ])
  found.size = { tag, bareHttpApi, fetchClient, everything }
  console.log(`\n${sizeText(found.size)}`)
}

if (isCutShort) {
  console.log("\nNothing is written: this run was cut short.")
} else {
  const machine = { node: process.version.slice(1), cpus: availableParallelism() }
  const results = { ...readResults(), ...found, machine }
  const page = join(root, "docs/performance.md")
  writeResults(results)
  writeFileSync(page, fill(readFileSync(page, "utf8"), results))
  writeFileSync(join(root, "docs/performance.svg"), draw(results.calls.rows))
  console.log("\nWritten: test/bench/results.json, docs/performance.md and docs/performance.svg.")
}
