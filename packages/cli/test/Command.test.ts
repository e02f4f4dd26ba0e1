/** The command within this process: what it prints for people, and how it explains every failure. */
import * as Errors from "@agentalk/core/AgentalkError"
import { ContactFromWire } from "@agentalk/core/ContactFromWire"
import { attributeNames, attributes } from "@agentalk/core/unstable"
import * as Faults from "@agentalk/core/Faults"
import * as Sandbox from "@agentalk/core/Sandbox"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it, layer, vi } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Cli from "../src/Cli.ts"
import { explain, toLines } from "../src/internal/explanation.ts"
import { UsageError } from "../src/internal/usageError.ts"
import { contactJson, contactLines, contactTable } from "../src/internal/contactView.ts"
import { fit, plain, wrap } from "../src/internal/terminalText.ts"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import * as Agentalk from "./Agentalk.ts"
import { environment, run } from "./InProcess.ts"

vi.setConfig({ testTimeout: 60_000 })

const id = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("the command", (it) => {
  it.effect("shows one contact after each change", () =>
    Effect.gen(function* () {
      const named = ["--first-name", "Jane", "--last-name", "Doe", "--email", "j@example.com"]
      const create = ["contacts", "upsert", "--phone", "+12025550143", ...named, "--tag", "vip", "--field", "city=Oslo"]
      const created = yield* run(create)
      assert.strictEqual(created.status, 0)
      assert.match(created.out, /created\n[^]*name +Jane Doe\n[^]*tags +vip\n[^]*city +Oslo/)
      assert.match((yield* run(create)).out, /updated/)
      const found = /[0-9a-f-]{36}/.exec(created.out)![0]
      assert.match((yield* run(["contacts", "set-fields", found, "--field", "plan=pro"])).out, /set\n[^]*plan +pro/)
      assert.match((yield* run(["contacts", "add-tags", found, "beta"])).out, /tagged\n[^]*tags +vip, beta/)
      assert.match((yield* run(["contacts", "remove-tag", found, "vip"])).out, /tag removed\n[^]*tags +beta/)
      assert.notMatch((yield* run(["contacts", "clear-field", found, "email"])).out, /e-mail/)
      assert.match((yield* run(["contacts", "clear-field", found, "city", "--quiet"])).out, /^✓ cleared\n/)
      assert.match(
        (yield* run(["contacts", "search", "--phone", "2025550143"])).out,
        /^ID[^]*Jane Doe[^]*1 of 1 shown$/
      )
      assert.match((yield* run(["contacts", "delete", found, "--yes"])).out, /deleted/)
      assert.strictEqual((yield* run(["contacts", "search", "--name", "Jane"])).out, "No contact matches.")
    })
  )

  it.effect("has a flag of upsert for each attribute of the table", () =>
    Effect.gen(function* () {
      const { out } = yield* run(["contacts", "upsert", "--help"])
      for (const name of attributeNames) {
        const { description, metavar, name: flag } = attributes[name].flag
        assert.match(out, new RegExp(`--${flag} ${metavar} +${description}\n`))
      }
    })
  )

  it.effect("says that a terse answer was one", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      const terse = Faults.status(200, { strikes: "after", body: { success: true } })
      yield* state.script(Faults.script({ method: "POST", path: "/tags", fault: terse }))
      const { out, status } = yield* run(["contacts", "add-tags", id, "vip"])
      assert.deepStrictEqual([status, out], [0, "✓ tagged"])
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
      assert.lengthOf(table.out.split("\n"), 6)
      assert.lengthOf(table.out.match(/PHONE/g)!, 1)
      assert.strictEqual(table.err, "5 found")
      const lines = yield* run([...search, "--json"])
      assert.lengthOf(
        lines.out.split("\n").map((line) => JSON.parse(line)),
        5
      )
      assert.strictEqual(lines.err, "")
      assert.deepStrictEqual(yield* run([...search, "--quiet"]), { ...table, err: "" })
      assert.strictEqual((yield* run(["contacts", "search", "--name", "Nobody", "--all"])).err, "No contact matches.")
      assert.strictEqual((yield* run([...search, "--offset", "1"])).status, 2)
      assert.match((yield* run(["contacts", "search", "--name", "Page", "--limit", "2"])).out, /2 of 5 shown$/)
    })
  )

  it.effect("asks before it deletes, and goes on without an answer nowhere", () =>
    Effect.gen(function* () {
      for (const more of [[], ["--json"]]) {
        const { err, status } = yield* run(["contacts", "delete", id, ...more])
        assert.strictEqual(status, 2)
        assert.include(err, "--yes")
      }
    })
  )

  it.effect("refuses numbers and times that cannot be meant", () =>
    Effect.gen(function* () {
      for (const args of [
        ["contacts", "search", "--name", "x", "--retries", "101"],
        ["contacts", "search", "--name", "x", "--timeout", "soon"],
        ["contacts", "search", "--name", "x", "--base-url", "ftp://x"],
        ["contacts", "search", "--name", "x", "--organization", "mine"],
        ["contacts", "search"],
        ["contacts", "upsert", "--phone", "+12025550143", "--field", "city"],
        ["contacts", "import", "none.csv", "--concurrency", "0"],
        ["contacts", "import", "none.csv", "--rate", "fast"],
        ["contacts", "import", "none.csv", "--drain", "soon"],
        ["contacts", "import", "none.csv"],
        ["contacts", "export", "--name", "x", "--json", "--format", "csv"],
        ["sandbox", "--port", "70000"],
        ["sandbox", "--seed", "-1"]
      ]) {
        const { err, out, status } = yield* run(args)
        assert.strictEqual(status, 2, args.join(" "))
        assert.strictEqual(out, "")
        assert.notStrictEqual(err, "")
      }
    })
  )

  it.effect("does not advise to unset a token that is not set", () =>
    Effect.gen(function* () {
      const { err, status } = yield* run(["contacts", "search", "--name", "x"], { AGENTALK_API_TOKEN: "" })
      assert.strictEqual(status, 2)
      assert.include(err, "Set AGENTALK_API_TOKEN, or use --token-file.")
      assert.notInclude(err, "unset it")
    })
  )

  it.effect("takes flags for the settings, and a time in any unit", () =>
    Effect.gen(function* () {
      const { AGENTALK_BASE_URL } = yield* environment
      const search = ["contacts", "search", "--name", "Nobody", "--base-url", AGENTALK_BASE_URL, "--retries", "0"]
      const flags = ["--organization", "aaaaaaaa-0000-4000-8000-000000000001"]
      for (const time of ["9000ms", "9s", "9", "0.5 min", "1h"]) {
        const { status } = yield* run([...search, ...flags, "--timeout", time], { AGENTALK_BASE_URL: "" })
        assert.strictEqual(status, 0, time)
      }
    })
  )

  it.effect("imports with a quota, a map and a report, and exports", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      const path = join(folder, "people's list.csv")
      writeFileSync(path, "tel,who\n+12025550111,Imported\nbad,Imported\n")
      const imports = ["contacts", "import", path, "--map", "tel=phone", "--map", "who=firstName"]
      const checked = yield* run([...imports, "--dry-run"])
      assert.strictEqual(checked.status, 3)
      assert.match(checked.out, /line 3/)
      const imported = yield* run([...imports, "--rate", "100/s", "--quiet"])
      assert.strictEqual(imported.status, 3)
      assert.match(imported.out, /2 rows in[^]*created +1\n[^]*invalid +1/)
      const report = readFileSync(`${path}.report.ndjson`, "utf8")
      for (const outcome of ["created", "invalid"]) assert.lengthOf(report.match(new RegExp(`"${outcome}"`, "g"))!, 1)
      const again = yield* run([...imports, "--report", join(folder, "second")])
      assert.match(again.out, /2 rows in[^]*updated +1\n[^]*invalid +1[^]*The report tells why/)
      const out = join(folder, "out.csv")
      assert.match((yield* run(["contacts", "export", "--name", "Imported", "--out", out])).out, /^1 contact exported$/)
      assert.match(readFileSync(out, "utf8"), /Imported/)
    }).pipe(Effect.scoped)
  )

  it.effect("runs a sandbox with contacts until it is interrupted", () =>
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
})

