/** `agentalk doctor` within the process of the test. */
import * as Faults from "@agentalk/core/Faults"
import * as Sandbox from "@agentalk/core/Sandbox"
import * as SandboxServer from "@agentalk/node/SandboxServer"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { chmodSync, writeFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { join } from "node:path"
import * as Agentalk from "./Agentalk.ts"
import { environment, run } from "./InProcess.ts"

/** The failed check, and how to fix it. */
const failedCheck = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.map(run(["doctor", ...args, "--json"], { env }), ({ status, stdout }) => {
    const { checks, ok } = JSON.parse(stdout) as {
      readonly ok: boolean
      readonly checks: ReadonlyArray<{ name: string; ok: boolean; text: string; fix?: string }>
    }
    return { ok, status, ...checks.find((check) => !check.ok), names: checks.map(({ name }) => name) }
  })

layer(SandboxServer.layer, { excludeTestServices: true, timeout: 30_000 })("the doctor", (it) => {
  it.effect("accepts settings from variables and from flags", () =>
    Effect.gen(function* () {
      const { AGENTALK_API_TOKEN, AGENTALK_BASE_URL } = yield* environment
      const byVariables = yield* run(["doctor"])
      assert.strictEqual(byVariables.status, 0)
      assert.match(byVariables.stdout, /settings[^]*AGENTALK_API_TOKEN, AGENTALK_BASE_URL\n[^]*All checks passed\.$/)
      const folder = yield* Agentalk.temporary
      const file = join(folder, "token")
      writeFileSync(file, AGENTALK_API_TOKEN)
      chmodSync(file, 0o600)
      const organization = "aaaaaaaa-0000-4000-8000-000000000001"
      const flags = ["--token-file", file, "--base-url", AGENTALK_BASE_URL, "--organization", organization]
      const byFlags = yield* run(["doctor", ...flags, "--timeout", "9s"], {
        env: { AGENTALK_API_TOKEN: "", AGENTALK_BASE_URL: "" }
      })
      assert.strictEqual(byFlags.status, 0)
      assert.match(byFlags.stdout, /--token-file, --base-url, --organization/)
    }).pipe(Effect.scoped)
  )

  it.effect("names the invalid setting and how to fix it", () =>
    Effect.gen(function* () {
      const missing = yield* failedCheck([], { AGENTALK_API_TOKEN: " " })
      assert.deepInclude(missing, {
        ok: false,
        status: 2,
        name: "settings",
        text: "ConfigError: AGENTALK_API_TOKEN is not set",
        fix: "Set AGENTALK_API_TOKEN, or use --token-file."
      })
      const malformed = yield* failedCheck([], { AGENTALK_API_TOKEN: "x" })
      assert.deepInclude(malformed, {
        status: 2,
        name: "settings",
        fix: "Correct AGENTALK_API_TOKEN, or use --token-file."
      })
      const url = yield* failedCheck([], { AGENTALK_BASE_URL: "x" })
      assert.strictEqual(url.fix, "Correct AGENTALK_BASE_URL, unset it, or use --base-url.")
      const quota = yield* failedCheck([], { AGENTALK_RATE_LIMIT: "fast" })
      assert.deepInclude(quota, { status: 2, fix: "Correct AGENTALK_RATE_LIMIT, or unset it." })
      const flag = yield* run(["doctor", "--base-url", "ftp://x", "--json"])
      assert.strictEqual(flag.status, 2)
      assert.include(flag.stderr, '"message":"--base-url: Expected an absolute https URL')
    })
  )

  it.effect("explains failures of the network and of the API", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      // The server is closed when its URL is returned.
      const { url } = yield* Effect.provide(SandboxServer.Address, Layer.fresh(SandboxServer.layer))
      const refused = yield* failedCheck(["--base-url", url])
      assert.deepInclude(refused, { status: 1, name: "network" })
      assert.include(refused.fix, "Nothing listens")
      yield* state.script(Faults.script({ times: Infinity, fault: Faults.hang({ strikes: "before" }) }))
      const silent = yield* failedCheck(["--timeout", "50ms"])
      assert.deepInclude(silent, { status: 1, name: "network" })
      assert.include(silent.fix, "--timeout")
      yield* state.script(() => Faults.status(403, { strikes: "before" }))
      const forbidden = yield* failedCheck([])
      assert.deepInclude(forbidden, { status: 1, name: "access" })
      assert.include(forbidden.fix, "--organization")
      yield* state.script(() => undefined)
    })
  )

  it.effect("prints the failed check, how to fix it, and no value", () =>
    Effect.gen(function* () {
      const { AGENTALK_BASE_URL } = yield* environment
      const cases: ReadonlyArray<readonly [Readonly<Record<string, string>>, number, RegExp]> = [
        [
          { AGENTALK_API_TOKEN: "" },
          2,
          /✗ settings +ConfigError: AGENTALK_API_TOKEN is not set\n +Set AGENTALK_API_TOKEN[^]*\nFix the failed check and /
        ],
        [{ AGENTALK_API_TOKEN: "nonsense" }, 2, /✗ settings[^]*Correct AGENTALK_API_TOKEN/],
        [{ AGENTALK_BASE_URL: "nonsense" }, 2, /✗ settings[^]*AGENTALK_BASE_URL/],
        [{ AGENTALK_BASE_URL: "http://127.0.0.1:9" }, 1, /✗ network[^]*Nothing listens/],
        [{ AGENTALK_API_TOKEN: `${Sandbox.organization}.nonsense` }, 1, /✗ access +Unauthorized/],
        [
          { AGENTALK_BASE_URL: AGENTALK_BASE_URL.replace("http:", "https:") },
          1,
          /✗ network[^]*The server uses plain http on this port/
        ]
      ]
      for (const [env, status, text] of cases) {
        const ended = yield* run(["doctor"], { env })
        assert.strictEqual(ended.status, status, ended.stdout)
        assert.match(ended.stdout, text)
        assert.notInclude(ended.stdout, "nonsense")
        assert.strictEqual(ended.stdout.split("agentalk doctor").length, 2, "only the last line names the doctor")
      }
    })
  )

  it.effect("prints the code of an error that it does not know", () =>
    Effect.gen(function* () {
      const server = createServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(99_999)}\r\n\r\n`))
      })
      yield* Effect.addFinalizer(() =>
        Effect.promise(() => new Promise<void>((resolve) => void server.close(() => resolve())))
      )
      yield* Effect.promise(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)))
      const { port } = server.address() as AddressInfo
      const unknown = yield* run(["doctor", "--base-url", `http://127.0.0.1:${port}`, "--retries", "0"])
      assert.strictEqual(unknown.status, 1)
      assert.match(unknown.stdout, /✗ network[^]*The error code is UND_ERR_HEADERS_OVERFLOW\. Check the network and/)
    }).pipe(Effect.scoped)
  )
})
