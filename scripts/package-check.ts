/**
 * Checks the packages as a user installs them. It packs them, lints the tarballs, and installs them with npm into an empty
 * project outside the repository. There it type-checks and runs the first program of the README.
 *
 * Requires a build (`pnpm build`) and access to the npm registry.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
}

const root = join(import.meta.dirname, "..")
const folders = ["core", "node", "import", "cli"]

if (!folders.every((folder) => existsSync(join(root, "packages", folder, "dist")))) {
  console.error("The packages are not built: run `pnpm build` first.")
  process.exit(1)
}

const temporary = mkdtempSync(join(tmpdir(), "agentalk-package-check-"))

const readJson = (...path: ReadonlyArray<string>): unknown => JSON.parse(readFileSync(join(...path), "utf8"))

/** Runs a command and returns its standard output. If the command fails, the error contains all its output. */
const run = (cwd: string, command: string, args: ReadonlyArray<string>, env: Record<string, string> = {}): string => {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", ...env },
    timeout: 300_000
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} exited with code ${status}\n${stdout}\n${stderr}`)
  return stdout
}

const results: Array<{ readonly name: string; readonly outcome: string; readonly milliseconds: number }> = []

/** Runs a check and adds a row to the final table. The next check runs even if this one fails. */
const check = async (name: string, f: () => void | Promise<void>): Promise<boolean> => {
  const start = performance.now()
  let outcome = "passed"
  try {
    await f()
  } catch (error) {
    outcome = "FAILED"
    console.error(`\n${name}:\n${error instanceof Error ? error.message : String(error)}\n`)
  }
  results.push({ name, outcome, milliseconds: performance.now() - start })
  return outcome !== "FAILED"
}

const pack = (folder: string) => {
  const tarball = JSON.parse(
    run(join(root, "packages", folder), "pnpm", ["pack", "--json", "--pack-destination", temporary])
  ) as { readonly filename: string; readonly files: ReadonlyArray<{ readonly path: string }> }
  const manifest = readJson(root, "packages", folder, "package.json") as Manifest
  // The modules that "./*" exports, without those that the manifest excludes.
  const modules = tarball.files
    .flatMap(({ path }) => /^dist\/([^/]+)\.js$/.exec(path)?.[1] ?? [])
    .filter((name) => name !== "index" && manifest.exports[`./${name}`] !== null)
  return { filename: tarball.filename, folder, manifest, modules }
}

/** Returns the lines of the declarations that contain `any` outside comments and literals. */
const findAny = (folder: string): ReadonlyArray<string> => {
  const dist = join(root, "packages", folder, "dist")
  const declarations = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".d.ts"))
  if (declarations.length === 0) throw new Error(`${dist} contains no declarations`)
  return declarations.flatMap((path) => {
    const code = readFileSync(join(dist, path), "utf8")
      .replace(/\/\*[^]*?\*\/|"(?:[^"\\\n]|\\.)*"/g, (skipped) => skipped.replace(/[^\n]/g, " "))
      .split("\n")
    return code.flatMap((line, index) => (/\bany\b/.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))
  })
}

/** The first program of the README. */
const firstProgram = (): string => {
  const program = /^```ts\b.*\n([^]*?)^```/m.exec(readFileSync(join(root, "README.md"), "utf8"))?.[1]
  if (program === undefined) throw new Error("README.md has no ts code block")
  return program
}

/** A program that runs a sandbox server until it is killed. It first prints the environment variables for a client. */
const sandboxSource = `import { Sandbox } from "@agentalk/core"
import { SandboxServer } from "@agentalk/node"
import { Effect, Redacted } from "effect"

const sandbox = Effect.gen(function* () {
  const { url } = yield* SandboxServer.Address
  console.log(JSON.stringify({ AGENTALK_API_TOKEN: Redacted.value(Sandbox.token), AGENTALK_BASE_URL: url }))
  return yield* Effect.never
})

