/**
 * Lists the runtime dependencies of the packages with their versions and licences. It fails if a dependency has a licence
 * that is not allowed, has an install script, or has no justification in docs/dependencies.md.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"

const root = dirname(import.meta.dirname)

const allowed: ReadonlySet<string> = new Set(["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD"])

// npm runs each of these when it installs a package.
const installScripts = ["preinstall", "install", "postinstall"]

type Names = Readonly<Record<string, string>>

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly scripts?: Names
  readonly dependencies?: Names
  readonly optionalDependencies?: Names
  readonly peerDependencies?: Names
}

interface Installed extends Manifest {
  readonly folder: string
}

const load = (folder: string): Installed => ({
  ...(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest),
  folder
})

const dependenciesOf = ({ dependencies, optionalDependencies, peerDependencies }: Manifest): ReadonlyArray<string> =>
  Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })

/** Returns the folder in which Node finds a package, or `undefined` for an optional package of another platform. */
const find = (name: string, from: string): string | undefined => {
  const folder = join(from, "node_modules", name)
  if (existsSync(join(folder, "package.json"))) return realpathSync(folder)
  return dirname(from) === from ? undefined : find(name, dirname(from))
}

const packages = ["core", "node", "import", "cli"].map((name) => load(join(root, "packages", name)))
const own = new Set(packages.map(({ name }) => name))

const problems: Array<string> = []
const found = new Map<string, Installed>()
const visit = (parent: Installed): void => {
  for (const name of dependenciesOf(parent)) {
    const folder = find(name, parent.folder)
    if (folder === undefined) {
      if (parent.dependencies?.[name] !== undefined) problems.push(`${name} is not installed: run pnpm install`)
    } else if (!found.has(folder) && !own.has(name)) {
      const installed = load(folder)
      found.set(folder, installed)
      visit(installed)
    }
  }
}
for (const each of packages) visit(each)

const direct = new Set(packages.flatMap(dependenciesOf).filter((name) => !own.has(name)))
const listed = [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))

for (const { folder, license, name, scripts = {}, version } of listed) {
  if (license === undefined || !allowed.has(license)) {
    problems.push(`${name} ${version} has the licence ${license ?? "(none)"}, which is not allowed`)
  }
  const runs = installScripts.filter((script) => scripts[script] !== undefined)
  if (existsSync(join(folder, "binding.gyp"))) runs.push("binding.gyp")
  if (runs.length > 0) problems.push(`${name} ${version} runs a script when it is installed: ${runs.join(", ")}`)
}

const page = readFileSync(join(root, "docs/dependencies.md"), "utf8")
const rows = page.matchAll(/^\| `([^`]+)` +\| ([^|]+?) +\| ([^|]+?) +\|$/gm)
const justified = new Map([...rows].map(([, name = "", users = ""]) => [name, users]))
for (const name of direct) {
  const users = packages.filter((each) => dependenciesOf(each).includes(name)).map((each) => `\`${each.name}\``)
  if (justified.get(name) !== users.join(", ")) {
    problems.push(`docs/dependencies.md does not list ${name} as a dependency of ${users.join(", ")}`)
  }
}
for (const name of justified.keys()) {
  if (!direct.has(name))
    problems.push(`docs/dependencies.md lists ${name}, which is no longer a dependency: remove its row`)
}

if (!existsSync(join(root, "pnpm-lock.yaml"))) problems.push("pnpm-lock.yaml is missing")
const workspace = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8")
const builds = /^allowBuilds:(.*(?:\n[ \t].*)*)/m.exec(workspace)?.[1]
if (builds === undefined) problems.push("pnpm-workspace.yaml has no allowBuilds")
else if (/:\s*["']?true/.test(builds)) problems.push("allowBuilds allows a package to run install scripts")
if (/dangerouslyAllowAllBuilds:\s*["']?true/.test(workspace))
  problems.push("dangerouslyAllowAllBuilds allows every package to run install scripts")

const lines = listed.map(({ license = "", name, version }) =>
  [direct.has(name) ? "direct    " : "transitive", name.padEnd(30), version.padEnd(10), license].join("  ")
)
Effect.runSync(Console.log(lines.join("\n")))
if (problems.length > 0) {
  Effect.runSync(Console.error(`\n${problems.join("\n")}`))
  process.exitCode = 1
}
