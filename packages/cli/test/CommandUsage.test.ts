/** Wrong usage, wrong settings and help, within the process of the test. */
import * as SandboxServer from "@agentalk/node/SandboxServer"
import { assert, layer } from "@effect/vitest"
import type * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Cli from "../src/Cli.ts"
import { environment, run } from "./InProcess.ts"

const id = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

const search = ["contacts", "search", "--name", "x"]

const upsert = ["contacts", "upsert", "--phone", "+12025550143"]

const wrongUsages: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: string]> = [
  [["contacts", "bogus"], "`agentalk contacts` has no such subcommand."],
  [["contacts", "serch", "--name", "x"], "Did you mean search?"],
  [["contacts", "upsert"], "--phone is required"],
  [["contacts", "delete"], "<id> is required"],
  [["contacts", "search"], "a search requires --name, --phone or both"],
  [["contacts", "search", "x"], "too many arguments"],
  [[...search, "--token", "hunter2"], "there is no such flag --token."],
  [[...search, "--nme", "hunter2"], "there is no such flag --nme. Did you mean --name?"],
  [[...search, "--hunter2"], "there is no such flag.\n"],
  [[...search, "-xunter2"], "there is no such flag.\n"],
  [[...search, "--phone", "1", "--phone", "hunter2"], "--phone: Expected at most 1 value"],
  [[...search, "--limit", "hunter2"], "--limit: Expected a string representing a finite number"],
  [[...search, "--limit"], "--limit: the value is missing. Expected N"],
  [[...search, "--retries", "-1"], "--retries: Expected a whole number from 0 to 100"],
  [[...search, "--retries", "101"], "--retries"],
  [[...search, "--timeout", "hunter2"], "--timeout: Expected a time above zero"],
  [[...search, "--timeout", "0"], "--timeout: Expected a time above zero"],
  [[...search, "--timeout=-5s"], "--timeout: Expected a time above zero"],
  [[...search, "--base-url", "http://example.com"], "--base-url: Expected https"],
  [[...search, "--base-url", "ftp://x"], "--base-url: Expected an absolute https URL"],
  [[...search, "--organization", "hunter2"], "--organization: Expected the id of an organization"],
  [[...search, "--all", "--offset", "1"], "--all and --offset cannot be combined"],
  [["contacts", "search", "--name", " "], "--name: Expected text that is not blank"],
  [["contacts", "search", "--phone", ""], "--phone: the value is missing. Expected text that is not blank"],
  [["contacts", "set-fields", id], "set-fields requires --field or --field-json"],
  [["contacts", "set-fields", id, "--field", "city"], "--field: Expected KEY=VALUE"],
  [["contacts", "set-fields", id, "--field-json", "a=hunter2"], "--field-json: Expected KEY=JSON"],
  [["contacts", "set-fields", id, "--field-json", "hunter2"], "--field-json: Expected KEY=JSON"],
  [["contacts", "set-fields", id, "--field", "a=1", "--field-json", "a=2"], "a field is given twice"],
  [[...upsert, "--field", "=hunter2"], "--field: Expected KEY=VALUE"],
  [["contacts", "import", "none.csv", "--concurrency", "0"], "--concurrency: Expected a whole number from 1 to 1000"],
  [["contacts", "import", "none.csv", "--rate", "hunter2"], "--rate: Expected a rate limit, such as 10/s"],
  [["contacts", "import", "none.csv", "--drain", "soon"], "--drain: Expected a time above zero"],
  [["contacts", "import", "none.csv", "--give-up-after", "0"], "--give-up-after: Expected a time above zero"],
  [["contacts", "import", "none.csv", "--map", "hunter2"], "--map: Expected COLUMN=KEY"],
  [["contacts", "import", "none.csv", "--format", "hunter2"], '--format: Expected "csv" | "ndjson"'],
  [["contacts", "import", "none.csv", "--dry-run", "--resume"], "--dry-run sends nothing"],
  [["contacts", "import", "none.csv"], "no such file"],
  [["contacts", "import", "contacts.txt"], "no such file"],
  [["contacts", "export", "--name", "x", "--out", "none/j.txt"], "add --format"],
  [["contacts", "export", "--name", "x", "--json", "--format", "csv"], "--json and --format csv cannot be combined"],
  [["sandbox", "--port", "70000"], "--port: Expected a whole number from 0 to 65535"],
  [["sandbox", "--seed", "-1"], "--seed: Expected a whole number from 0 to 1000000"]
]

