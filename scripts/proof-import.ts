/**
 * The long tests of the import. An import that is killed fifty times loses no rows. An import of a million rows needs no
 * more memory than one of 100,000 rows, and no more time per row than one of 10,000 rows.
 *
 *   node scripts/proof-import.ts [--kills 50] [--rows 1000000]
 *   node scripts/proof-import.ts --quick    a few kills and no measurements of time or memory, for the CI
 */
import * as AgentalkNode from "../packages/node/src/AgentalkNode.ts"
import * as Import from "../packages/import/src/Import.ts"
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { randomInt } from "node:crypto"
import { createReadStream, createWriteStream } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { clearInterval, setInterval } from "node:timers"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: {
    kills: { type: "string" },
    rows: { type: "string" },
    child: { type: "string" },
    quick: { type: "boolean" }
  }
})
const isQuick = values.quick ?? false
const kills = Number(values.kills ?? (isQuick ? 6 : 50))
const maximumRows = Number(values.rows ?? (isQuick ? 0 : 1_000_000))
const bin = fileURLToPath(new URL("../packages/cli/src/bin.ts", import.meta.url))
const number = (value: number) => Math.round(value).toLocaleString("en")

// --- the measured process -----------------------------------------------------------------------------------------

/** Imports a file, and prints its cost at 10,000 rows, at 100,000 rows, and then every 100,000 rows. */
const measure = async (path: string) => {
  let readSnapshot: (() => Import.Snapshot) | undefined
  const began = process.cpuUsage()
  const started = performance.now()
  let next = 10_000
  const printSample = (rows: number) => {
    const { system, user } = process.cpuUsage(began)
    const { heapUsed, rss } = process.memoryUsage()
    const seconds = (performance.now() - started) / 1000
    console.log(JSON.stringify({ rows, rss, heapUsed, cpu: user + system, seconds }))
  }
  // @effect-diagnostics-next-line globalTimers:off -- the timer must not run inside the measured import
  const timer = setInterval(() => {
    const { counts } = readSnapshot?.() ?? {}
    if (counts === undefined) return
    const rows = counts.created + counts.updated + counts.invalid + counts.failed
    if (rows < next) return
    printSample(rows)
    next = next < 100_000 ? 100_000 : next + 100_000
  }, 5)
  const summary = await Effect.runPromise(
    Import.run(path, { concurrency: 16, onStart: (read) => (readSnapshot = read) }).pipe(
      Effect.provide(AgentalkNode.layer)
    )
  )
  clearInterval(timer)
  printSample(summary.rows)
  console.log(JSON.stringify({ summary }))
}

// --- shared by both tests -----------------------------------------------------------------------------------------

const startSandbox = async () => {
  const child = spawn(process.execPath, [bin, "sandbox", "--json"], { stdio: ["ignore", "pipe", "inherit"] })
  const [first] = (await once(child.stdout, "data")) as [Buffer]
  const { token, url } = JSON.parse(first.toString()) as { token: string; url: string }
  const env = { ...process.env, AGENTALK_BASE_URL: url, AGENTALK_API_TOKEN: token }
  return { env, stop: () => end(child, "SIGKILL") }
}

const end = async (child: ChildProcess, signal: NodeJS.Signals) => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, "close")
}

/** Writes rows with unique phone numbers. Every 100th row is invalid. */
const writeRows = async (path: string, rows: number) => {
  const out = createWriteStream(path)
  out.write("phone,first_name,last_name,email,tags,city\n")
  for (let n = 0; n < rows; n++) {
    const line =
      n % 100 === 99
        ? "12,Bad,,,,\n"
        : `+999${String(n).padStart(9, "0")},Jane${n},Doe,j${n}@example.com,vip|new,"Lisbon, PT"\n`
    if (!out.write(line)) await once(out, "drain")
  }
  out.end()
  await once(out, "finish")
}

/** Reads a report and counts its rows by outcome, the lost rows, and the rows that appear twice. */
const readReport = async (path: string, rows: number) => {
  const seen = new Uint8Array(rows + 1)
  const counts: Record<string, number> = {}
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const { outcome, row } = JSON.parse(line) as { outcome: string; row: number }
    seen[row] = (seen[row] ?? 0) + 1
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  const rest = seen.subarray(1)
  return { counts, lost: rest.filter((times) => times === 0).length, twice: rest.filter((times) => times > 1).length }
}

const totalOf = async (env: NodeJS.ProcessEnv) => {
  const child = spawn(process.execPath, [bin, "contacts", "search", "--name", "Jane", "--limit", "1", "--json"], {
    env,
    stdio: ["ignore", "pipe", "inherit"]
  })
  let text = ""
  for await (const piece of child.stdout) text += String(piece)
  return (JSON.parse(text) as { total: number }).total
}

const problems: Array<string> = []

const check = (holds: boolean, text: string) => {
  console.log(`  ${holds ? "ok    " : "FAILED"} ${text}`)
  if (!holds) problems.push(text)
}

