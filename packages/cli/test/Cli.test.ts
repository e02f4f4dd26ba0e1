import { Sandbox } from "@agentalk/core"
import { assert, layer, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import * as Agentalk from "./Agentalk.ts"
import { holdAnswers, holdRequests } from "../../import/test/Hold.ts"

interface Dry {
  readonly invalidRows: ReadonlyArray<{ readonly reason: string }>
}

const nobody = "5a4db0c5-0000-4000-8000-00000000dead"

/** Runs the command against the sandbox of the test. */
const agentalk = (args: ReadonlyArray<string>, options: Agentalk.RunOptions = {}) =>
  Effect.flatMap(SandboxServer.Address, ({ url }) =>
    Agentalk.run(args, { ...options, env: { ...Agentalk.environment(url), ...options.env } })
  )

const json = (text: string): unknown => JSON.parse(text)

const twoLines = (stderr: string) => assert.lengthOf(stderr.trimEnd().split("\n"), 2, stderr)

vi.setConfig({ testTimeout: 60_000 })

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("agentalk", (it) => {
  it.effect("makes one call each, and prints one JSON document with --json", () =>
    Effect.gen(function* () {
      const upserted = yield* agentalk([
        ..."contacts upsert --first-name Jane --email j@example.com --tag vip --tag x --json".split(" "),
        ..."--field city=Lisbon --field sum=1=1 --phone".split(" "),
        "+1 202 555 0143"
      ])
      assert.strictEqual(upserted.status, 0, upserted.stderr)
      const { contact, isNew } = json(upserted.stdout) as { contact: { id: string }; isNew: boolean }
      assert.isTrue(isNew)
      assert.deepInclude(contact as object, {
        phone: "+12025550143",
        firstName: "Jane",
        tags: ["vip", "x"],
        fields: { city: "Lisbon", sum: "1=1" }
      })
      const calls = [
        ["set-fields", contact.id, "--field", "plan=pro"],
        ["add-tags", contact.id, "beta", "new"],
        ["remove-tag", contact.id, "x"],
        ["clear-field", contact.id, "email"]
      ]
      for (const call of calls) {
        const { status, stderr, stdout } = yield* agentalk(["contacts", ...call, "--json"])
        assert.strictEqual(status, 0, stderr)
        assert.nestedPropertyVal(json(stdout), "contact.id", contact.id)
      }
      const found = yield* agentalk(["contacts", "search", "--phone", "12025550143", "--json"])
      assert.deepStrictEqual(json(found.stdout), {
        contacts: [
          {
            id: contact.id,
            phone: "+12025550143",
            firstName: "Jane",
            fields: { city: "Lisbon", sum: "1=1", plan: "pro" },
            tags: ["vip", "beta", "new"]
          }
        ],
        total: 1
      })
      const unsure = yield* agentalk(["contacts", "delete", contact.id])
      assert.strictEqual(unsure.status, 2)
      assert.include(unsure.stderr, "--yes")
      const deleted = yield* agentalk(["contacts", "delete", contact.id, "--yes", "--json"])
      assert.deepStrictEqual(json(deleted.stdout), { deleted: contact.id })
    })
  )

  it.effect("prints tables of 80 columns without a terminal's codes, and no control characters of others", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      yield* Effect.orDie(
        state.seed([
          { phone: "4400000001", firstName: "Tabula\u001b[31m", lastName: "Rasa".repeat(20), email: "t@example.com" },
          { phone: "4400000002", firstName: "Tabula", tags: ["vip"] }
        ])
      )
      const { stdout } = yield* agentalk(["contacts", "search", "--name", "tabula"])
      assert.include(stdout, "4400000002")
      // oxlint-disable-next-line no-control-regex -- it is what must not be there
      assert.notMatch(stdout, /\u001b/)
      for (const line of stdout.split("\n")) assert.isAtMost(line.length, 80, line)
      const all = yield* agentalk(["contacts", "search", "--name", "tabula", "--all", "--limit", "1", "--json"])
      assert.lengthOf(all.stdout.trimEnd().split("\n").map(json), 2)
    })
  )

  it.effect("explains what the API refused in two lines, with status 1", () =>
    Effect.gen(function* () {
      const gone = yield* agentalk(["contacts", "delete", nobody, "--yes"])
      assert.strictEqual(gone.status, 1)
      assert.match(gone.stderr, /^NotFound: /)
      twoLines(gone.stderr)
      assert.strictEqual(gone.stdout, "")
      const invalid = yield* agentalk(["contacts", "upsert", "--phone", "12", "--json"])
      // Refused before sending, so wrong usage.
      assert.strictEqual(invalid.status, 2)
      const told = json(invalid.stderr) as { error: Record<string, string> }
      assert.deepInclude(told.error, { tag: "Validation", outcome: "not-applied", operation: "upsert" })
      assert.include(told.error["message"], "phone")
      assert.include(told.error["advice"], "Correct")
      assert.strictEqual(invalid.stdout, "")
      const refused = yield* agentalk(["contacts", "search", "--name", "x"], {
        env: { AGENTALK_API_TOKEN: `${Sandbox.organization}.wrong` }
      })
      assert.strictEqual(refused.status, 1)
      assert.match(refused.stderr, /^Unauthorized: [^]*AGENTALK_API_TOKEN/)
      twoLines(refused.stderr)
      assert.notInclude(refused.stderr, "wrong")
      const away = yield* agentalk([
        "contacts",
        "search",
        "--name",
        "x",
        "--retries",
        "0",
        "--verbose",
        "--base-url",
        "http://127.0.0.1:9"
      ])
      assert.strictEqual(away.status, 1)
      assert.match(away.stderr, /^TransportFailure: [^]*1 attempt in /)
    })
  )

  it.effect("takes wrong usage and configuration for status 2", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string, Readonly<Record<string, string>>?]> = [
        [["contacts", "bogus"], "`agentalk contacts` has no such subcommand"],
        [["contacts", "upsert"], "--phone"],
        [["contacts", "search"], "--name or --phone"],
        [["contacts", "search", "--name", "x", "--token", "hunter2"], "--token"],
        [["contacts", "search", "--name", "x", "--retries", "-1"], "--retries"],
        [["contacts", "search", "--name", "x", "--timeout", "soon"], "--timeout"],
        [["contacts", "search", "--name", "x", "--timeout", "0"], "--timeout"],
        [["contacts", "search", "--name", "x", "--timeout=-5s"], "--timeout"],
        [["contacts", "search", "--name", " "], "--name: Expected text that is not blank"],
        [["contacts", "set-fields", nobody], "--field-json"],
        [["contacts", "set-fields", nobody, "--field-json", "a=nope"], "--field KEY=VALUE"],
        [["contacts", "export", "--name", "x", "--out", "none/j.txt"], "--format"],
        [["contacts", "import", "none.csv", "--dry-run", "--resume"], "--dry-run sends nothing"],
        [["contacts", "search", "--name", "x", "--base-url", "http://example.com"], "--base-url"],
        [["contacts", "set-fields", nobody, "--field", "city"], "KEY=VALUE"],
        [["contacts", "import", "none.csv"], "no such file"],
        [["contacts", "import", "contacts.txt"], "no such file"],
        [["contacts", "search", "--name", "x"], "AGENTALK_API_TOKEN", { AGENTALK_API_TOKEN: " " }]
      ]
      const results = yield* Effect.forEach(
        cases,
        ([args, , env]) => agentalk(args, env === undefined ? {} : { env }),
        {
          concurrency: 2
        }
      )
      for (const [index, { status, stderr, stdout }] of results.entries()) {
        const [args = [], text = ""] = cases[index] ?? []
        assert.strictEqual(status, 2, args.join(" "))
        assert.include(stderr, text)
        assert.notInclude(stderr, "hunter2")
        assert.strictEqual(stdout, "", args.join(" "))
        twoLines(stderr)
      }
    })
  )

  it.effect("does not repeat a token or a phone number that stands in the wrong place", () =>
    Effect.gen(function* () {
      for (const secret of [Agentalk.environment("").AGENTALK_API_TOKEN, "+12025550177", "jane@example.com"]) {
        const { status, stderr } = yield* agentalk(["contacts", "search", secret])
        assert.strictEqual(status, 2)
        assert.notInclude(stderr, secret)
        assert.include(stderr, "UsageError")
      }
    })
  )

  it.effect("takes the token from a file that only its owner can read", () =>
    Effect.gen(function* () {
      const file = join(yield* Agentalk.temporary, "my token")
      writeFileSync(file, `${Agentalk.environment("").AGENTALK_API_TOKEN}\n`)
      chmodSync(file, 0o644)
      const env = { AGENTALK_API_TOKEN: "" }
      const refused = yield* agentalk(["contacts", "search", "--name", "x", "--token-file", file], { env })
      assert.strictEqual(refused.status, 2)
      assert.include(refused.stderr, `chmod 600 '${file}'`)
      chmodSync(file, 0o600)
      writeFileSync(file, "nonsense\n")
      for (const command of [["contacts", "search", "--name", "x"], ["doctor"]]) {
        const malformed = yield* agentalk([...command, "--token-file", file], { env })
        assert.strictEqual(malformed.status, 2)
        assert.match(malformed.stdout + malformed.stderr, /--token-file: Expected/)
      }
      writeFileSync(file, `${Agentalk.environment("").AGENTALK_API_TOKEN}\n`)
      const accepted = yield* agentalk(["contacts", "search", "--name", "nobody", "--token-file", file], { env })
      assert.strictEqual(accepted.status, 0, accepted.stderr)
    }).pipe(Effect.scoped)
  )

  it.effect("doctor tells what is well and what is wrong", () =>
    Effect.gen(function* () {
      const well = yield* agentalk(["doctor"])
      assert.strictEqual(well.status, 0, well.stdout)
      assert.include(well.stdout, "All is well.")
      const cases: ReadonlyArray<readonly [Readonly<Record<string, string>>, number, string]> = [
        [{ AGENTALK_API_TOKEN: "" }, 2, "AGENTALK_API_TOKEN is not set"],
        [{ AGENTALK_API_TOKEN: "nonsense" }, 2, "Correct AGENTALK_API_TOKEN"],
        [{ AGENTALK_BASE_URL: "nonsense" }, 2, "AGENTALK_BASE_URL"],
        [{ AGENTALK_BASE_URL: "http://127.0.0.1:9" }, 1, "Nothing listens"],
        [{ AGENTALK_API_TOKEN: `${Sandbox.organization}.wrong` }, 1, "Unauthorized"]
      ]
      for (const [env, status, text] of cases) {
        const ended = yield* agentalk(["doctor"], { env })
        assert.strictEqual(ended.status, status, ended.stdout)
        assert.include(ended.stdout, text)
        assert.notInclude(ended.stdout, "nonsense")
        assert.strictEqual(ended.stdout.split("agentalk doctor").length, 2, "but for its last line")
      }
    })
  )

  it.effect("imports, exports and imports again; standard input and output work too", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const content = `Mobile;first_name;tags\n${Array.from({ length: 250 }, (_, n) => `3310000${1000 + n};Importa;a|b\n`).join("")}12;bad;\n`
      writeFileSync(join(cwd, "in.csv"), content)
      const map = ["--map", "Mobile=phone"]
      const dry = yield* agentalk(["contacts", "import", "in.csv", ...map, "--dry-run", "--json"], { cwd })
      const invalidRows = [{ row: 251, line: 252, reason: (json(dry.stdout) as Dry).invalidRows[0]?.reason }]
      assert.deepStrictEqual(json(dry.stdout), { rows: 251, valid: 250, invalid: 1, invalidRows })
      assert.include(invalidRows[0]?.reason, "phone")
      assert.strictEqual(dry.status, 3)
      assert.isFalse(existsSync(join(cwd, "in.csv.report.ndjson")))
      const first = yield* agentalk(["contacts", "import", "in.csv", ...map, "--json"], { cwd })
      assert.strictEqual(first.status, 3, first.stderr)
      const report = "in.csv.report.ndjson"
      const summary = { rows: 251, earlier: 0, created: 250, updated: 0, invalid: 1, failed: 0, report }
      assert.deepStrictEqual(json(first.stdout), summary)
      const again = yield* agentalk(["contacts", "import", "in.csv", ...map], { cwd })
      assert.strictEqual(again.status, 2)
      assert.include(again.stderr, "--resume")
      const resumed = yield* agentalk(["contacts", "import", "in.csv", ...map, "--resume", "--json"], { cwd })
      assert.deepStrictEqual(json(resumed.stdout), { ...summary, earlier: 251 })

      const exported = yield* agentalk(["contacts", "export", "--name", "importa", "--out", "out.csv.gz", "--json"], {
        cwd
      })
      assert.deepStrictEqual(json(exported.stdout), { contacts: 250, out: "out.csv.gz" })
      const whole = yield* agentalk(["contacts", "import", "out.csv.gz", "--report", "r"], { cwd })
      assert.strictEqual(whole.status, 0, whole.stderr)
      assert.match(whole.stdout, /updated\s+250/)

      const piped = yield* agentalk(["contacts", "export", "--name", "importa", "--format", "ndjson"], { cwd })
      assert.lengthOf(piped.stdout.trimEnd().split("\n").map(json), 250)
      const back = yield* agentalk(["contacts", "import", "-", "--format", "ndjson", "--report", "-", "--json"], {
        cwd,
        input: piped.stdout
      })
      assert.strictEqual(back.status, 0, back.stderr)
      const lines = back.stdout.trimEnd().split("\n").map(json)
      assert.lengthOf(lines, 251)
      assert.deepInclude(lines.at(-1), { rows: 250, updated: 250 })
    }).pipe(Effect.scoped)
  )

  it.effect("Ctrl-C lets rows in flight end, says how to resume, and exits with 130; twice, at once", () =>
    Effect.gen(function* () {
      const cwd = yield* Agentalk.temporary
      const { url } = yield* SandboxServer.Address
      const state = yield* Sandbox.State
      writeFileSync(
        join(cwd, "in.csv"),
        `phone\n${Array.from({ length: 100 }, (_, n) => `2210000${1000 + n}\n`).join("")}`
      )
      const options = { cwd, env: Agentalk.environment(url) }
      const args = ["contacts", "import", "in.csv"]
      const held = yield* holdAnswers(8)
      const once1 = yield* Agentalk.start(args, options)
      // As many rows as are sent at once by default, so that no further one is on its way.
      yield* held.come
      once1.child.kill("SIGINT")
      yield* Agentalk.told(once1)
      yield* held.release
      const interrupted = yield* Effect.promise(() => once1.ended)
      assert.strictEqual(interrupted.status, 130)
      assert.include(interrupted.stderr, "agentalk contacts import in.csv --resume")
      const report = readFileSync(join(cwd, "in.csv.report.ndjson"), "utf8").trimEnd().split("\n")
      assert.lengthOf(report, 8)
      assert.include(interrupted.stderr, "8 rows are done")

      const come = yield* holdRequests
      const twice = yield* Agentalk.start([...args, "--resume", "--drain", "1m"], options)
      yield* come
      twice.child.kill("SIGINT")
      yield* Agentalk.told(twice)
      twice.child.kill("SIGINT")
      assert.strictEqual((yield* Effect.promise(() => twice.ended)).status, 130)

      yield* state.script(() => undefined)
      const rest = yield* agentalk([...args, "--resume", "--json"], { cwd })
      assert.strictEqual(rest.status, 0, rest.stderr)
      assert.deepInclude(json(rest.stdout), { rows: 100, earlier: 8, invalid: 0, failed: 0 })
    }).pipe(Effect.scoped)
  )

  it.effect("--json puts one document on standard error, whatever goes wrong, and nothing besides", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, string]> = [
        [["--json"], 2, "UsageError"],
        [["contacts", "--json"], 2, "UsageError"],
        [["contacts", "bogus", "--json"], 2, "UsageError"],
        [["contacts", "search", "--json"], 2, "UsageError"],
        [["contacts", "import", "none.csv", "--json"], 2, "FileFault"],
        [["contacts", "delete", nobody, "--yes", "--json"], 1, "NotFound"],
        [["contacts", "search", "--name", "nobody at all", "--all", "--json"], 0, ""]
      ]
      for (const [args, status, tag] of cases) {
        const ended = yield* agentalk(args)
        assert.strictEqual(ended.status, status, args.join(" "))
        assert.strictEqual(ended.stdout, "", args.join(" "))
        if (tag === "") assert.strictEqual(ended.stderr, "")
        else assert.nestedPropertyVal(json(ended.stderr), "error.tag", tag)
      }
      const help = yield* agentalk(["--json", "--help"])
      assert.strictEqual(help.status, 0)
      assert.include(help.stdout, "EXAMPLES")
      assert.strictEqual((yield* agentalk([])).status, 0)
    })
  )

  it.effect("sets fields that are no text, and tells what clear-field may mean", () =>
    Effect.gen(function* () {
      const phone = ["--phone", "3910000001"]
      const flags = ["--field", "city=5", "--field-json", "seats=5", "--field-json", 'x={"a":[true]}']
      const upserted = yield* agentalk(["contacts", "upsert", ...phone, ...flags, "--json"])
      assert.nestedPropertyVal(json(upserted.stdout), "contact.fields.seats", 5)
      assert.deepNestedPropertyVal(json(upserted.stdout), "contact.fields.x", { a: [true] })
      assert.nestedPropertyVal(json(upserted.stdout), "contact.fields.city", "5")
      const cleared = yield* agentalk(["contacts", "clear-field", nobody, "city"])
      assert.include(cleared.stderr, "Check the contact id and the field key")
    })
  )

  it.effect("--quiet leaves results as they are", () =>
    Effect.gen(function* () {
      yield* Effect.orDie((yield* Sandbox.State).seed([{ phone: "4400000077", firstName: "Quieta" }]))
      for (const args of [
        ["--name", "quieta"],
        ["--name", "quieta", "--all"]
      ]) {
        const { stderr, stdout } = yield* agentalk(["contacts", "search", ...args, "--quiet"])
        assert.include(stdout, "4400000077")
        assert.strictEqual(stderr, "")
      }
      assert.include((yield* agentalk(["doctor", "--quiet"])).stdout, "All is well.")
    })
  )

  it.effect("serves a sandbox until it is interrupted", () =>
    Effect.gen(function* () {
      const { child, ended } = yield* Agentalk.start(["sandbox", "--seed", "12", "--json"])
      const [first] = yield* Effect.promise(() => once(child.stdout ?? child, "data"))
      const { token, url } = json(String(first)) as { token: string; url: string }
      const found = yield* agentalk(["contacts", "search", "--name", "jane", "--json"], {
        env: { AGENTALK_BASE_URL: url, AGENTALK_API_TOKEN: token }
      })
      assert.nestedPropertyVal(json(found.stdout), "total", 2)
      child.kill("SIGINT")
      assert.strictEqual((yield* Effect.promise(() => ended)).status, 130)
    }).pipe(Effect.scoped)
  )

  it.effect("help has examples, fits 80 columns, and says that the API cannot list all", () =>
    Effect.gen(function* () {
      const one = [
        "upsert",
        "search",
        "delete",
        "set-fields",
        "clear-field",
        "add-tags",
        "remove-tag",
        "import",
        "export"
      ]
      const commands = [[], ["doctor"], ["sandbox"], ...one.map((name) => ["contacts", name])]
      const helps = yield* Effect.forEach(commands, (command) => agentalk([...command, "--help"]), { concurrency: 2 })
      for (const [index, { status, stdout }] of helps.entries()) {
        const command = commands[index] ?? []
        assert.match(stdout, /\n\nEXAMPLES\n/)
        assert.strictEqual(status, 0)
        for (const line of stdout.split("\n")) assert.isAtMost(line.length, 80, line)
        if (command.includes("export")) assert.include(stdout, "cannot list all")
      }
      const completions = yield* agentalk(["--completions", "bash"])
      assert.include(completions.stdout, "import")
      assert.match((yield* agentalk(["--version"])).stdout, /0\.1\.0/)
    })
  )
})