/** The line of the doctor that is marked, and the one that says how to mend it. */
const complaint = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.map(run(["doctor", ...args, "--json"], env), ({ out, status }) => {
    const { checks, ok } = JSON.parse(out) as {
      readonly ok: boolean
      readonly checks: ReadonlyArray<{ name: string; ok: boolean; text: string; mend?: string }>
    }
    return { ok, status, ...checks.find((check) => !check.ok), names: checks.map(({ name }) => name) }
  })

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("the doctor", (it) => {
  it.effect("is content with what works, whatever it comes from", () =>
    Effect.gen(function* () {
      const { AGENTALK_API_TOKEN, AGENTALK_BASE_URL } = yield* environment
      const well = yield* run(["doctor"])
      assert.strictEqual(well.status, 0)
      assert.match(well.out, /settings[^]*AGENTALK_API_TOKEN, AGENTALK_BASE_URL[^]*All is well\.$/)
      const folder = yield* Agentalk.temporary
      const file = join(folder, "token")
      writeFileSync(file, AGENTALK_API_TOKEN)
      chmodSync(file, 0o600)
      const organization = "aaaaaaaa-0000-4000-8000-000000000001"
      const flags = ["--token-file", file, "--base-url", AGENTALK_BASE_URL, "--organization", organization]
      const byFlags = yield* run(["doctor", ...flags, "--timeout", "9s"], {
        AGENTALK_API_TOKEN: "",
        AGENTALK_BASE_URL: ""
      })
      assert.strictEqual(byFlags.status, 0)
      assert.match(byFlags.out, /--token-file, --base-url, --organization/)
    }).pipe(Effect.scoped)
  )

  it.effect("tells which setting is wrong", () =>
    Effect.gen(function* () {
      const none = yield* complaint([], { AGENTALK_API_TOKEN: " " })
      assert.deepInclude(none, {
        ok: false,
        status: 2,
        name: "settings",
        text: "ConfigError: AGENTALK_API_TOKEN is not set"
      })
      const malformed = yield* complaint([], { AGENTALK_API_TOKEN: "x" })
      assert.deepInclude(malformed, { status: 2, name: "settings" })
      assert.strictEqual(malformed.mend, "Correct AGENTALK_API_TOKEN, or use --token-file.")
      const quota = yield* complaint([], { AGENTALK_RATE_LIMIT: "fast" })
      assert.deepInclude(quota, { status: 2, mend: "Correct AGENTALK_RATE_LIMIT, or unset it." })
      const flag = yield* run(["doctor", "--base-url", "ftp://x", "--json"])
      assert.strictEqual(flag.status, 2)
      assert.include(flag.err, '"message":"--base-url: Expected an absolute https URL')
    })
  )

  it.effect("tells what the network and the API say", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      // By now it listens no more.
      const { url } = yield* Effect.provide(SandboxServer.Address, Layer.fresh(SandboxServer.layer))
      const refused = yield* complaint(["--base-url", url])
      assert.deepInclude(refused, { status: 1, name: "network" })
      assert.include(refused.mend, "Nothing listens")
      yield* state.script(Faults.script({ times: Infinity, fault: Faults.hang({ strikes: "before" }) }))
      const silent = yield* complaint(["--timeout", "50ms"])
      assert.deepInclude(silent, { status: 1, name: "network" })
      assert.include(silent.mend, "--timeout")
      yield* state.script(() => Faults.status(403, { strikes: "before" }))
      const forbidden = yield* complaint([])
      assert.deepInclude(forbidden, { status: 1, name: "access" })
      assert.include(forbidden.mend, "--organization")
      yield* state.script(() => undefined)
    })
  )
})