// --- kills --------------------------------------------------------------------------------------------------------

const proveKills = async (folder: string) => {
  console.log(`\nKills: an import is killed ${kills} times at random moments`)
  const rows = isQuick ? 10_000 : 40_000
  let killed = 0
  let rounds = 0
  while (killed < kills) {
    rounds++
    const { env, stop } = await startSandbox()
    const path = join(folder, `kill-${rounds}.csv`)
    await writeRows(path, rows)
    let status: number | null = null
    let killsInRound = 0
    while (status === null) {
      const child = spawn(process.execPath, [bin, "contacts", "import", path, "--resume", "--quiet"], {
        env,
        stdio: ["ignore", "ignore", "inherit"]
      })
      const closed = once(child, "close") as Promise<[number | null]>
      // The delay ranges from before its first line of code to the middle of the import.
      if (killed < kills) await Promise.race([closed, sleep(randomInt(1800))])
      if (killed < kills && child.exitCode === null) {
        child.kill("SIGKILL")
        killed++
        killsInRound++
      }
      status = (await closed)[0]
    }
    const { counts, lost, twice } = await readReport(`${path}.report.ndjson`, rows)
    const total = await totalOf(env)
    check(
      status === 3 && lost === 0 && twice === 0 && counts["invalid"] === rows / 100 && total === rows - rows / 100,
      `round ${rounds}, ${killsInRound} kills: ${number(rows)} rows, ${lost} lost, ${twice} twice, ${number(total)} contacts, ` +
        `${counts["updated"] ?? 0} sent again, status ${status}`
    )
    await stop()
  }
}

// --- memory and cost ----------------------------------------------------------------------------------------------

interface Sample {
  readonly rows: number
  readonly rss: number
  readonly heapUsed: number
  readonly cpu: number
  readonly seconds: number
}

const proveCost = async (folder: string) => {
  console.log(`\nMemory and cost: an import of ${number(maximumRows)} rows into a sandbox in another process`)
  const { env, stop } = await startSandbox()
  const path = join(folder, "many.csv")
  await writeRows(path, maximumRows)
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "--child", path], {
    env,
    stdio: ["ignore", "pipe", "inherit"]
  })
  const samples: Array<Sample> = []
  console.log(
    `\n${["rows", "resident MB", "heap MB", "CPU µs/row", "rows/s"].map((title) => title.padStart(12)).join("")}`
  )
  for await (const line of createInterface({ input: child.stdout })) {
    const sample = JSON.parse(line) as Sample | { summary: unknown }
    if ("summary" in sample) continue
    samples.push(sample)
    const cells = [
      number(sample.rows),
      (sample.rss / 1e6).toFixed(1),
      (sample.heapUsed / 1e6).toFixed(1),
      (sample.cpu / sample.rows).toFixed(1),
      number(sample.rows / sample.seconds)
    ]
    console.log(cells.map((cell) => cell.padStart(12)).join(""))
  }
  console.log("")
  const { counts, lost, twice } = await readReport(`${path}.report.ndjson`, maximumRows)
  check(
    lost === 0 && twice === 0,
    `${number(maximumRows)} rows, ${lost} lost, ${twice} twice: ${JSON.stringify(counts)}`
  )
  const total = await totalOf(env)
  check(total === maximumRows - Math.floor(maximumRows / 100), `${number(total)} contacts on the server`)
  const [first, early] = samples
  const last = samples.at(-1)
  if (first === undefined || early === undefined || last === undefined)
    return check(false, "the import printed too few samples")
  const later = Math.max(...samples.slice(2).map(({ rss }) => rss), early.rss)
  check(
    later <= early.rss * 1.15,
    `resident memory at ${number(early.rows)} rows: ${(early.rss / 1e6).toFixed(1)} MB, and at most ${(later / 1e6).toFixed(1)} MB later`
  )
  const [begin, whole] = [first.cpu / first.rows, last.cpu / last.rows]
  check(
    whole <= begin * 1.1,
    `CPU per row: ${begin.toFixed(1)} µs at ${number(first.rows)} rows, ${whole.toFixed(1)} µs at ${number(last.rows)}`
  )
  await stop()
}

if (values.child === undefined) {
  const minutes = Math.ceil((kills * 1.5 + maximumRows / 3000) / 60)
  console.log(
    `This takes about ${minutes} ${minutes === 1 ? "minute" : "minutes"} on two cores` +
      (maximumRows > 0 ? `, and ${number(maximumRows / 3000)} MB of temporary disk space.` : ".")
  )
  const folder = await mkdtemp(join(tmpdir(), "agentalk-proof-"))
  try {
    if (kills > 0) await proveKills(folder)
    if (maximumRows > 0) await proveCost(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
  console.log(problems.length === 0 ? "\nAll checks passed." : `\n${problems.length} checks failed.`)
  process.exitCode = problems.length === 0 ? 0 : 1
} else {
  await measure(values.child)
}
