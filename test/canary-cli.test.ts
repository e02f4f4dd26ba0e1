/** The canary test for processes: the `agentalk` command, and a program that logs every failure. */
import { SandboxServer } from "@agentalk/node"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { execFile } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Agentalk from "../packages/cli/test/Agentalk.ts"
import { canary, input, leaksInAll, type Piece, token } from "./Canary.ts"
import * as EchoServer from "./EchoServer.ts"

vi.setConfig({ testTimeout: 120_000 })

const secret = Redacted.value(token)

const environment = (url: string) => ({
  AGENTALK_BASE_URL: url,
  AGENTALK_API_TOKEN: secret,
  AGENTALK_ORGANIZATION_ID: canary.organization
})

const { email, fieldKey, fieldValue, firstName, id, lastName, phone, tag } = canary
const field = `${fieldKey}=${fieldValue}`

/** The arguments of every command that calls the API. */
const commandsFor = (id: string): ReadonlyArray<ReadonlyArray<string>> => [
  ["upsert", "--phone", phone, "--first-name", firstName, "--last-name", lastName].concat([
    "--email",
    email,
    "--tag",
    tag,
    "--field",
    field
  ]),
  ["search", "--name", firstName, "--phone", phone],
  ["search", "--name", firstName, "--all"],
  ["export", "--name", firstName],
  ["set-fields", id, "--field", field],
  ["add-tags", id, tag],
  ["remove-tag", id, tag],
  ["clear-field", id, fieldKey],
  ["delete", id, "--yes"]
]

interface Invocation {
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
}

/** Runs the commands and returns their output. */
const runAll = (runs: ReadonlyArray<Invocation>) =>
  Effect.forEach(runs, ({ args, env }) => Effect.map(Agentalk.run(args, { env }), (ended) => ({ args, ...ended })), {
    concurrency: 3
  })

/** Checks the output. Only the standard output of a successful command may contain a contact. */
const assertNoLeak = (
  ended: ReadonlyArray<Agentalk.Ended & { readonly args: ReadonlyArray<string> }>,
  mayPrintContact = true
): void => {
  const pieces = ended.flatMap(({ args, status, stderr, stdout }): ReadonlyArray<Piece> => {
    const where = `agentalk ${args.slice(0, 2).join(" ")}`
    return [
      { where: `${where}, stderr`, rule: "error", text: stderr },
      { where: `${where}, stdout`, rule: mayPrintContact && status === 0 ? "token" : "error", text: stdout }
    ]
  })
  assert.deepStrictEqual(leaksInAll(pieces), [])
}

describe("the agentalk command", () => {
  it.live.each([
    { shape: "detail", status: 400, flags: ["--verbose"], commands: commandsFor(id) },
    { shape: "html", status: 500, flags: ["--json", "--retries", "0"], commands: commandsFor(id).slice(0, 2) },
    { shape: "list", status: 200, flags: ["--verbose", "--json"], commands: commandsFor(id).slice(1, 4) }
  ])("prints no personal data if the API echoes the request: $status, $shape", ({ commands, flags, shape, status }) =>
    Effect.gen(function* () {
      const server = yield* EchoServer.onSocket
      const env = environment(server.baseUrl(shape, status))
      const runs = commands.map((args) => ({ args: ["contacts", ...args, ...flags], env }))
      const ended = yield* runAll([...runs, { args: ["doctor"], env }])
      assertNoLeak(ended)
      if (status >= 400) for (const each of ended) assert.strictEqual(each.status, 1, each.stderr)
    }).pipe(Effect.scoped)
  )

  it.live("prints a requested contact, but never the token", () =>
    Effect.gen(function* () {
      const { url } = yield* SandboxServer.Address
      const env = environment(url)
      const first = "5a4db0c5-0000-4000-8000-000000000001"
      const ended = []
      for (const args of commandsFor(first)) ended.push(...(yield* runAll([{ args: ["contacts", ...args], env }])))
      assert.deepStrictEqual(
        ended.map(({ status }) => status),
        ended.map(() => 0)
      )
      assert.include(ended[0]?.stdout, firstName)
      assertNoLeak([...ended, ...(yield* runAll([{ args: ["doctor", "--json"], env }]))])
    }).pipe(Effect.provide(SandboxServer.layerOptions({ tokens: [token] })))
  )

  it.live("does not repeat personal data or the token from a wrong argument", () =>
    Effect.gen(function* () {
      const env = environment("http://127.0.0.1:9")
      const malformed = { ...env, AGENTALK_API_TOKEN: `Bearer ${secret}` }
      const runs = [
        { args: [phone], env },
        { args: ["contacts", email], env },
        { args: ["contacts", "search", firstName], env },
        { args: ["contacts", "search", "--name", firstName, "--limit", phone], env },
        { args: ["contacts", "search", "--name", firstName, "--token", secret], env },
        { args: ["contacts", "search", "--name", firstName, `--token=${secret}`], env },
        { args: ["contacts", "search", "--name", firstName, "--organization", secret], env },
        { args: ["contacts", "search", "--name", firstName, "--base-url", `https://${secret}@example.com`], env },
        { args: ["contacts", "search", "--name", firstName, "--token-file", secret], env },
        { args: ["contacts", "search", "--name", firstName], env: malformed },
        { args: ["contacts", "upsert", "--phone", firstName, "--email", lastName], env },
        { args: ["contacts", "delete", firstName, "--yes"], env },
        { args: ["contacts", "import", phone], env },
        { args: ["doctor"], env: malformed }
      ]
      const ended = yield* runAll(runs)
      for (const { args, status, stderr } of ended) assert.isAbove(status, 0, `${args.join(" ")}: ${stderr}`)
      assertNoLeak(ended)
    })
  )
})

