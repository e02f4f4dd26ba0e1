/**
 * The canary test for the `agentalk` command, and for a program that logs every failure. Most commands run within the
 * process of the test. A few run in a process of their own, because only the binary handles signals and defects.
 */
import { Sandbox } from "@agentalk/core"
import { Operation } from "@agentalk/core/Operations"
import { attributeNames, attributes } from "@agentalk/core/unstable"
import { Cli } from "@agentalk/cli"
import { SandboxServer } from "@agentalk/node"
import { assert, describe, it, vi } from "@effect/vitest"
import type * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { execFile } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Agentalk from "../packages/cli/test/Agentalk.ts"
import * as InProcess from "../packages/cli/test/InProcess.ts"
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

const inputValues: Readonly<Record<string, unknown>> = input

/** The flags of `upsert` with the personal value of every attribute. */
const attributeFlags = attributeNames.flatMap((name) =>
  [inputValues[name]].flat().flatMap((value) => [`--${attributes[name].flag.name}`, String(value)])
)

/** The arguments of every command that calls the API, by its name. `import` has tests of its own. */
const argumentsOf = (id: string): Readonly<Record<string, ReadonlyArray<ReadonlyArray<string>>>> => ({
  upsert: [[...attributeFlags, "--field", field]],
  search: [
    ["--name", firstName, "--phone", phone],
    ["--name", firstName, "--all"]
  ],
  export: [["--name", firstName]],
  import: [],
  "set-fields": [[id, "--field", field]],
  "add-tags": [[id, tag]],
  "remove-tag": [[id, tag]],

  "clear-field": [[id, fieldKey]],
  delete: [[id, "--yes"]]
})

const commandsFor = (id: string): ReadonlyArray<ReadonlyArray<string>> =>
  Object.entries(argumentsOf(id)).flatMap(([name, all]) => all.map((args) => ["contacts", name, ...args]))

interface Invocation {
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
}

type Ended = Agentalk.Ended & { readonly args: ReadonlyArray<string> }

/** Runs the commands one after the other within this process. */
const runAll = (invocations: ReadonlyArray<Invocation>): Effect.Effect<ReadonlyArray<Ended>> =>
  Effect.forEach(invocations, ({ args, env }) =>
    Effect.map(InProcess.runWith(args, env), (ended) => ({ args, ...ended }))
  )

/** Runs the commands in processes of their own. */
const runProcesses = (invocations: ReadonlyArray<Invocation>): Effect.Effect<ReadonlyArray<Ended>> =>
  Effect.forEach(
    invocations,
    ({ args, env }) => Effect.map(Agentalk.run(args, { env }), (ended) => ({ args, ...ended })),
    { concurrency: 2 }
  )

/** Checks the output. Only the standard output of a successful command may contain a contact. */
const assertNoLeak = (ended: ReadonlyArray<Ended>, mayPrintContact = true): void => {
  const pieces = ended.flatMap(({ args, status, stderr, stdout }): ReadonlyArray<Piece> => {
    const where = `agentalk ${args.slice(0, 2).join(" ")}`
    return [
      { where: `${where}, stderr`, rule: "error", text: stderr },
      { where: `${where}, stdout`, rule: mayPrintContact && status === 0 ? "token" : "error", text: stdout }
    ]
  })
  assert.deepStrictEqual(leaksInAll(pieces), [])
}

/** Commands with personal data or the token in a wrong argument or variable. */
const misuses = ((): ReadonlyArray<Invocation> => {
  const env = environment("http://127.0.0.1:9")
  const malformed = { ...env, AGENTALK_API_TOKEN: `Bearer ${secret}` }
  const search = ["contacts", "search", "--name", firstName]
  return [
    { args: ["doctor"], env: malformed },
    { args: ["contacts", "search", firstName], env },
    { args: [phone], env },
    { args: ["contacts", email], env },
    { args: ["contacts", firstName], env },
    { args: [...search, "--limit", phone], env },
    { args: [...search, "--limit", firstName], env },
    { args: [...search, "--timeout", firstName], env },
    { args: [...search, "--retries", firstName], env },
    { args: [...search, "--phone", phone, "--phone", phone], env },
    { args: [...search, "--token", secret], env },
    { args: [...search, `--token=${secret}`], env },
    { args: [...search, `--${secret}`], env },
    { args: [...search, "--organization", secret], env },
    { args: [...search, "--base-url", `https://${secret}@example.com`], env },
    { args: [...search, "--token-file", secret], env },
    { args: search, env: malformed },
    { args: ["contacts", "export", "--name", firstName, "--format", lastName], env },
    { args: ["contacts", "upsert", "--phone", firstName, "--email", lastName], env },
    { args: ["contacts", "upsert", "--phone", phone, "--field", fieldValue], env },
    { args: ["contacts", "upsert", "--phone", phone, "--field-json", field], env },
    { args: ["contacts", "delete", firstName, "--yes"], env },
    { args: ["contacts", "import", phone], env },
    { args: ["contacts", "import", "in.csv", "--map", firstName], env },
    { args: ["contacts", "import", "in.csv", "--rate", firstName], env }
  ]
})()