describe("an explanation", () => {
  const call = { operation: "upsert", outcome: "unknown", message: "Contacts.upsert: it failed." } as const
  const answered = { ...call, status: 400, requestId: "req-7" }
  const retryAfter = Duration.millis(1_500)
  const issues = Array.from({ length: 6 }, (_, n) => ({ path: ["tags", n], message: "Bad." }))

  it.each<readonly [error: Errors.AgentalkError, status: number, advice: RegExp]>([
    [new Errors.Validation({ ...call, source: "client", issues: [] }), 2, /^Correct that value/],
    [new Errors.Validation({ ...answered, source: "server", issues }), 1, /^The API refused these values/],
    [new Errors.Unauthorized(call), 1, /AGENTALK_API_TOKEN/],
    [new Errors.Forbidden(answered), 1, /--organization/],
    [new Errors.NotFound(answered), 1, /search/],
    [new Errors.RateLimited({ ...answered, retryAfter }), 1, /^Run the command again in 2s\.$/],
    [new Errors.RateLimited(call), 1, /^Wait a little/],
    [new Errors.CircuitOpen({ ...call, retryAfter }), 1, /^Run the command again in 2s\.$/],
    [new Errors.ServerFault(answered), 1, /try again later/],
    [new Errors.Timeout({ ...call, limit: "attempt" }), 1, /--timeout/],
    [new Errors.TransportFailure(call), 1, /network.*doctor/],
    [new Errors.UnexpectedResponse(answered), 1, /base URL/]
  ])("of %s has its status and its advice", (error, status, advice) => {
    const explained = explain(error)!
    assert.strictEqual(explained.status, status)
    const [first, second, ...more] = toLines(explained, false)
    assert.match(first ?? "", new RegExp(`^${error._tag}: ${error.message}`))
    assert.match(second ?? "", advice)
    assert.deepStrictEqual(more, [])
    const [, , third] = toLines(explained, true)
    assert.match(third ?? "", /^outcome unknown, 1 attempt in 0, retries stopped by not-retryable/)
  })

  it("lists five issues of the API at the most, and none of ours, which the message tells", () => {
    const server = explain(new Errors.Validation({ ...answered, source: "server", issues }))!.message
    assert.include(server, "[tags.0: Bad.; tags.1: Bad.; tags.2: Bad.; tags.3: Bad.; tags.4: Bad.]")
    const client = explain(new Errors.Validation({ ...call, source: "client", issues }))!.message
    assert.notInclude(client, "Bad.")
  })

  it("tells more with --verbose", () => {
    const error = new Errors.ServerFault({ ...answered, status: 503, attempts: 3, elapsed: Duration.seconds(2) })
    const facts = "outcome unknown, 3 attempts in 2s, retries stopped by not-retryable, status 503, request id req-7"
    assert.strictEqual(toLines(explain(error)!, true)[2], facts)
  })

  it.effect("of what is no error of the API", () =>
    Effect.gen(function* () {
      const usage = explain(new UsageError({ message: "x" }))!
      assert.strictEqual(usage.status, 2)
      assert.deepStrictEqual(toLines(usage, true), [
        "UsageError: x",
        "Run the command with --help to see how it is used."
      ])
      const config = yield* Effect.flip(Config.Int("N").parse(ConfigProvider.fromUnknown({ N: "x" })))
      assert.match(toLines(explain(config)!, false).join("|"), /^ConfigError: N: [^|\n]*\|Correct.*`agentalk doctor`/)
      const source = new Config.ConfigError(new ConfigProvider.SourceError({ message: "The file is locked." }))
      assert.include(explain(source)!, { message: "The file is locked.", advice: "Correct this setting." })
      assert.isUndefined(explain(new Error("boom")))
      assert.isUndefined(explain(undefined))
    })
  )
})

