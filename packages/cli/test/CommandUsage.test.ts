/** The command on wrong usage, wrong settings and what it is asked to tell of itself. */
import * as Errors from "@agentalk/core/AgentalkError"
import * as Faults from "@agentalk/core/Faults"
import * as Sandbox from "@agentalk/core/Sandbox"
import { assert, it, layer, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { chmodSync, readdirSync, writeFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { join } from "node:path"
import { FileFault } from "@agentalk/import/ContactFile"
import { ImportStopped } from "@agentalk/import/Import"
import { explain, Halted } from "../src/internal/explanation.ts"
import { pathKind } from "../../import/src/internal/pathKind.ts"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import * as Agentalk from "./Agentalk.ts"
import { environment, run } from "./InProcess.ts"

const id = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

const searchWith = (file: string) => run(["contacts", "search", "--name", "x", "--token-file", file])

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("the command", (it) => {
  it.effect("refuses named pipes, whose other end may never open", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      const pipe = join(folder, "pipe.csv")
      const file = join(folder, "in.csv")
      spawnSync("mkfifo", [pipe])
      writeFileSync(file, "phone\n+12025550111\n")
      for (const args of [
        ["import", pipe],
        ["import", pipe, "--dry-run"],
        ["import", file, "--report", pipe],
        ["export", "--name", "x", "--out", pipe]
      ]) {
        const { err, status } = yield* run(["contacts", ...args])
        assert.strictEqual(status, 2, args.join(" "))
        assert.include(err, "named pipe", args.join(" "))
      }
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["in.csv", "pipe.csv"])
      assert.deepStrictEqual(
        [pathKind("/dev/null"), pathKind(file), pathKind(join(file, "x"))],
        ["device", "file", "new"]
      )
      const exported = yield* run(["contacts", "export", "--name", "nobody", "--out", "/dev/null", "--format", "csv"])
      assert.strictEqual(exported.status, 0)
    }).pipe(Effect.scoped)
  )

  it.effect("tells how it is used, and its version", () =>
    Effect.gen(function* () {
      for (const args of [[], ["--help"]]) {
        const { err, out, status } = yield* run(args)
        assert.deepStrictEqual([status, err], [0, ""])
        assert.include(out, "agentalk doctor")
      }
      assert.match((yield* run(["--version"])).out, /0\.1\.0/)
      assert.match((yield* run(["--completions", "bash"])).out, /agentalk/)
      const json = yield* run(["--json"])
      assert.deepStrictEqual([json.status, json.out], [2, ""])
      assert.include(json.err, '"message":"a command is missing"')
      assert.include((yield* run(["contacts", "nothing", "--json"])).err, '"tag":"UsageError"')
      assert.notInclude((yield* run(["contacts", "add-tags", "--", "--json"])).err, "{")
    })
  )

  it.effect("refuses what a call cannot be made of", () =>
    Effect.gen(function* () {
      for (const [args, said] of [
        [["contacts", "set-fields", id], /set-fields needs --field/],
        [["contacts", "set-fields", id, "--field-json", "seats=five"], /--field-json: Expected KEY=JSON/],
        [["contacts", "set-fields", id, "--field", "a=1", "--field-json", "a=2"], /a field is given twice/],
        [["contacts", "search", "--name", " "], /--name: Expected text that is not blank/],
        [["contacts", "import", "x.csv", "--dry-run", "--resume"], /--dry-run sends nothing/]
      ] as const) {
        const { err, status } = yield* run(args)
        assert.strictEqual(status, 2)
        assert.match(err, said)
      }
      const upsert = ["contacts", "upsert", "--phone", "+12025550199"]
      assert.match((yield* run(upsert)).out, /created/)
      assert.match((yield* run([...upsert, "--field-json", "seats=5"])).out, /updated\n[^]*seats +5/)
      assert.deepStrictEqual(yield* run(["contacts", "search", "--name", "Nobody", "--all", "--json"]), {
        status: 0,
        out: "",
        err: ""
      })
    })
  )

  it.effect("reads a token from a file of its owner alone", () =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      const file = join(folder, "the token")
      assert.match((yield* searchWith(file)).err, /there is no such file/)
      assert.match((yield* searchWith(folder)).err, /not a file that holds a token/)
      writeFileSync(file, (yield* environment).AGENTALK_API_TOKEN)
      chmodSync(file, 0o644)
      assert.include((yield* searchWith(file)).err, `chmod 600 '${file}'`)
      chmodSync(file, 0o600)
      assert.strictEqual((yield* searchWith(file)).status, 0)
      const other = join(folder, "token")
      writeFileSync(other, "x", { mode: 0o644 })
      assert.include((yield* searchWith(other)).err, `chmod 600 ${other}\``)
    }).pipe(Effect.scoped)
  )

  it.effect("says in the doctor's lines what is to be mended", () =>
    Effect.gen(function* () {
      const { AGENTALK_BASE_URL } = yield* environment
      const none = yield* run(["doctor"], { AGENTALK_API_TOKEN: "" })
      assert.strictEqual(none.status, 2)
      assert.match(
        none.out,
        /✗ settings +ConfigError: AGENTALK_API_TOKEN is not set\n +Set AGENTALK_API_TOKEN[^]*Mend the line marked ✗/
      )
      const tls = yield* run(["doctor", "--base-url", AGENTALK_BASE_URL.replace("http:", "https:")])
      assert.strictEqual(tls.status, 1)
      assert.match(tls.out, /✗ network[^]*speaks plain http at this port/)
      const server = createServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(99_999)}\r\n\r\n`))
      })
      yield* Effect.addFinalizer(() =>
        Effect.promise(() => new Promise<void>((resolve) => void server.close(() => resolve())))
      )
      yield* Effect.promise(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)))
      const { port } = server.address() as AddressInfo
      const strange = yield* run(["doctor", "--base-url", `http://127.0.0.1:${port}`, "--retries", "0"])
      assert.strictEqual(strange.status, 1)
      assert.match(strange.out, /✗ network[^]*The code is UND_ERR_HEADERS_OVERFLOW: check the network and/)
    }).pipe(Effect.scoped)
  )

  it.effect("tells of a dry run how many rows are invalid, and the first of them", () =>
    Effect.gen(function* () {
      const path = join(yield* Agentalk.temporary, "people.csv")
      const dryRun = (bad: number) => {
        writeFileSync(path, `phone\n+12025550131\n${"12\n".repeat(bad)}`)
        return run(["contacts", "import", path, "--dry-run"])
      }
      assert.match(
        (yield* dryRun(1)).out,
        /^2 rows: 1 would be sent, 1 is invalid\.\n {2}line 3: [^\n]+\nNothing was sent\.$/
      )
      const many = yield* dryRun(7)
      assert.match(many.out, /^8 rows: 1 would be sent, 7 are invalid\.\n( {2}line \d+: [^\n]+\n){5} {2}and 2 more\n/)
      assert.strictEqual(many.status, 3)
    }).pipe(Effect.scoped)
  )

  it.effect("tells that rows failed, and sends them again", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      const folder = yield* Agentalk.temporary
      const path = join(folder, "people.csv")
      writeFileSync(path, "phone\n+12025550121\n+12025550122\n")
      yield* state.script(Faults.script({ times: 1, fault: Faults.status(403, { strikes: "before" }) }))
      const first = yield* run(["contacts", "import", path])
      assert.strictEqual(first.status, 3)
      assert.match(first.out, /failed +1\n[^]*--retry-failed/)
      const again = yield* run(["contacts", "import", path, "--retry-failed"])
      assert.strictEqual(again.status, 0)
      assert.match(again.out, /^✓ 2 rows in .*, 1 of them earlier\n/)
      const other = join(folder, "other.csv")
      writeFileSync(other, "phone\n+12025550121\n")
      yield* state.script(() => Faults.status(401, { strikes: "before" }))
      const args = vi.spyOn(process, "argv", "get")
      yield* Effect.addFinalizer(() => Effect.sync(() => args.mockRestore()))
      for (const [given, resume] of [
        [["import", "Jane's file.csv"], String.raw`import 'Jane'\''s file.csv' --resume`],
        [["import", "other.csv", "--resume", "--retry-failed"], "import other.csv --resume"]
      ] as const) {
        args.mockReturnValue(["node", "agentalk", ...given])
        const stopped = yield* run(["contacts", "import", other, "--resume"])
        assert.strictEqual(stopped.status, 1)
        assert.match(stopped.err, /^Unauthorized: the import stopped at line 2\./)
        assert.isTrue(stopped.err.endsWith(`Go on with: agentalk ${resume}`), stopped.err)
      }
      yield* state.script(() => undefined)
    }).pipe(Effect.scoped)
  )
})