describe("the agentalk command", () => {
  it("has arguments for every command and every attribute in this test", () => {
    const groups = Cli.agentalk.subcommands.flatMap<Command.Command.Any>(({ commands }) => commands)
    const names = groups.flatMap((group) =>
      group.subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))
    )
    assert.deepStrictEqual(
      names.filter((name) => !Object.hasOwn(argumentsOf(id), name)),
      [],
      "Add the arguments of these commands to `argumentsOf` in test/canary-cli.test.ts"
    )
    assert.deepStrictEqual(
      attributeNames.filter((name) => inputValues[name] === undefined),
      [],
      "Add a value of these attributes to `input` in test/Canary.ts"
    )
  })

  it.live.each([
    { shape: "detail", status: 400, flags: ["--verbose"] },
    { shape: "html", status: 500, flags: ["--json", "--retries", "0"] },
    { shape: "list", status: 200, flags: ["--verbose", "--json"] }
  ])("prints no personal data if the API echoes the request: $status, $shape", ({ flags, shape, status }) =>
    Effect.gen(function* () {
      const server = yield* EchoServer.onSocket
      const env = environment(server.baseUrl(shape, status))
      const invocations = commandsFor(id).map((args) => ({ args: args.concat(flags), env }))
      const ended = yield* runAll([...invocations, { args: ["doctor"], env }])
      assertNoLeak(ended)
      if (status >= 400) for (const each of ended) assert.strictEqual(each.status, 1, each.stderr)
    }).pipe(Effect.scoped)
  )

  it.live("prints a requested contact, but never the token", () =>
    Effect.gen(function* () {
      const { url } = yield* SandboxServer.Address
      const env = environment(url)
      const first = "5a4db0c5-0000-4000-8000-000000000001"
      const ended = yield* runAll([...commandsFor(first), ["doctor", "--json"]].map((args) => ({ args, env })))
      assert.deepStrictEqual(
        ended.filter(({ status }) => status !== 0),
        []
      )
      assert.include(ended[0]?.stdout, firstName)
      assertNoLeak(ended)
      const requests = yield* (yield* Sandbox.State).requests
      assert.deepStrictEqual(
        Operation.literals.filter((name) => !requests.some(({ operation }) => operation === name)),
        [],
        "Add commands that call these operations to packages/cli, and their arguments to `argumentsOf` in this test"
      )
    }).pipe(Effect.provide(SandboxServer.layerOptions({ tokens: [token] })))
  )

  it.live("does not repeat personal data or the token from a wrong argument", () =>
    Effect.gen(function* () {
      const ended = yield* runAll(misuses)
      for (const { args, status, stderr } of ended) assert.isAbove(status, 0, `${args.join(" ")}: ${stderr}`)
      assertNoLeak(ended)
    })
  )

  it.live("prints no personal data in a process of its own", () =>
    Effect.gen(function* () {
      const server = yield* EchoServer.onSocket
      const env = environment(server.baseUrl("detail", 400))
      const [upsert = [], search = []] = commandsFor(id)
      const ended = yield* runProcesses([
        { args: [...upsert, "--verbose"], env },
        { args: [...search, "--json"], env },
        ...misuses.slice(0, 2)
      ])
      for (const { args, status, stderr } of ended) assert.isAbove(status, 0, `${args.join(" ")}: ${stderr}`)
      assertNoLeak(ended)
    }).pipe(Effect.scoped)
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
        ...paths.map((path) => ({ args: ["contacts", "import", path, ...flags], env }))
      ])
      const piped = yield* runProcesses([
        { args: ["contacts", "import", paths[0] ?? "", "--report", "-", "--json", ...flags], env }
      ])
      assertNoLeak(piped, false)
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
