/**
 * Proves that the vendor's contract accepts the requests of the SDK. Prism, a mock server for OpenAPI contracts, validates
 * every kind of request that the operations can send.
 *
 *   pnpm proof:contract      (installs Prism in test/prism first; Prism listens on loopback only)
 */
import { AgentalkClient, type Operation, Retry, Sandbox } from "../packages/core/src/index.ts"
import { factsOf, operationNames } from "../packages/core/src/internal/operation.ts"
import { UndiciHttpClient } from "../packages/node/src/index.ts"
import {
  accepts,
  acceptsText,
  callOperation,
  definitionOf,
  fieldsOf,
  type Input,
  isOptional,
  mapFields,
  sampleOf,
  throwMissing,
  type ValueSchema
} from "../test/OperationCalls.ts"
import { Console, Effect, Redacted, Result } from "effect"
import { HttpClient, HttpClientRequest, type HttpClientResponse, type HttpMethod } from "effect/http"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"

const id = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"
const phone = "+12025550143"

// --- the requests -------------------------------------------------------------------------------------------------

const texts = [
  "Jane",
  "Žoë 👩‍👧",
  "名前",
  "שלום",
  'a"b\\c',
  "a\nb\tc",
  "\u0000\u001f",
  "<b>&amp;</b>",
  "%2F%00",
  "null",
  "x".repeat(2000)
]
const keys = ["city", "größe", "a b", "a.b", "a/b", "__proto__", "constructor", "x".repeat(200)]
const spaceless =
  "email firstName vip 7 search tags ... ..a a..b a+b a&b=c a?b a#b a/b a/b/c a\\b % %2F %2e%2e %zz a% :contact_id {x} [x] (x) * a;b,c @ ~ ! $ ' \" ` <> | ^ ü 名前 👩‍👧 e\u0301 \u0000 \u202e"
const segments = [...spaceless.split(" "), "a b", " ", "a\nb", "x".repeat(500)]
const jsonValues = ["", "text", 0, -1.5, 1e300, true, null, [], [1, [null]], {}, { deep: { list: ["ü"] } }]

/**
 * Valid values by the keys of the operations' inputs, for values that are not any text. The first value is a common one,
 * the second is unusual.
 */
const values: Readonly<Record<string, readonly [unknown, unknown, ...ReadonlyArray<unknown>]>> = {
  id: [id, id.toUpperCase()],
  phone: [phone, "\u202a202-555-0143\u202c", "1234567", "+123456789012345", "+1 (202) 555-0143"],
  email: ["a@b.co", "o'neill@example.com", "first.last+tag@sub.example.com", "x_y-z@example-domain.org", "1@2.example"],
  tags: [
    ["vip"],
    ["ü", "a/b"],
    [],
    texts,
    ...[...texts, ...segments].flatMap((tag) => (tag.trim() === "" ? [] : [[tag], [tag, "vip", tag]]))
  ],
  fields: [
    { city: "Lisbon" },
    JSON.parse('{"__proto__":{"größe":null}}'),
    {},
    ...jsonValues.map((value) => ({ value })),
    ...keys.map((key) => Object.fromEntries([[key, key]]))
  ],
  limit: [1, 1000],
  offset: [0, Number.MAX_SAFE_INTEGER]
}

/** Values for a key of an operation's input. A value that may be any text is hostile text, or a segment of a path. */
const valuesFor = (operation: Operation, key: string, schema: ValueSchema): ReadonlyArray<unknown> => {
  if (!acceptsText(schema)) return values[key] ?? throwMissing(key, "`values` in scripts/proof-contract.ts")
  const isInPath = factsOf(operation).parameters.some(({ inputName }) => inputName === key)
  if (isInPath) return [...segments, ...keys]
  return [...texts, ...segments, ...(values[key] ?? []), ...(accepts(schema, "") ? [""] : [])]
}

const subsets = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: 2 ** all.length }, (_, n) => all.filter((_, index) => Math.floor(n / 2 ** index) % 2 === 1))

/** Inputs of an operation: its sample with every value of each key, and every valid set of optional keys. */
const inputsOf = (operation: Operation): ReadonlyArray<Input> => {
  const sample = sampleOf(operation)
  const candidates = mapFields(operation, (key, schema) => valuesFor(operation, key, schema))
  const withEachValue = Object.entries(candidates).flatMap(([key, all]) =>
    all.map((value) => ({ ...sample, [key]: value }))
  )
  const fields = Object.entries(fieldsOf(operation))
  const keysOf = (areOptional: boolean) =>
    fields.filter(([, schema]) => isOptional(schema) === areOptional).map(([key]) => key)
  const withEachSet = [0, 1].flatMap((index) =>
    subsets(keysOf(true)).map((chosen) =>
      Object.fromEntries([...keysOf(false), ...chosen].map((key) => [key, candidates[key]?.[index]]))
    )
  )
  return [...withEachValue, ...withEachSet.filter((input) => accepts(definitionOf(operation).input, input))]
}

/** Requests that violate the contract. Prism must reject each of them; otherwise its acceptance of the others proves nothing. */
const invalidRequests: ReadonlyArray<
  readonly [
    name: string,
    method: HttpMethod.HttpMethod,
    path: string,
    body?: object | undefined,
    headers?: Record<string, string>
  ]
