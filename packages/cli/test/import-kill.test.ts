import { Faults, Sandbox } from "@agentalk/core"
import { assert, layer, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import * as Agentalk from "./Agentalk.ts"

const rows = 1500
const kills = 5

vi.setConfig({ testTimeout: 60_000 })

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })(
  "an import that is killed several times",
  (it) => {
    it.effect("reports every row once, and creates the same contacts as one complete run", () =>
      Effect.gen(function* () {
        const { url } = yield* SandboxServer.Address
        const state = yield* Sandbox.State
        const cwd = yield* Agentalk.temporary
        const path = join(cwd, "contacts.csv")
        writeFileSync(
          path,
          `phone,first_name\n${Array.from({ length: rows }, (_, n) => (n % 50 === 7 ? "12,bad\n" : `4470${100_000 + n},J${n}\n`)).join("")}`
        )
        // Slow responses keep the import running long enough to be killed.
        yield* state.script(({ index }) =>
          index % 8 === 0 ? Faults.slow("10 millis", { strikes: "after" }) : undefined
        )
        const args = ["contacts", "import", path, "--resume", "--json"]
        const options = { cwd, env: Agentalk.environment(url) }
        let killed = 0
        for (let run = 0; run < kills; run++) {
          const sent = (yield* state.requests).length
          const { child, ended } = yield* Agentalk.start(args, options)
          // Kills it at a random moment after its first request.
          while ((yield* state.requests).length === sent && child.exitCode === null) yield* Effect.sleep("5 millis")
          yield* Effect.sleep((yield* Random.next) * 150)
          child.kill("SIGKILL")
          if ((yield* Effect.promise(() => ended)).status === 137) killed++
        }
        assert.isAtLeast(killed, 2)
        const last = yield* Agentalk.run(args, options)
        assert.strictEqual(last.status, 3, last.stderr)
        const summary = JSON.parse(last.stdout) as Record<string, number>
        const report = readFileSync(`${path}.report.ndjson`, "utf8").trimEnd().split("\n")
        const lines = report.map((line) => JSON.parse(line) as { readonly row: number; readonly outcome: string })
        assert.deepStrictEqual(
          lines.map(({ row }) => row).toSorted((a, b) => a - b),
          Array.from({ length: rows }, (_, n) => n + 1)
        )
        assert.deepInclude(summary, { rows, invalid: 30, failed: 0 })
        assert.strictEqual((summary["created"] ?? 0) + (summary["updated"] ?? 0), rows - 30)
        const names = new Set((yield* state.contacts()).map(({ firstName }) => firstName))
        assert.strictEqual((yield* state.contacts()).length, rows - 30)
        for (let n = 0; n < rows; n++) assert.strictEqual(names.has(`J${n}`), n % 50 !== 7)
      }).pipe(Effect.scoped)
    )
  }
)