Effect.runFork(Effect.provide(sandbox, SandboxServer.layer))
`

/** Runs the first program twice. Its contact is new to the sandbox only in the first run. */
const runAgainstSandbox = async (project: string): Promise<void> => {
  const sandbox = spawn(process.execPath, ["sandbox.ts"], { cwd: project, stdio: ["ignore", "pipe", "inherit"] })
  try {
    const ended = once(sandbox, "exit").then(() => Promise.reject(new Error("the sandbox exited before it listened")))
    const [line] = (await Promise.race([once(sandbox.stdout, "data"), ended])) as [Buffer]
    const env = JSON.parse(line.toString()) as Record<string, string>
    for (const expected of ["created", "not new"]) {
      const printed = run(project, process.execPath, ["program.ts"], env).trim()
      if (printed !== expected) throw new Error(`it printed ${JSON.stringify(printed)} instead of "${expected}"`)
    }
  } finally {
    sandbox.kill()
  }
}

/** Creates an empty project with the tarballs and one version of Effect, and runs the first steps of a user in it. */
const consume = async (effect: string): Promise<void> => {
  const project = join(temporary, `effect-${effect}`)
  const tools = (readJson(root, "package.json") as Manifest).devDependencies
  // Effect's own packages are released together and must have the same version.
  const effectPackages = new Set([
    "effect",
    ...packages.flatMap(({ manifest }) => Object.keys(manifest.dependencies ?? {}))
  ])
  const wanted = [
    ...packages.map(({ filename }) => filename),
    ...[...effectPackages].filter((name) => /^(effect$|@effect\/)/.test(name)).map((name) => `${name}@${effect}`),
    ...["typescript", "@types/node"].map((name) => `${name}@${tools[name]}`)
  ]
  mkdirSync(project)
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }))
  const compilerOptions = {
    target: "ES2024",
    module: "NodeNext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: false
  }
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }))
  writeFileSync(join(project, "program.ts"), firstProgram())
  writeFileSync(join(project, "sandbox.ts"), sandboxSource)
  const specifiers = packages.flatMap(({ manifest, modules }) =>
    ["", ...modules.map((m) => `/${m}`)].map((m) => manifest.name + m)
  )
  writeFileSync(join(project, "exports.ts"), specifiers.map((s, i) => `export * as _${i} from "${s}"\n`).join(""))

  const installed = await check(`effect ${effect}: npm install`, () => {
    run(project, "npm", ["install", "--no-audit", "--no-fund", ...wanted])
    const lock = readJson(project, "package-lock.json") as {
      packages: Record<string, { version?: string; resolved?: string }>
    }
    for (const name of ["effect", ...packages.map(({ manifest }) => manifest.name)]) {
      const copies = Object.entries(lock.packages).filter(([path]) => path.endsWith(`node_modules/${name}`))
      if (copies.length !== 1) throw new Error(`${copies.length} copies of ${name}: ${JSON.stringify(copies)}`)
      if (name === "effect" ? copies[0]?.[1].version !== effect : !copies[0]?.[1].resolved?.startsWith("file:")) {
        throw new Error(`npm installed another ${name} than requested: ${JSON.stringify(copies)}`)
      }
    }
  })
  if (!installed) return
  await check(`effect ${effect}: the first program and all exports type-check`, () => {
    run(project, join(project, "node_modules/.bin/tsc"), ["--noEmit"])
  })
  await check(`effect ${effect}: ${specifiers.length} exports load`, () => {
    run(project, process.execPath, ["exports.ts"])
  })
  await check(`effect ${effect}: internal modules are closed`, () => {
    for (const { manifest } of packages) {
      const source = `import("${manifest.name}/internal/any").catch((e) => process.exit(e.code === "ERR_PACKAGE_PATH_NOT_EXPORTED" ? 0 : 1)).then(() => process.exit(1))`
      run(project, process.execPath, ["-e", source])
    }
  })
  await check(`effect ${effect}: the first program runs against a sandbox`, () => runAgainstSandbox(project))
}

const packages = folders.map(pack)

for (const { filename, folder, manifest, modules } of packages) {
  await check(`${manifest.name}: the declarations contain no any`, () => {
    const found = findAny(folder)
    if (found.length > 0) throw new Error(found.join("\n"))
  })
  await check(`${manifest.name}: publint --strict`, () => {
    run(temporary, "publint", ["--strict", filename])
  })
  await check(`${manifest.name}: attw --profile esm-only`, () => {
    // attw does not expand the wildcard export, so its modules are listed.
    run(temporary, "attw", [filename, "--profile", "esm-only", ...modules.flatMap((m) => ["--include-entrypoints", m])])
  })
}

const range = packages[0]?.manifest.peerDependencies["effect"] ?? ""
const floor = range.replace("^", "")
const newest = [JSON.parse(run(temporary, "npm", ["view", `effect@${range}`, "version", "--json"]))]
  .flat()
  .at(-1) as string

await consume(floor)
if (newest === floor)
  console.log(`effect ${floor} is both the lowest and the newest version of ${range}, so it is checked once.`)
else await consume(newest)

const width = Math.max(...results.map(({ name }) => name.length))
console.log("")
for (const { name, outcome, milliseconds } of results) {
  console.log(`${name.padEnd(width)}  ${(milliseconds / 1000).toFixed(1).padStart(5)} s  ${outcome}`)
}

if (results.some(({ outcome }) => outcome === "FAILED")) {
  console.error(`\nThe tarballs and projects are kept in ${temporary}`)
  process.exitCode = 1
} else {
  rmSync(temporary, { recursive: true })
}
