/** The commands that call one operation, and the sandbox command, within the process of the test. */
import * as Faults from "@agentalk/core/Faults"
import * as Sandbox from "@agentalk/core/Sandbox"
import { attributeNames, attributes } from "@agentalk/core/unstable"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer, vi } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Cli from "../src/Cli.ts"
import * as Agentalk from "./Agentalk.ts"
import { environment, run } from "./InProcess.ts"

vi.setConfig({ testTimeout: 60_000 })

const unknownId = "5a4db0c5-0000-4000-8000-00000000dead"

const json = (text: string): unknown => JSON.parse(text)

const assertTwoLines = (stderr: string) => assert.lengthOf(stderr.trimEnd().split("\n"), 2, stderr)

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("contacts", (it) => {
  it.effect("prints the contact after each change", () =>
    Effect.gen(function* () {
      const named = ["--first-name", "Jane", "--last-name", "Doe", "--email", "j@example.com"]
      const create = ["contacts", "upsert", "--phone", "+12025550143", ...named, "--tag", "vip", "--field", "city=Oslo"]
      const created = yield* run(create)
      assert.strictEqual(created.status, 0)
      assert.match(created.stdout, /created\n[^]*name +Jane Doe\n[^]*tags +vip\n[^]*city +Oslo/)
      assert.match((yield* run(create)).stdout, /updated/)
      const found = /[0-9a-f-]{36}/.exec(created.stdout)![0]
      const set = yield* run(["contacts", "set-fields", found, "--field", "plan=pro"])
      assert.match(set.stdout, /fields set\n[^]*plan +pro/)
      assert.match((yield* run(["contacts", "add-tags", found, "beta"])).stdout, /tags added\n[^]*tags +vip, beta/)
      assert.match((yield* run(["contacts", "remove-tag", found, "vip"])).stdout, /tag removed\n[^]*tags +beta/)
      assert.notMatch((yield* run(["contacts", "clear-field", found, "email"])).stdout, /e-mail/)
      const cleared = yield* run(["contacts", "clear-field", found, "city", "--quiet"])
      assert.match(cleared.stdout, /^✓ field cleared\n/)
      assert.match(
        (yield* run(["contacts", "search", "--phone", "2025550143"])).stdout,
        /^ID[^]*Jane Doe[^]*1 of 1 shown$/
      )
      assert.match((yield* run(["contacts", "delete", found, "--yes"])).stdout, /deleted/)
      assert.strictEqual((yield* run(["contacts", "search", "--name", "Jane"])).stdout, "No contact matches.")
    })
  )

  it.effect("prints one JSON document with --json", () =>
    Effect.gen(function* () {
      const upserted = yield* run([
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
        const { status, stderr, stdout } = yield* run(["contacts", ...call, "--json"])
        assert.strictEqual(status, 0, stderr)
        assert.nestedPropertyVal(json(stdout), "contact.id", contact.id)
      }
      const found = yield* run(["contacts", "search", "--phone", "12025550143", "--json"])
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
      const unconfirmed = yield* run(["contacts", "delete", contact.id])
      assert.strictEqual(unconfirmed.status, 2)
      assert.include(unconfirmed.stderr, "--yes")
      const deleted = yield* run(["contacts", "delete", contact.id, "--yes", "--json"])
      assert.deepStrictEqual(json(deleted.stdout), { deleted: contact.id })
    })
  )

  it.effect("has a flag of upsert for each attribute of the table", () =>
    Effect.gen(function* () {
      const { stdout } = yield* run(["contacts", "upsert", "--help"])
      for (const name of attributeNames) {
        const { description, metavar, name: flag } = attributes[name].flag
        assert.match(stdout, new RegExp(`--${flag} ${metavar} +${description}\\n`))
      }
    })
  )

  it.effect("sets fields of any JSON type", () =>
    Effect.gen(function* () {
      const phone = ["--phone", "3910000001"]
      const flags = ["--field", "city=5", "--field-json", "seats=5", "--field-json", 'x={"a":[true]}']
      const upserted = yield* run(["contacts", "upsert", ...phone, ...flags, "--json"])
      assert.nestedPropertyVal(json(upserted.stdout), "contact.fields.seats", 5)
      assert.deepNestedPropertyVal(json(upserted.stdout), "contact.fields.x", { a: [true] })
      assert.nestedPropertyVal(json(upserted.stdout), "contact.fields.city", "5")
      const updated = yield* run(["contacts", "upsert", ...phone, "--field-json", "seats=6"])
      assert.match(updated.stdout, /updated\n[^]*seats +6/)
    })
  )

  it.effect("prints only that a call succeeded if the response has no contact", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      const short = Faults.status(200, { strikes: "after", body: { success: true } })
      yield* state.script(Faults.script({ method: "POST", path: "/tags", fault: short }))
      const { status, stdout } = yield* run(["contacts", "add-tags", unknownId, "vip"])
      assert.deepStrictEqual([status, stdout], [0, "✓ tags added"])
    })
  )

  it.effect("prints all pages as one table, or as lines of JSON", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      yield* Effect.orDie(
        state.seed(Array.from({ length: 5 }, (_, n) => ({ phone: `447${10_000_000 + n}`, firstName: "Page" })))
      )
      const search = ["contacts", "search", "--name", "Page", "--all", "--limit", "2"]
      const table = yield* run(search)
      assert.lengthOf(table.stdout.split("\n"), 6)
      assert.lengthOf(table.stdout.match(/PHONE/g)!, 1)
      assert.strictEqual(table.stderr, "5 found")
      const lines = yield* run([...search, "--json"])
      assert.lengthOf(lines.stdout.split("\n").map(json), 5)
      assert.strictEqual(lines.stderr, "")
      assert.deepStrictEqual(yield* run([...search, "--quiet"]), { ...table, stderr: "" })
      const none = ["contacts", "search", "--name", "Nobody", "--all"]
      assert.strictEqual((yield* run(none)).stderr, "No contact matches.")
      assert.deepStrictEqual(yield* run([...none, "--json"]), { status: 0, stdout: "", stderr: "" })
      assert.strictEqual((yield* run([...search, "--offset", "1"])).status, 2)
      const page = yield* run(["contacts", "search", "--name", "Page", "--limit", "2"])
      assert.match(page.stdout, /2 of 5 shown$/)
      const withoutTotal = Faults.status(200, { strikes: "before", body: { contacts: [{ id: unknownId }] } })
      yield* state.script(Faults.script({ times: 1, fault: withoutTotal }))
      assert.match((yield* run(["contacts", "search", "--name", "Page"])).stdout, /\n1 shown$/)
    })
  )

  it.effect("prints a table of 80 columns without control characters if there is no terminal", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      yield* Effect.orDie(
        state.seed([
          { phone: "4400000001", firstName: "Tabula\u001b[31m", lastName: "Rasa".repeat(20), email: "t@example.com" },
          { phone: "4400000002", firstName: "Tabula", tags: ["vip"] }
        ])
      )
      const { stdout } = yield* run(["contacts", "search", "--name", "tabula"])
      assert.include(stdout, "4400000002")
      // oxlint-disable-next-line no-control-regex -- the output must not contain this character
      assert.notMatch(stdout, /\u001b/)
      for (const line of stdout.split("\n")) assert.isAtMost(line.length, 80, line)
      const all = yield* run(["contacts", "search", "--name", "tabula", "--all", "--limit", "1", "--json"])
      assert.lengthOf(all.stdout.split("\n").map(json), 2)
    })
  )

  it.effect("prints results with --quiet", () =>
    Effect.gen(function* () {
      yield* Effect.orDie((yield* Sandbox.State).seed([{ phone: "4400000077", firstName: "Quieta" }]))
      for (const args of [
        ["--name", "quieta"],
        ["--name", "quieta", "--all"]
      ]) {
        const { stderr, stdout } = yield* run(["contacts", "search", ...args, "--quiet"])
        assert.include(stdout, "4400000077")
        assert.strictEqual(stderr, "")
      }
      assert.include((yield* run(["doctor", "--quiet"])).stdout, "All checks passed.")
    })
  )

  it.effect("requires --yes if there is no terminal to ask on", () =>
    Effect.gen(function* () {
      for (const more of [[], ["--json"]]) {
        const { status, stderr } = yield* run(["contacts", "delete", unknownId, ...more])
        assert.strictEqual(status, 2)
        assert.include(stderr, "--yes")
      }
    })
  )

  it.effect("explains a failed call in two lines, with status 1", () =>
    Effect.gen(function* () {
      const missing = yield* run(["contacts", "delete", unknownId, "--yes"])
      assert.strictEqual(missing.status, 1)
      assert.match(missing.stderr, /^NotFound: [^]*\nCheck the contact id\. /)
      assertTwoLines(missing.stderr)
      assert.strictEqual(missing.stdout, "")
      const field = yield* run(["contacts", "clear-field", unknownId, "city"])
      assert.include(field.stderr, "Check the contact id and the field key")
      const invalid = yield* run(["contacts", "upsert", "--phone", "12", "--json"])
      // An input that was refused before sending is wrong usage.
      assert.strictEqual(invalid.status, 2)
      const { error } = json(invalid.stderr) as { error: Record<string, string> }
      assert.deepInclude(error, { tag: "Validation", outcome: "not-applied", operation: "upsert" })
      assert.include(error["message"], "phone")
      assert.include(error["advice"], "Correct")
      assert.strictEqual(invalid.stdout, "")
      const refused = yield* run(["contacts", "search", "--name", "x"], {
        env: { AGENTALK_API_TOKEN: `${Sandbox.organization}.wrong` }
      })
      assert.strictEqual(refused.status, 1)
      assert.match(refused.stderr, /^Unauthorized: [^]*AGENTALK_API_TOKEN/)
      assertTwoLines(refused.stderr)
      assert.notInclude(refused.stderr, "wrong")
      const unreachable = yield* run(
        "contacts search --name x --retries 0 --verbose --base-url http://127.0.0.1:9".split(" ")
      )
      assert.strictEqual(unreachable.status, 1)
      assert.match(unreachable.stderr, /^TransportFailure: [^]*1 attempt in /)
    })
  )

  it.effect("accepts the settings as flags, and a time in any unit", () =>
    Effect.gen(function* () {
      const { AGENTALK_BASE_URL } = yield* environment
      const search = ["contacts", "search", "--name", "Nobody", "--base-url", AGENTALK_BASE_URL, "--retries", "0"]
      const flags = ["--organization", "aaaaaaaa-0000-4000-8000-000000000001"]
      for (const time of ["9000ms", "9s", "9", "0.5 min", "1h"]) {
        const { status } = yield* run([...search, ...flags, "--timeout", time], { env: { AGENTALK_BASE_URL: "" } })
        assert.strictEqual(status, 0, time)
      }
    })
  )

  it.effect("reads the token only from a file that other users cannot read", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      const file = join(folder, "the token")
      const { AGENTALK_API_TOKEN } = yield* environment
      const env = { AGENTALK_API_TOKEN: "" }
      const searchWith = (path: string) =>
        run(["contacts", "search", "--name", "nobody", "--token-file", path], { env })
      assert.match((yield* searchWith(file)).stderr, /the file does not exist/)
      assert.match((yield* searchWith(folder)).stderr, /the path is not a token file/)
      writeFileSync(file, `${AGENTALK_API_TOKEN}\n`)
      chmodSync(file, 0o644)
      const readable = yield* searchWith(file)
      assert.strictEqual(readable.status, 2)
      assert.include(readable.stderr, `chmod 600 '${file}'`)
      chmodSync(file, 0o600)
      const accepted = yield* searchWith(file)
      assert.strictEqual(accepted.status, 0, accepted.stderr)
      writeFileSync(file, "nonsense\n")
      for (const command of [["contacts", "search", "--name", "x"], ["doctor"]]) {
        const malformed = yield* run([...command, "--token-file", file], { env })
        assert.strictEqual(malformed.status, 2)
        assert.match(malformed.stdout + malformed.stderr, /--token-file: Expected [^]*must\s+contain only/)
      }
      const other = join(folder, "token")
      writeFileSync(other, "x", { mode: 0o644 })
      assert.include((yield* searchWith(other)).stderr, `chmod 600 ${other}\``)
    }).pipe(Effect.scoped)
  )

  it.effect("runs a sandbox with sample contacts until it is interrupted", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const captured: Console.Console = Object.assign(Object.create(console), {
        log: (line: string) => lines.push(line)
      })
      for (const seed of [["--seed", "5"], []]) {
        const fiber = yield* Cli.run(["sandbox", ...seed]).pipe(
          Effect.provideService(Console.Console, captured),
          Effect.provide(NodeServices.layer),
          Effect.forkChild
        )
        while (lines.length === 0) yield* Effect.yieldNow
        assert.strictEqual(lines.pop()!.includes("with 5 contacts"), seed.length > 0)
        yield* Fiber.interrupt(fiber)
      }
    })
  )

  it.effect("fails if the port of the sandbox is in use", () =>
    Effect.gen(function* () {
      const { url } = yield* SandboxServer.Address
      const { port } = new URL(url)
      const { status, stderr } = yield* run(["sandbox", "--port", port])
      assert.strictEqual(status, 2)
      assert.strictEqual(
        stderr,
        `UsageError: the sandbox cannot listen on port ${port}\nUse another --port, or omit it to use a free port.`
      )
    })
  )
})