/** The path of every command that does something. */
const commandPaths = (
  command: Command.Command.Any,
  path: ReadonlyArray<string> = []
): ReadonlyArray<ReadonlyArray<string>> => {
  const subcommands = command.subcommands.flatMap(({ commands }) => [...commands])
  return subcommands.length === 0
    ? [path]
    : subcommands.flatMap((subcommand) => commandPaths(subcommand, [...path, subcommand.name]))
}

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("the command", (it) => {
  it.effect("fails with status 2 and two lines that quote no value if it is used wrongly", () =>
    Effect.gen(function* () {
      for (const [args, message] of wrongUsages) {
        const { status, stderr, stdout } = yield* run(args)
        assert.strictEqual(status, 2, args.join(" "))
        assert.include(stderr, message)
        assert.notInclude(stderr, "hunter2")
        assert.strictEqual(stdout, "", args.join(" "))
        assert.lengthOf(stderr.split("\n"), args.includes("--json") ? 1 : 2, stderr)
      }
    })
  )

  it.effect("does not repeat a misplaced token, phone number or e-mail address", () =>
    Effect.gen(function* () {
      const { AGENTALK_API_TOKEN } = yield* environment
      for (const secret of [AGENTALK_API_TOKEN, "+12025550177", "jane@example.com", "Jane"]) {
        for (const args of [[secret], ["contacts", secret], ["contacts", "search", secret]]) {
          const { status, stderr } = yield* run(args)
          assert.strictEqual(status, 2)
          assert.notInclude(stderr, secret)
          assert.match(stderr, /^UsageError: /)
        }
      }
    })
  )

  it.effect("advises to set a missing token instead of unsetting it", () =>
    Effect.gen(function* () {
      for (const token of ["", " "]) {
        const { status, stderr } = yield* run(search, { env: { AGENTALK_API_TOKEN: token } })
        assert.strictEqual(status, 2)
        assert.include(
          stderr,
          "ConfigError: AGENTALK_API_TOKEN is not set\nSet AGENTALK_API_TOKEN, or use --token-file."
        )
        assert.notInclude(stderr, "unset it")
        assert.lengthOf(stderr.split("\n"), 2)
      }
    })
  )

  it.effect("prints one JSON document on standard error with --json, and nothing else", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, status: number, tag: string]> = [
        [["--json"], 2, "UsageError"],
        [["contacts", "--json"], 2, "UsageError"],
        [["contacts", "bogus", "--json"], 2, "UsageError"],
        [["contacts", "search", "--json"], 2, "UsageError"],
        [["contacts", "import", "none.csv", "--json"], 2, "FileFault"],
        [["contacts", "delete", id, "--yes", "--json"], 1, "NotFound"],
        [["contacts", "search", "--name", "nobody at all", "--all", "--json"], 0, ""]
      ]
      for (const [args, status, tag] of cases) {
        const ended = yield* run(args)
        assert.strictEqual(ended.status, status, args.join(" "))
        assert.strictEqual(ended.stdout, "", args.join(" "))
        if (tag === "") assert.strictEqual(ended.stderr, "")
        else assert.nestedPropertyVal(JSON.parse(ended.stderr), "error.tag", tag)
      }
      assert.include((yield* run(["--json"])).stderr, '"message":"a subcommand is missing"')
      // Behind `--`, it is an argument.
      assert.notInclude((yield* run(["contacts", "add-tags", "--", "--json"])).stderr, "{")
      const help = yield* run(["--json", "--help"])
      assert.strictEqual(help.status, 0)
      assert.include(help.stdout, "EXAMPLES")
    })
  )

  it.effect("prints help without arguments, and its version", () =>
    Effect.gen(function* () {
      for (const args of [[], ["--help"]]) {
        const { status, stderr, stdout } = yield* run(args)
        assert.deepStrictEqual([status, stderr], [0, ""])
        assert.include(stdout, "agentalk doctor")
      }
      assert.match((yield* run(["--version"])).stdout, /0\.1\.0/)
      const completions = yield* run(["--completions", "bash"])
      assert.match(completions.stdout, /agentalk[^]*import/)
    })
  )

  it.effect("prints help with examples in 80 columns for every command", () =>
    Effect.gen(function* () {
      const paths = commandPaths(Cli.agentalk)
      assert.isAbove(paths.length, 8)
      for (const path of [[], ...paths]) {
        const { status, stdout } = yield* run([...path, "--help"])
        assert.strictEqual(status, 0)
        assert.match(stdout, /\n\nEXAMPLES\n/)
        for (const line of stdout.split("\n")) assert.isAtMost(line.length, 80, line)
      }
      assert.include((yield* run(["contacts", "export", "--help"])).stdout, "cannot list all")
    })
  )
})
