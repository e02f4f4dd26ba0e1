import * as Core from "@agentalk/core"
import { AgentalkNode } from "@agentalk/node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import manifest from "../package.json" with { type: "json" }

const root = join(import.meta.dirname, "..")
const readme = readFileSync(join(root, "README.md"), "utf8")

/** The pages for people. */
const pages = ["README.md", ...readdirSync(join(root, "docs")).map((file) => join("docs", file))].map((path) => ({
  path,
  page: readFileSync(join(root, path), "utf8")
}))

// --- what stands in a page ----------------------------------------------------------------------------------------

/** Without the indentation that all lines share, and without blank lines around. */
const dedent = (text: string): string => {
  const lines = text.replaceAll("\r", "").split("\n")
  const indents = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/))
  const shared = indents.length === 0 ? 0 : Math.min(...indents)
  return lines
    .map((line) => line.slice(shared).trimEnd())
    .join("\n")
    .replace(/^\n+|\n+$/g, "")
}

const fences = (page: string, ...languages: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...page.matchAll(/^ *```(\w+)[^\n]*\n(.*?)^ *```$/gms)]
    .filter(([, language = ""]) => languages.includes(language))
    .map(([, , text = ""]) => dedent(text))

/** The rows of every table, their heads left out. */
const tables = (page: string): ReadonlyArray<ReadonlyArray<string>> =>
  [...page.matchAll(/^\|[^\n]*\n\|[ :|-]+\|\n((?:\|[^\n]*\n?)+)/gm)].map(([, rows = ""]) => rows.trim().split("\n"))

const cellsOf = (row: string): ReadonlyArray<string> =>
  row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim())

/** What stands between backticks. */
const codeIn = (text: string): ReadonlyArray<string> => [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code)

/** The first cells, without the backticks around them, of the one table in which one of them is like this. */
const tableWith = (like: RegExp): ReadonlyArray<string> => {
  const [found = [], ...others] = tables(readme)
    .map((rows) => rows.map((row) => (cellsOf(row)[0] ?? "").replace(/^`|`$/g, "")))
    .filter((cells) => cells.some((cell) => like.test(cell)))
  assert.deepStrictEqual(others, [], `one table with ${like}`)
  return found
}

/** What a fence may be: a whole file, or what stands between `// #region name` and `// #endregion`. */
const excerpts = (source: string): ReadonlyArray<string> => [
  dedent(source),
  ...[...source.matchAll(/^ *\/\/ #region [^\n]*\n(.*?)^ *\/\/ #endregion/gms)].map(([, text = ""]) => dedent(text))
]

const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-")

const builtIns = new Set(["add", "dlx", "exec", "install", "pack", "publish"])

it("README.md and docs show programs, and link to one another", () => {
  assert.isNotEmpty(fences(readme, "ts"))
  assert.include(readme, "](docs/telemetry.md)")
})

describe("README.md", () => {
  it("names scripts that exist, and the pnpm that is pinned", () => {
    const commands = [...fences(readme, "sh", "bash", "shell", "console"), ...(readme.match(/`[^`\n]+`/g) ?? [])]
    const calls = [...commands.join("\n").matchAll(/\bpnpm(@[\w.]+)?(?: run)?(?: +([a-z][\w:-]*))?/g)]
    const scripts = calls.flatMap(([, , script]) => (script === undefined || builtIns.has(script) ? [] : [script]))
    assert.isNotEmpty(scripts)
    assert.includeMembers(Object.keys(manifest.scripts), scripts)
    const pinned = calls.flatMap(([, version]) => (version === undefined ? [] : [`pnpm${version}`]))
    assert.deepStrictEqual([...new Set(pinned)], [manifest.packageManager])
  })

  it.effect("lists the environment variables that are read, and no others", () =>
    Effect.gen(function* () {
      const values = new Map([["AGENTALK_API_TOKEN", Redacted.value(Core.Sandbox.token)]])
      const read = new Set<string>()
      const environment = ConfigProvider.make((path) =>
        Effect.sync(() => {
          const name = path.join("_")
          read.add(name)
          const value = values.get(name)
          return value === undefined ? undefined : ConfigProvider.makeValue(value)
        })
      )
      yield* Layer.build(Layer.provide(AgentalkNode.layer, ConfigProvider.layer(environment)))
      assert.sameMembers([...tableWith(/^AGENTALK_/)], [...read])
    })
  )

  it("lists the operations that there are, and no others", () => {
    const methods = tableWith(/^search\(/).map((cell) => cell.replace(/\(.*/, ""))
    assert.sameMembers(methods, [...Core.Operation.literals])
  })

  it("lists the errors that there are, and no others", () => {
    const errors = Object.entries(Core).filter(
      ([, value]) => typeof value === "function" && Core.isAgentalkError(value.prototype)
    )
    assert.sameMembers(
      [...tableWith(/^NotFound$/)],
      errors.map(([name]) => name)
    )
  })
})

const examples = join(root, "examples/src")
const known = readdirSync(examples).flatMap((file) => excerpts(readFileSync(join(examples, file), "utf8")))

describe.each(pages)("$path", ({ page, path }) => {
  it("shows programs that are compiled and run", () => {
    for (const program of fences(page, "ts", "typescript")) assert.include(known, program)
  })

  it("links to what exists", () => {
    const links = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link)
    const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchor(heading))
    for (const link of links.filter((link) => !/^[a-z]+:/i.test(link))) {
      const [target = "", fragment] = link.split("#")
      assert.isTrue(existsSync(join(root, dirname(path), target)), link)
      if (target === "" && fragment !== undefined) assert.include(headings, fragment)
    }
  })
})

it("docs/telemetry.md lists the metrics that there are, with their units and attributes", () => {
  const page = pages.find(({ path }) => path === join("docs", "telemetry.md"))?.page ?? ""
  const rows = tables(page).find(([first = ""]) => first.startsWith("| `agentalk.client.")) ?? []
  const listed = rows.map((row) => {
    const [name = "", type = "", unit = "", attributes = "", description = ""] = cellsOf(row)
    return [codeIn(name)[0], { type, unit: codeIn(unit)[0], attributes: codeIn(attributes), description }]
  })
  assert.deepStrictEqual(Object.fromEntries(listed), { ...Core.Telemetry.metrics })
})

describe("a fence", () => {
  it("may be a region of an example", () => {
    const page = "1. a step\n\n   ```ts\n   if (a) {\n     b()\n   }\n   ```\n"
    const source = "before()\n\n  // #region step\n  if (a) {\n    b()\n  }\n  // #endregion\n"
    assert.deepStrictEqual(fences(page, "ts"), excerpts(source).slice(1))
    assert.deepStrictEqual(fences("```tsx\na\n```\n", "ts"), [])
  })
})