> = [
  ["a missing phone", "POST", "", { firstName: "Jane" }],
  ["a phone of a wrong type", "POST", "", { phone: 7 }],
  ["an invalid e-mail address", "POST", "", { phone, email: "jane" }],
  ["tags that are not a list", "POST", "", { phone, tags: "vip" }],
  ["a tag of a wrong type", "POST", `/${id}/tags`, { tags: [7] }],
  ["fields as a list", "PATCH", `/${id}/fields`, { fields: [] }],
  ["missing fields", "PATCH", `/${id}/fields`, {}],
  ["an id that is not a UUID", "DELETE", "/jane"],
  ["a limit that is not a number", "GET", "/search?name=Jane&limit=x"],
  ["an organization that is not a UUID", "GET", "/search?name=Jane", undefined, { "x-organization-id": "acme" }],
  ["a missing token", "GET", "/search?name=Jane", undefined, { authorization: "" }],
  ["an unknown address", "GET", "/search/all"]
]

// --- the responses of Prism ---------------------------------------------------------------------------------------

const isAccepted = ({ headers, status }: HttpClientResponse.HttpClientResponse): boolean =>
  (status === 200 || status === 201) && headers["sl-violations"] === undefined

const startPrism = Effect.acquireRelease(
  Effect.promise(async () => {
    const root = join(import.meta.dirname, "..")
    const prism = join(root, "test/prism/node_modules/@stoplight/prism-cli/dist/index.js")
    const contract = join(root, "test/fixtures/agentalk-contacts.openapi.json")
    const child = spawn(process.execPath, [prism, "mock", contract, "--host", "127.0.0.1", "--port", "0"], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NO_COLOR: "1" }
    })
    const closed = once(child, "close")
    // Prism must not outlive this process.
    process.once("exit", () => child.kill())
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))
    for await (const line of createInterface({ input: child.stdout })) {
      const [, url] = /listening on (http:\S+)/.exec(line) ?? []
      if (url === undefined) continue
      child.stdout.resume() // Prism logs every request and would block on a full pipe
      return { child, closed, url }
    }
    throw new Error("Prism exited before it listened")
  }),
  ({ child, closed }) =>
    Effect.promise(() => {
      child.kill()
      return closed
    })
)

const program = Effect.gen(function* () {
  const began = performance.now()
  const { url } = yield* startPrism
  const ready = performance.now()
  const responses: Array<HttpClientResponse.HttpClientResponse> = []
  const client = HttpClient.tap(yield* HttpClient.HttpClient, (response) => Effect.sync(() => responses.push(response)))
  const options: AgentalkClient.Options = { token: Sandbox.token, baseUrl: url, retry: Retry.none }
  const contacts = yield* AgentalkClient.make(options).pipe(Effect.provideService(HttpClient.HttpClient, client))

  const violations: Array<string> = []
  const table: Record<string, { requests: number; violations: number }> = {}
  for (const operation of operationNames) {
    const before = violations.length
    const all = inputsOf(operation).flatMap((input) => {
      const call = callOperation(contacts, operation, input)
      return [call, AgentalkClient.withOrganization(id)(call)]
    })
    for (const [index, call] of all.entries()) {
      responses.length = 0
      const result = yield* Effect.result(call)
      const [response, ...others] = responses
      if (response !== undefined && others.length === 0 && isAccepted(response)) continue
      const error = Result.isFailure(result) ? result.failure : undefined
      const issues = error !== undefined && "issues" in error ? JSON.stringify(error.issues) : ""
      const violation = response?.headers["sl-violations"] ?? ""
      violations.push(
        `${operation} ${index + 1}: ${response?.status ?? "not sent"} ${violation} ${error?.message ?? ""} ${issues}`
      )
    }
    table[operation] = { requests: all.length, violations: violations.length - before }
  }

  let rejectedCount = 0
  for (const [name, method, path, body, headers] of invalidRequests) {
    const request = HttpClientRequest.make(method)(`${url}/api/contacts${path}`, {
      headers: { authorization: `Bearer ${Redacted.value(Sandbox.token)}`, ...headers }
    })
    const response = yield* client.execute(
      body === undefined ? request : HttpClientRequest.bodyJsonUnsafe(request, body)
    )
    if (isAccepted(response)) violations.push(`Prism accepts an invalid request: ${name}`)
    else rejectedCount++
  }

  const total = Object.values(table).reduce((sum, { requests }) => sum + requests, 0)
  yield* Effect.sync(() => console.table(table))
  yield* Console.log(
    `${total} requests of the SDK in ${Math.round(performance.now() - ready)} ms, after ${Math.round(ready - began)} ms for the start of Prism. ${rejectedCount} of ${invalidRequests.length} invalid requests were rejected`
  )
  if (violations.length === 0) return
  yield* Console.error(["Violations:", ...violations].join("\n"))
  yield* Effect.sync(() => void (process.exitCode = 1))
}).pipe(Effect.scoped, Effect.provide(UndiciHttpClient.layer))

await Effect.runPromise(program)
