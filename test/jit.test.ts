import { assert, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const run = (...args: ReadonlyArray<string>): { readonly compiledCount: number; readonly result: unknown } => {
  const { stderr, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" })
  assert.strictEqual(stderr, "")
  return JSON.parse(stdout)
}

const program = fileURLToPath(new URL("fixtures/compiled.ts", import.meta.url))

it(
  "compiled schemas return the same results as interpreted schemas, and Jit.enable compiles nothing if code generation is disallowed",
  { timeout: 60_000 },
  () => {
    const interpreted = run(program)
    const compiled = run(program, "jit")
    const forbidden = run("--disallow-code-generation-from-strings", program, "jit")
    assert.strictEqual(interpreted.compiledCount, 0)
    assert.isAbove(compiled.compiledCount, 3)
    assert.strictEqual(forbidden.compiledCount, 0)
    assert.deepStrictEqual(compiled.result, interpreted.result)
    assert.deepStrictEqual(forbidden.result, interpreted.result)
  }
)