const call = { outcome: "unknown", message: "It failed." } as const

it("explains what a contact may lack, and how an import goes on", () => {
  const missing = (operation: "clearField" | "removeTag") =>
    explain(new Errors.NotFound({ ...call, operation, status: 404 }))?.advice
  assert.match(missing("clearField") ?? "", /^Check the contact id and the field key: /)
  assert.match(missing("removeTag") ?? "", /^Check the contact id and the tag id or name: /)
  const error = new Errors.TransportFailure({ ...call, operation: "upsert", code: "ECONNRESET" })
  assert.strictEqual(explain(error)?.facts?.["code"], "ECONNRESET")
  const stopped = explain(new ImportStopped({ error, line: 7, message: "Stopped." }))
  assert.deepInclude(stopped, { status: 1, tag: "TransportFailure", message: "Stopped." })
  const cause = new FileFault({ kind: "system", message: "Full.", advice: "Make room." })
  assert.deepInclude(explain(new Halted({ cause, resume: "Go on." })), {
    tag: "FileFault",
    advice: "Make room. Go on."
  })
  const { advice = "" } =
    explain(new Halted({ cause: new ImportStopped({ error, line: 7, message: "x" }), resume: "Go on." })) ?? {}
  assert.match(advice, /doctor.* Go on\.$/)
})
