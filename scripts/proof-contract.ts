/**
 * Proves that the vendor's contract accepts the requests of the SDK. Prism, a mock server for OpenAPI contracts, validates
 * every kind of request that the operations can send.
 *
 *   pnpm proof:contract      (installs Prism in test/prism first; Prism listens on loopback only)
 */
import {
  AgentalkClient,
  type Contacts,
  type AgentalkError,
  Operation,
  Retry,
  Sandbox,
  type UpsertInput
} from "../packages/core/src/index.ts"
import { UndiciHttpClient } from "../packages/node/src/index.ts"
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
const values = ["", "text", 0, -1.5, 1e300, true, null, [], [1, [null]], {}, { deep: { list: ["ü"] } }]
const emails = [
  "a@b.co",
  "first.last+tag@sub.example.com",
  "o'neill@example.com",
  "x_y-z@example-domain.org",
  "1@2.example"
]
const spaceless =
  "email firstName vip 7 search tags ... ..a a..b a+b a&b=c a?b a#b a/b a/b/c a\\b % %2F %2e%2e %zz a% :contact_id {x} [x] (x) * a;b,c @ ~ ! $ ' \" ` <> | ^ ü 名前 👩‍👧 e\u0301 \u0000 \u202e"
const segments = [...spaceless.split(" "), "a b", " ", "a\nb", "x".repeat(500)]

const subsets = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: 2 ** all.length }, (_, n) => all.filter((_, index) => Math.floor(n / 2 ** index) % 2 === 1))

const jane = {
  firstName: "Jane",
  lastName: "Doe",
  email: "jane@example.com",
  tags: ["vip"],
  fields: { city: "Lisbon" }
}
const odd = {
  firstName: "",
  lastName: "Žoë 👩‍👧",
  email: "o'neill@example.com",
  tags: ["ü", "a/b"],
  fields: JSON.parse('{"__proto__":{"größe":null}}')
}

const upserts: ReadonlyArray<UpsertInput> = [
  ...[jane, odd].flatMap((person) =>
    subsets(Object.entries(person)).map((entries) => Object.assign({ phone }, Object.fromEntries(entries)))
  ),
  ...[phone, "1234567", "+123456789012345", "+1 (202) 555-0143", "\u202a202-555-0143\u202c"].map((phone) => ({
    phone
  })),
  ...texts.flatMap((text) => [
    { phone, firstName: text },
    { phone, lastName: text },
    { phone, tags: [text, "vip", text] }
  ]),
  ...emails.map((email) => ({ phone, email })),
  ...values.map((value) => ({ phone, fields: { value } })),
  ...keys.map((key) => ({ phone, fields: Object.fromEntries([[key, key]]) })),
  { phone, tags: [], fields: {} }
]

const pages = [{}, { limit: 1 }, { offset: 0 }, { limit: 1000, offset: Number.MAX_SAFE_INTEGER }]
const searches = [
  ...[{ name: "Jane" }, { phone }, { name: "Jane", phone }].flatMap((criteria) =>
    pages.map((page) => Object.assign({}, criteria, page))
  ),
  ...[...texts, ...segments].flatMap((text) => [{ name: text }, { phone: text }])
]

type Call = (contacts: Contacts["Service"]) => Effect.Effect<unknown, AgentalkError>

const calls: Readonly<Record<Operation, ReadonlyArray<Call>>> = {
  upsert: upserts.map((input) => (contacts) => contacts.upsert(input)),
  delete: [id, id.toUpperCase()].map((id) => (contacts) => contacts.delete(id)),
  updateFields: [{}, ...values.map((value) => ({ value })), ...keys.map((key) => Object.fromEntries([[key, key]]))].map(
    (fields) => (contacts) => contacts.updateFields(id, fields)
  ),
  clearField: [...segments, ...keys].map((key) => (contacts) => contacts.clearField(id, key)),
  addTags: [[], ["vip"], texts, ...segments.filter((tag) => tag.trim() !== "").map((tag) => [tag])].map(
    (tags) => (contacts) => contacts.addTags(id, tags)
  ),
  removeTag: segments.map((tag) => (contacts) => contacts.removeTag(id, tag)),
  search: searches.map((query) => (contacts) => contacts.search(query))
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
  for (const operation of Operation.literals) {
    const before = violations.length
    const all = calls[operation].flatMap((call) => [
      call(contacts),
      AgentalkClient.withOrganization(id)(call(contacts))
    ])
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