const csv = [
  `phone,first_name,last_name,email,tags,${fieldKey}`,
  `${phone},${firstName},${lastName},${email},${tag},Ouagadougou`,
  `${firstName},${phone},${lastName},${email},${tag},`,
  `${phone},"${firstName} ${lastName}${email},${tag}`,
  `${phone},${firstName},${lastName},${lastName},${tag},`
].join("\n")

const ndjson = [
  JSON.stringify(input),
  JSON.stringify({ ...input, phone: { [phone]: firstName } }),
  JSON.stringify({ ...input, tags: [{ name: 7, of: firstName }] }),
  JSON.stringify({ ...input, fields: { [phone]: lastName, [email]: null } }),
  `{"phone": "${phone}", ${firstName}`,
  JSON.stringify({ ...input, email: firstName })
].join("\n")

// Without a header line, the first line contains personal data.
const headless = csv.split("\n").slice(1).join("\n")

describe("agentalk contacts import", () => {
  it.live.each([
    { shape: "detail", status: 400, files: { "a.csv": csv, "b.ndjson": ndjson, "c.csv": headless } },
    { shape: "contact", status: 200, files: { "b.ndjson": ndjson } }
  ])("writes no personal data to its report, journal and output after $status, $shape", ({ files, shape, status }) =>
    Effect.gen(function* () {
      const folder = yield* Agentalk.temporary
      const server = yield* EchoServer.onSocket
      const env = environment(server.baseUrl(shape, status))
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      const paths = Object.keys(files).map((name) => join(folder, name))
      const flags = ["--retries", "0", "--verbose"]
      const ended = yield* runAll([
        ...paths.map((path) => ({ args: ["contacts", "import", path, "--dry-run"], env })),
        ...paths.map((path) => ({ args: ["contacts", "import", path, ...flags], env })),
        { args: ["contacts", "import", paths[0] ?? "", "--report", "-", "--json", ...flags], env }
      ])
      assertNoLeak(ended, false)
      const written = paths.flatMap((path) => [`${path}.report.ndjson`, `${path}.report.ndjson.journal`])
      const pieces = written
        .filter((path) => existsSync(path))
        .map((path): Piece => ({ where: path, rule: "error", text: readFileSync(path, "utf8") }))
      assert.isAtLeast(pieces.length, paths.length)
      assert.deepStrictEqual(leaksInAll(pieces), [])
    }).pipe(Effect.scoped)
  )
})

/** Runs the program and returns its output, also if it fails. */
const runProgram = (env: Readonly<Record<string, string>>) =>
  Effect.callback<{ readonly stdout: string; readonly stderr: string }>((resume) => {
    const path = fileURLToPath(new URL("fixtures/canary-process.ts", import.meta.url))
    execFile(process.execPath, ["--trace-warnings", path], { env }, (_, stdout, stderr) =>
      resume(Effect.succeed({ stdout, stderr }))
    )
  })

describe("a program that logs every failure and does not handle its last error", () => {
  it.live.each([
    { shape: "detail", status: 400 },
    { shape: "list", status: 200 }
  ])("prints no personal data after $status, $shape", ({ shape, status }) =>
    Effect.gen(function* () {
      const server = yield* EchoServer.onSocket
      const { stderr, stdout } = yield* runProgram({ TEST_URL: server.baseUrl(shape, status) })
      assert.include(stdout, "a call failed")
      assert.deepStrictEqual(
        leaksInAll([
          { where: "stdout", rule: "error", text: stdout },
          { where: "stderr", rule: "error", text: stderr }
        ]),
        []
      )
    }).pipe(Effect.scoped)
  )
})