describe("text for people", () => {
  const contact = Schema.decodeUnknownSync(ContactFromWire)({ id })

  it("is one line that cannot steer a terminal", () => {
    assert.strictEqual(plain("a\nb\tc\u001b[31m\u202ed\u2028e"), "a b c\ufffd[31m\ufffdd\ufffde")
  })

  it("is cut to a width in columns, and never inside of a character", () => {
    assert.deepStrictEqual([fit("abc", 3), fit("abcd", 3), fit("🎉🎉", 3), fit("", 0)], ["abc", "ab…", "🎉…", ""])
  })

  it("breaks between words", () => {
    const lines = wrap("word ".repeat(40).trim(), 70)
    assert.isAbove(lines.length, 1)
    for (const line of lines) assert.isAtMost(line.length, 70)
  })

  it("of contacts leaves out the columns that nobody fills, and cuts the later ones where there is no room", () => {
    assert.deepStrictEqual(contactTable([contact], 80), ["ID", id])
    const full = { ...contact, phone: "1", firstName: "J".repeat(30), email: "e@x.example", tags: [{ name: "vip" }] }
    const wide = contactTable([full, contact], 200)
    assert.match(wide[0]!, /^ID +PHONE +NAME +E-MAIL +TAGS$/)
    assert.include(wide[1], "vip")
    const narrow = contactTable([full], 60)
    assert.match(narrow[1]!, /J+…$/)
    assert.deepStrictEqual(contactTable([full], 10), ["ID", id])
  })

  it("of one contact says what there is", () => {
    const lines = contactLines({ ...contact, fields: { city: "Oslo", n: { a: 1 } } })
    assert.deepStrictEqual(
      lines.map((line) => line.trim().replace(/ +/, " ")),
      [`id ${id}`, "city Oslo", 'n {"a":1}']
    )
  })

  it("as JSON has the names of tags, and extra where there is some", () => {
    assert.deepStrictEqual<unknown>(contactJson(contact), { id })
    assert.deepStrictEqual<unknown>(contactJson({ ...contact, tags: [{ name: "a", id: "1" }], extra: { x: 1 } }), {
      id,
      tags: ["a"],
      extra: { x: 1 }
    })
  })
})
