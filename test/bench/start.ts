/**
 * Measures the time from the start of a process to its first decoded response. The packages are built and installed as
 * they are published, so that the time does not include type stripping.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { bundle } from "../size/measure.ts"
import { startServer } from "./processes.ts"
import { type Figure, figureOf } from "./statistics.ts"
import * as Work from "./work.ts"

const root = join(import.meta.dirname, "../..")
const sources = join(import.meta.dirname, "measured/start")
const floor = "effect"
const packages = ["core", "node", "import", "cli"]

/** The measured programs, with their titles and arguments. */
const programs = {
  node: { title: "node, nothing else", args: ["empty.mjs"] },
  raw: { title: "undici.request + JSON.parse", args: ["raw.mjs", "<server>"] },
  effect: { title: "bare Effect on undici, deep imports", args: ["effect.mjs", "<server>"] },
  agentalk: { title: "Agentalk", args: ["agentalk.mjs", "<server>"] },
  effectBundled: { title: "bare Effect on undici, bundled", args: ["bundled/effect.js", "<server>"] },
  agentalkBundled: { title: "Agentalk, bundled", args: ["bundled/agentalk.js", "<server>"] },
  help: { title: "`agentalk --help`", args: ["node_modules/@agentalk/cli/dist/bin.js", "--help"] },
  search: {
    title: "`agentalk contacts search`",
    args: ["node_modules/@agentalk/cli/dist/bin.js", "contacts", "search", "--name", "Jane", "--json"]
  }
} as const

export interface Start {
  readonly program: string
  /** Time divided by that of bare Effect in the same round. */
  readonly ratio: Figure
  readonly milliseconds: number
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly publishConfig: object
}

/** Copies a built package to the place where a package manager installs it. */
const installPackage = (folder: string, name: string) => {
  const from = join(root, "packages", name)
  const to = join(folder, "node_modules/@agentalk", name)
  const manifest = JSON.parse(readFileSync(join(from, "package.json"), "utf8")) as Manifest
  mkdirSync(to, { recursive: true })
  cpSync(join(from, "dist"), join(to, "dist"), { recursive: true })
  writeFileSync(join(to, "package.json"), JSON.stringify({ ...manifest, ...manifest.publishConfig }))
  for (const dependency of Object.keys({ ...manifest.dependencies, effect: "" })) {
    if (dependency.startsWith("@agentalk/")) continue
    const link = join(folder, "node_modules", dependency)
    mkdirSync(dirname(link), { recursive: true })
    rmSync(link, { force: true })
    symlinkSync(realpathSync(join(from, "node_modules", dependency)), link)
  }
}

const prepare = async (folder: string) => {
  for (const name of packages) rmSync(join(root, "packages", name, "dist"), { recursive: true, force: true })
  const built = spawnSync(join(root, "node_modules/.bin/tsc"), ["-b", "--force", "tsconfig.build.json"], {
    cwd: root,
    encoding: "utf8"
  })
  if (built.status !== 0) throw new Error(`The build of the packages failed:\n${built.stdout}`)
  for (const name of packages) installPackage(folder, name)
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }))
  cpSync(sources, folder, { recursive: true })
  writeFileSync(join(folder, "empty.mjs"), "console.log(1)")
  const { headers, input, token } = Work
  writeFileSync(
    join(folder, "work.mjs"),
    Object.entries({ headers, input, token })
      .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)}\n`)
      .join("")
  )
  mkdirSync(join(folder, "bundled"))
  for (const name of ["effect", "agentalk"]) {
    for (const { code, fileName } of await bundle(join(folder, `${name}.mjs`), "node")) {
      writeFileSync(join(folder, "bundled", fileName), code)
    }
  }
}

/** Returns the milliseconds until the process ends. The programs end as soon as they have their response. */
const time = async (folder: string, args: ReadonlyArray<string>, server: string): Promise<number> => {
  const started = performance.now()
  const child = spawn(
    process.execPath,
    args.map((arg) => arg.replace("<server>", server)),
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        PATH: process.env["PATH"],
        XDG_CACHE_HOME: folder,
        AGENTALK_API_TOKEN: Work.token,
        AGENTALK_BASE_URL: server
      }
    }
  )
  child.stdout.resume()
  const [code] = (await once(child, "close")) as [number | null]
  if (code !== 0) throw new Error(`${args.join(" ")} exited with code ${code}`)
  return performance.now() - started
}

export const measureStart = async (runs: number, log: (text: string) => void): Promise<ReadonlyArray<Start>> => {
  const folder = mkdtempSync(join(tmpdir(), "agentalk-bench-"))
  const server = await startServer()
  try {
    log("Building the programs")
    await prepare(folder)
    const times = new Map<string, Array<{ readonly own: number; readonly ratio: number }>>()
    // The first run fills the disk cache and the command's code cache, so it is not counted.
    for (let run = 0; run <= runs; run++) {
      if (run > 0) log(`Run ${run} of ${runs}`)
      const own = new Map<string, number>()
      for (const [name, { args }] of Object.entries(programs)) own.set(name, await time(folder, args, server.url))
      if (run === 0) continue
      const floorTime = own.get(floor) ?? NaN
      for (const [name, each] of own)
        times.set(name, [...(times.get(name) ?? []), { own: each, ratio: each / floorTime }])
    }
    return Object.entries(programs).map(([name, { title }]) => {
      const all = times.get(name) ?? []
      return {
        program: title,
        ratio: figureOf(all.map(({ ratio }) => ratio)),
        milliseconds: figureOf(all.map(({ own }) => own)).median
      }
    })
  } finally {
    server.stop()
    rmSync(folder, { recursive: true })
  }
}
