import { Sandbox } from "@agentalk/core"
import { assert, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as AgentalkNode from "../src/AgentalkNode.ts"
import type * as UndiciHttpClient from "../src/UndiciHttpClient.ts"
import { layerContacts } from "./programs/options.ts"

const read = (url: URL): string => readFileSync(url, "utf8")

const readme = read(new URL("../README.md", import.meta.url))

const quickStart = new URL("../../../examples/src/01-quick-start.ts", import.meta.url)
const optionsProgram = new URL("./programs/options.ts", import.meta.url)
const sandboxProgram = new URL("./programs/sandbox.ts", import.meta.url)

/** The code in the first cells of the table that has a row for `code`. */
const tableWith = (code: string): ReadonlyArray<string> => {
  const tables = readme.split(/\n(?!\|)/).map((block) => block.match(/^\| `[^`]+`/gm) ?? [])
  const cells = tables.map((rows) => rows.map((row) => row.slice(3, -1)))
  return cells.find((names) => names.includes(code)) ?? []
}

it("README.md shows programs that are compiled and run", () => {
  const programs = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, program]) => program)
  // Other tests run the quick start.
  assert.deepStrictEqual(programs, [quickStart, optionsProgram, sandboxProgram].map(read))
})

it.effect("the layer with options of README.md can be built", () => Layer.build(layerContacts(Sandbox.token)))

it.live("the sandbox program of README.md prints the output that README.md shows", () =>
  Effect.gen(function* () {
    const { stdout } = yield* Effect.promise(() =>
      promisify(execFile)(process.execPath, [fileURLToPath(sandboxProgram)], { env: {} })
    )
    assert.include(readme, `\`\`\`\n${stdout}\`\`\``)
  })
)

it.effect("README.md lists the environment variables that are read, and no others", () =>
  Effect.gen(function* () {
    const names = new Set<string>()
    const provider = ConfigProvider.make((path) =>
      Effect.sync(() => {
        const name = path.join("_")
        names.add(name)
        return name === "AGENTALK_API_TOKEN" ? ConfigProvider.makeValue(Redacted.value(Sandbox.token)) : undefined
      })
    )
    yield* Layer.build(Layer.provide(AgentalkNode.layer, ConfigProvider.layer(provider)))
    assert.sameMembers([...tableWith("AGENTALK_API_TOKEN")], [...names])
  })
)

it("README.md lists the options of the connection pool, and no others", () => {
  const options: Record<keyof UndiciHttpClient.Options, true> = {
    connections: true,
    pipelining: true,
    keepAliveTimeout: true,
    connectTimeout: true,
    maxBodyBytes: true
  }
  assert.sameMembers([...tableWith("connections")], Object.keys(options))
})
