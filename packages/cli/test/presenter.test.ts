/** Usage errors: they name what is wrong, suggest a similar name, and never quote an argument. */
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
      const { err, out, status } = yield* run(command.split(" "))
      assert.strictEqual(status, 2)
      assert.strictEqual(out, "")
      assert.include(err.split("\n")[0], `UsageError: ${expected}`)
      assert.notInclude(err, secret)
      assert.match(err, /Run `agentalk[a-z -]* --help` to see how it is used\.$/)
    }).pipe(Effect.provide(SandboxServer.layer))
  )

  it.effect.each(errors)("of `agentalk %s` is one JSON document with --json", ([command, expected]) =>
    Effect.gen(function* () {
      const { err, out, status } = yield* run(["--json", ...command.split(" ")])
      assert.deepStrictEqual([status, out], [2, ""])
      const { error } = JSON.parse(err) as { readonly error: { readonly tag: string; readonly message: string } }
      assert.strictEqual(error.tag, "UsageError")
      assert.include(error.message, expected)
      assert.notInclude(err, secret)
    }).pipe(Effect.provide(SandboxServer.layer))
  )

  it.effect("says that the command is missing if --json has no command", () =>
    Effect.gen(function* () {
      const { err, status } = yield* run(["--json"])
      assert.strictEqual(status, 2)
      assert.include(err, "a command is missing")
    }).pipe(Effect.provide(SandboxServer.layer))
  )
})
