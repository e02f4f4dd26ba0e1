/** The real binary: its exit status, its standard streams, and the sandbox. The other tests run within their process. */
import { Sandbox } from "@agentalk/core"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import { assert, layer, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Agentalk from "./Agentalk.ts"
import { run } from "./InProcess.ts"

const unknownId = "5a4db0c5-0000-4000-8000-00000000dead"

const json = (text: string): unknown => JSON.parse(text)

/** Runs the binary against the sandbox of the test. */
const agentalk = (args: ReadonlyArray<string>, options: Agentalk.RunOptions = {}) =>
  Effect.flatMap(SandboxServer.Address, ({ url }) =>
    Agentalk.run(args, { ...options, env: { ...Agentalk.environment(url), ...options.env } })
  )

vi.setConfig({ testTimeout: 60_000 })

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("the binary", (it) => {
  it.effect("prints results on standard output and errors on standard error, and exits with the status", () =>
    Effect.gen(function* () {
      const upsert = "contacts upsert --phone +12025550143 --first-name Jane --json".split(" ")
      const [created, missing, misused, unset] = yield* Effect.all(
        [
          agentalk(upsert),
          agentalk(["contacts", "delete", unknownId, "--yes"]),
          agentalk(["contacts", "search", "--json"]),
          agentalk(["contacts", "search", "--name", "x"], { env: { AGENTALK_API_TOKEN: "" } })
        ],
        { concurrency: 2 }
      )
      assert.deepStrictEqual([created.status, created.stderr], [0, ""])
      assert.nestedPropertyVal(json(created.stdout), "contact.firstName", "Jane")
      assert.isTrue(created.stdout.endsWith("}\n"))
      assert.deepStrictEqual([missing.status, missing.stdout], [1, ""])
      assert.match(missing.stderr, /^NotFound: [^\n]*\nCheck [^\n]*\n$/)
      assert.deepStrictEqual([misused.status, misused.stdout], [2, ""])
      assert.nestedPropertyVal(json(misused.stderr), "error.tag", "UsageError")
      assert.deepStrictEqual([unset.status, unset.stdout], [2, ""])
      assert.match(unset.stderr, /^ConfigError: AGENTALK_API_TOKEN is not set\n/)
    })
  )

  it.effect("imports from standard input, and exits with status 3 if a row is invalid", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const args = ["contacts", "import", "-", "--format", "csv", "--report", "-", "--json"]
      const imported = yield* agentalk(args, { cwd, input: "phone\n+12025550151\nbad\n" })
      assert.strictEqual(imported.status, 3, imported.stderr)
      const lines = imported.stdout.trimEnd().split("\n").map(json)
      assert.lengthOf(lines, 3)
      assert.deepInclude(lines.at(-1), { rows: 2, created: 1, invalid: 1 })
    }).pipe(Effect.scoped)
  )

  it.effect("prints the command that resumes an import with the arguments of the process", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      writeFileSync(join(cwd, "Jane's file.csv"), "phone\n+12025550151\n")
      const stopped = yield* agentalk(["contacts", "import", "Jane's file.csv"], {
        cwd,
        env: { AGENTALK_API_TOKEN: `${Sandbox.organization}.wrong` }
      })
      assert.strictEqual(stopped.status, 1)
      assert.include(stopped.stderr, String.raw`agentalk contacts import 'Jane'\''s file.csv' --resume`)
    }).pipe(Effect.scoped)
  )

  it.effect("stops an import if the disk is full, and resumes it later", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const rows = 3000
      const path = join(cwd, "in.csv")
      writeFileSync(
        path,
        `phone,first_name\n${Array.from({ length: rows }, (_, n) => `5520${100_000 + n},F\n`).join("")}`
      )
      // The size limit of a file, in blocks of 512 bytes.
      const script = 'ulimit -f 120; trap "" XFSZ; exec "$0" "$@"'
      const stopped = yield* agentalk(["contacts", "import", path], {
        through: ["sh", "-c", script],
        env: { NODE_DISABLE_COMPILE_CACHE: "1" }
      })
      assert.strictEqual(stopped.status, 2, stopped.stderr)
      assert.include(stopped.stderr, "the report cannot be written")
      assert.include(stopped.stderr, `agentalk contacts import ${path} --resume`)
      const report = `${path}.report.ndjson`
      assert.isAtMost(statSync(report).size, 61_440)
      const resumed = yield* run(["contacts", "import", path, "--resume", "--json"])
      assert.strictEqual(resumed.status, 0, resumed.stderr)
      assert.deepInclude(json(resumed.stdout), { rows, failed: 0, invalid: 0 })
      const reported = readFileSync(report, "utf8").trimEnd().split("\n")
      assert.deepStrictEqual(
        reported.map((line) => (json(line) as { readonly row: number }).row).toSorted((a, b) => a - b),
        Array.from({ length: rows }, (_, index) => index + 1)
      )
    }).pipe(Effect.scoped)
  )

  it.effect.runIf(existsSync("/dev/full"))("fails if standard output cannot be written", () =>
    Effect.gen(function* () {
      const through = ["sh", "-c", 'exec "$0" "$@" > /dev/full']
      const [plain, asJson] = yield* Effect.all(
        [
          agentalk(["doctor", "--quiet"], { through }),
          agentalk(["contacts", "search", "--name", "nobody", "--json"], { through })
        ],
        { concurrency: 2 }
      )
      assert.deepStrictEqual(
        [plain.status, plain.stderr],
        [
          2,
          "FileFault: standard output cannot be written (ENOSPC)\nFree some space or redirect the output, and run the command again.\n"
        ]
      )
      assert.strictEqual(asJson.status, 2)
      assert.nestedPropertyVal(json(asJson.stderr), "error.tag", "FileFault")
    })
  )

  it.effect("runs a sandbox until it is interrupted", () =>
    Effect.gen(function* () {
      const running = yield* Agentalk.start(["sandbox", "--seed", "12", "--json"])
      const [first] = yield* Effect.promise(() => once(running.child.stdout ?? running.child, "data"))
      const { token, url } = json(String(first)) as { token: string; url: string }
      const found = yield* run(["contacts", "search", "--name", "jane", "--json"], {
        env: { AGENTALK_BASE_URL: url, AGENTALK_API_TOKEN: token }
      })
      assert.nestedPropertyVal(json(found.stdout), "total", 2)
      running.child.kill("SIGINT")
      assert.strictEqual((yield* Agentalk.result(running)).status, 130)
    }).pipe(Effect.scoped)
  )
})
