import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, relative } from "node:path"
import core from "../packages/core/package.json" with { type: "json" }
import node from "../packages/node/package.json" with { type: "json" }
import importer from "../packages/import/package.json" with { type: "json" }
import cli from "../packages/cli/package.json" with { type: "json" }

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | null>>
  readonly publishConfig: { readonly exports: Readonly<Record<string, unknown>> }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
}

const packages: ReadonlyArray<{ readonly folder: string; readonly manifest: Manifest }> = [
  { folder: join(import.meta.dirname, "../packages/core"), manifest: core },
  { folder: join(import.meta.dirname, "../packages/node"), manifest: node },
  { folder: join(import.meta.dirname, "../packages/import"), manifest: importer },
  { folder: join(import.meta.dirname, "../packages/cli"), manifest: cli }
]

const { resolve } = createRequire(import.meta.url)

/** The imports of a module, types included: `import … from`, `export … from`, `import "…"` and `import("…")`. */
const importsOf = (source: string): ReadonlyArray<string> =>
  [
    ...source.matchAll(/^(?:import|export)\b(?:[^"'`;=()]*?\bfrom)?\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm)
  ].map(([, declared, dynamic]) => declared ?? dynamic ?? "")

const isRelative = (specifier: string): boolean => /^\.\.?\//.test(specifier)

/** The name of the package in a specifier such as `effect/http/HttpClient` or `@agentalk/core/Contacts`. */
const packageOf = (specifier: string): string => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier

const sourcesOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(folder, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, "src", file))

describe.each(packages)("$manifest.name", ({ folder, manifest }) => {
  const modules = readdirSync(join(folder, "src"))
    .flatMap((file) => /^(\w+)\.ts$/.exec(file)?.[1] ?? [])
    .filter((module) => module !== "index" && manifest.exports[`./${module}`] !== null)

  it.each(["", ...modules.map((module) => `/${module}`)])(`${manifest.name}%s resolves to its source`, (path) => {
    assert.strictEqual(resolve(manifest.name + path), join(folder, "src", `${path.slice(1) || "index"}.ts`))
  })

  it("does not export internal modules", () => {
    for (const file of ["wire", "any"]) {
      assert.throws(() => resolve(`${manifest.name}/internal/${file}`), /is not (?:defined by "exports"|exported)/)
    }
  })

  it("publishes the same exports as the workspace", () => {
    const { exports } = manifest
    const published = Object.entries(exports).map(([path, target]) => {
      const built = target?.replace("./src/", "./dist/").replace(/\.ts$/, "")
      return [path, target?.endsWith(".ts") ? { types: `${built}.d.ts`, default: `${built}.js` } : target]
    })
    assert.deepStrictEqual(manifest.publishConfig.exports, Object.fromEntries(published))
  })

  it("imports only declared packages and its own files", () => {
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    // The core is for every platform, so it must not import Node's modules.
    const isAllowed = (specifier: string) =>
      declared.includes(packageOf(specifier)) || (manifest !== core && specifier.startsWith("node:"))
    let total = 0
    for (const file of sourcesOf(folder)) {
      for (const specifier of importsOf(readFileSync(file, "utf8"))) {
        total++
        const where = `${relative(folder, file)} imports ${specifier}`
        if (!isRelative(specifier)) assert.isTrue(isAllowed(specifier), where)
        else assert.isTrue(existsSync(join(dirname(file), specifier)), where)
      }
    }
    assert.isAbove(total, modules.length)
  })
})

it("importsOf finds every form of import", () => {
  const source = [
    'import { a } from "one"',
    "import {",
    "  b",
    '} from "two"',
    'import "three"',
    'export * as c from "four"',
    'const d = await import("five")',
    'import type { E } from "node:fs"',
    'export const f = "nowhere"',
    '// an import from "nowhere"'
  ].join("\n")
  assert.deepStrictEqual(importsOf(source), ["one", "two", "three", "four", "five", "node:fs"])
})
