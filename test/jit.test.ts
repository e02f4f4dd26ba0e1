import { assert, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const run = (...args: ReadonlyArray<string>): { readonly made: number; readonly result: unknown } => {
  const { stderr, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" })
  assert.strictEqual(stderr, "")
  return JSON.parse(stdout)
}

const program = fileURLToPath(new URL("fixtures/compiled.ts", import.meta.url))

it(
  "compiled schemas give what interpreted ones give, and a runtime that forbids them goes on without",
  { timeout: 60_000 },
  () => {
    const interpreted = run(program)
    const compiled = run(program, "jit")
    const forbidden = run("--disallow-code-generation-from-strings", program, "jit")
    assert.strictEqual(interpreted.made, 0)
    assert.isAbove(compiled.made, 3)
    assert.strictEqual(forbidden.made, 0)
    assert.deepStrictEqual(compiled.result, interpreted.result)
    assert.deepStrictEqual(forbidden.result, interpreted.result)
  }
)
