/** The messages of usage errors. They name the problem, suggest a similar name, and never quote an argument. */
import * as SandboxServer from "@agentalk/node/SandboxServer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run } from "./InProcess.ts"

const secret = "5a4db0c5-1111-4000-8000-000000000000.secret"

/** The arguments, and the first line on standard error. */
const errors: ReadonlyArray<readonly [string, string]> = [
  ["contacts upsert", "--phone is required"],
  ["contacts delete", "<id> is required"],
  ["contacts search --name", "--name: the value is missing. Expected NAME"],
  ["contacts search --name Jane --limit ten", "--limit: Expected a string representing a finite number"],
  [`contacts clear-field id email ${secret}`, "too many arguments. Quote a value with spaces"],
  ["contacts serch", "`agentalk contacts` has no such subcommand. Did you mean search?"],
  [`contacts ${secret}`, "`agentalk contacts` has no such subcommand."],
  ["contacts search --nam Jane", "there is no such flag --nam. Did you mean --name?"],
  ["contacts search --name Jane --zzzzzzzz", "there is no such flag --zzzzzzzz."],
  [`contacts search --name Jane --${secret}`, "there is no such flag."],
  ["contacts search --name Jane -xyz", "there is no such flag."]
]

describe("a usage error", () => {
  it.effect.each(errors)("of `agentalk %s` is %s", ([command, expected]) =>
    Effect.gen(function* () {
      const { status, stderr, stdout } = yield* run(command.split(" "))
      assert.strictEqual(status, 2)
      assert.strictEqual(stdout, "")
      assert.include(stderr.split("\n")[0], `UsageError: ${expected}`)
      assert.notInclude(stderr, secret)
      assert.match(stderr, /Run `agentalk[a-z -]* --help` to see its usage\.$/)
    }).pipe(Effect.provide(SandboxServer.layer))
  )

  it.effect.each(errors)("of `agentalk %s` is one JSON document with --json", ([command, expected]) =>
    Effect.gen(function* () {
      const { status, stderr, stdout } = yield* run(["--json", ...command.split(" ")])
      assert.deepStrictEqual([status, stdout], [2, ""])
      const { error } = JSON.parse(stderr) as { readonly error: { readonly tag: string; readonly message: string } }
      assert.strictEqual(error.tag, "UsageError")
      assert.include(error.message, expected)
      assert.notInclude(stderr, secret)
    }).pipe(Effect.provide(SandboxServer.layer))
  )

  it.effect("says that the subcommand is missing if there is only --json", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* run(["--json"])
      assert.strictEqual(status, 2)
      assert.include(stderr, "a subcommand is missing")
    }).pipe(Effect.provide(SandboxServer.layer))
  )
})
