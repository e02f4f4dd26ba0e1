/**
 * The fault matrix: what every fault must do to every operation, written down, and a way to see what it does.
 *
 * A cell reads `Server ?1 ✓`: how the call ended, the error's `outcome`, how many attempts were made, and whether the
 * operation is applied on the server afterwards.
 */
import { Contacts, Faults, isAgentalkError, Operation, Retry, Sandbox, TimeLimit } from "@agentalk/core"
import type { AgentalkClient, AgentalkError, Contact, Outcome } from "@agentalk/core"
import { assert } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

export const operations = Operation.literals

type Cells<A> = Readonly<Record<Operation, A>>

// --- the seven operations, each on a contact of its own -----------------------------------------------------------

const phones: Cells<string> = {
  upsert: "+15550100001",
  delete: "+15550100002",
  updateFields: "+15550100003",
  clearField: "+15550100004",
  addTags: "+15550100005",
  removeTag: "+15550100006",
  search: "+15550100007"
}

const calls: Cells<(contacts: Contacts["Service"], id: string) => Effect.Effect<unknown, AgentalkError>> = {
  upsert: (contacts) => contacts.upsert({ phone: phones.upsert }),
  delete: (contacts, id) => contacts.delete(id),
  updateFields: (contacts, id) => contacts.updateFields(id, { city: "Bergen" }),
  clearField: (contacts, id) => contacts.clearField(id, "city"),
  addTags: (contacts, id) => contacts.addTags(id, ["new"]),
  removeTag: (contacts, id) => contacts.removeTag(id, "old"),
  search: (contacts) => contacts.search({ phone: phones.search })
}

/** Whether an operation is applied, from the contact with its phone; a search changes nothing. */
const isApplied: Cells<(contact: Contact | undefined) => boolean | undefined> = {
  upsert: (contact) => contact !== undefined,
  delete: (contact) => contact === undefined,
  updateFields: (contact) => contact?.fields?.["city"] === "Bergen",
  clearField: (contact) => contact?.fields?.["city"] === undefined,
  addTags: (contact) => contact?.tags?.some(({ name }) => name === "new"),
  removeTag: (contact) => contact?.tags?.every(({ name }) => name !== "old"),
  search: () => undefined
}

/** Which requests belong to an operation. */
const requestOf = (operation: Operation, id: string): { readonly method?: string; readonly path: string | RegExp } => {
  if (operation === "search") return { path: "/search?" }
  return operation === "upsert" ? { method: "POST", path: /^\/api\/contacts\/?$/ } : { path: id }
}

// --- the faults, and what they must do ----------------------------------------------------------------------------

/** What a fault must do to the calls of one policy: to a write, and where another operation differs. */
type Expected = readonly [write: string, others?: Partial<Cells<string>>]

export interface Row {
  readonly name: string
  readonly fault: Faults.Fault
  /** The time limit of an attempt: short where the fault is that nothing comes in time. */
  readonly attempt: Duration.Input
  readonly once: Expected
  readonly retried: Expected
}

/** A search changes nothing, so its outcome is always `×`, and nothing is there to be found afterwards. */
const expectedOf = ([write, others]: Expected): Cells<string> => {
  const cell = (operation: Operation) =>
    others?.[operation] ?? (operation === "search" ? write.replace(/[?!]/, "×").replace(/ [✓·]$/, "") : write)
  return cellsBy(cell)
}

const cellsBy = <A>(make: (operation: Operation) => A): Cells<A> => ({
  upsert: make("upsert"),
  delete: make("delete"),
  updateFields: make("updateFields"),
  clearField: make("clearField"),
  addTags: make("addTags"),
  removeTag: make("removeTag"),
  search: make("search")
})

const row = (
  name: string,
  fault: Faults.Fault,
  once: Expected,
  retried: Expected,
  attempt: Duration.Input = "20 seconds"
): Row => ({
  name,
  fault,
  attempt,
  once,
  retried
})

/** A refusal is final: the second policy changes nothing. */
const final = (name: string, fault: Faults.Fault, ...expected: Expected): Row => row(name, fault, expected, expected)

type MakeFault = (options: { readonly strikes: Faults.Side }) => Faults.Fault

const succeedsAgain: Expected = ["ok 2 ✓"]

/** The first attempt has done it: the second finds no such field or tag. A contact that is gone is one deleted. */
const findsItDone = (outcome: "?" | "!"): Expected => [
  "ok 2 ✓",
  { clearField: `Missing ${outcome}2 ✓`, removeTag: `Missing ${outcome}2 ✓` }
]

/** A fault that another attempt overcomes, on both sides. */
const passing = (name: string, fault: MakeFault, ending: string, attempt?: Duration.Input): ReadonlyArray<Row> => [
  row(`${name} before`, fault({ strikes: "before" }), [`${ending} ?1 ·`], succeedsAgain, attempt),
  row(`${name} after`, fault({ strikes: "after" }), [`${ending} ?1 ✓`], findsItDone("?"), attempt)
]

/** The same, where an attempt is given up after a short time. */
const late = (name: string, fault: MakeFault): ReadonlyArray<Row> => passing(name, fault, "Timeout", tooShort)

const tooShort = "3 seconds"
const status =
  (code: number): MakeFault =>
  (options) =>
    Faults.status(code, options)
const refusal = (code: number, headers?: Record<string, string>) =>
  Faults.status(code, { strikes: "before", ...(headers && { headers }) })

/** Larger than the limit of the clients below. */
const huge = Faults.huge(300_000)
const maxBodySize = "256 KiB"

export const rows: ReadonlyArray<Row> = [
  final("400", refusal(400), "Invalid ×1 ·"),
  final("401", refusal(401), "Unauth ×1 ·"),
  final("403", refusal(403), "Forbid ×1 ·"),
  final("404", refusal(404), "Missing ×1 ·", { upsert: "Strange ×1 ·", search: "Strange ×1" }),
  final("409", refusal(409), "Invalid ×1 ·"),
  row("429, wait 1 s", refusal(429, { "retry-after": "1" }), ["Limited ×1 ·"], succeedsAgain),
  ...passing("408", status(408), "Timeout"),
  ...passing("500", status(500), "Server"),
  final("501 before", refusal(501), "Server ?1 ·"),
  ...passing("502", status(502), "Server"),
  ...passing("503", status(503), "Server"),
  ...passing("504", status(504), "Server"),
  ...passing("html 502", (options) => Faults.html({ ...options, status: 502 }), "Server"),
  final("html 200 before", Faults.html({ strikes: "before" }), "Strange ?1 ·"),
  final("html 200 after", Faults.html({ strikes: "after" }), "Strange ?1 ✓"),
  final("redirect before", Faults.redirect("/elsewhere", { strikes: "before" }), "Strange ?1 ·"),
  final("redirect after", Faults.redirect("/elsewhere", { strikes: "after" }), "Strange ?1 ✓"),
  ...passing("reset", Faults.reset, "Network"),
  ...late("hang", Faults.hang),
  final("slow before", Faults.slow("50 millis", { strikes: "before" }), "ok 1 ✓"),
  final("slow after", Faults.slow("50 millis", { strikes: "after" }), "ok 1 ✓"),
  ...late("too slow", (options) => Faults.slow("1 minute", options)),
  row("cut", Faults.cut, ["Strange !1 ✓"], ["Strange !1 ✓", { search: "ok 2" }]),
  row("stall", Faults.stall, ["Timeout !1 ✓"], findsItDone("!"), tooShort),
  final("garbage", Faults.garbage, "Strange !1 ✓"),
  final("huge", huge, "Strange !1 ✓")
]

export interface Block {
  readonly name: string
  readonly policy: Retry.Policy
  readonly expected: (row: Row) => Cells<string>
}

export const blocks: ReadonlyArray<Block> = [
  { name: "one attempt", policy: Retry.none, expected: ({ once }) => expectedOf(once) },
  {
    name: "the default policy, struck once",
    policy: { baseDelay: "1 millis" },
    expected: ({ retried }) => expectedOf(retried)
  }
]

// --- what they do -------------------------------------------------------------------------------------------------

const tags: Readonly<Record<AgentalkError["_tag"], string>> = {
  CircuitOpen: "Open",
  Forbidden: "Forbid",
  NotFound: "Missing",
  RateLimited: "Limited",
  ServerFault: "Server",
  Timeout: "Timeout",
  TransportFailure: "Network",
  Unauthorized: "Unauth",
  UnexpectedResponse: "Strange",
  Validation: "Invalid"
}
const outcomes: Readonly<Record<Outcome, string>> = { "not-applied": "×", unknown: "?", applied: "!" }

/** "not-applied" never hides an applied write, "applied" never a missing one, and no success is a lie. */
const assertTruth = (result: Result.Result<unknown, AgentalkError>, applied: boolean | undefined, cell: string) => {
  if (applied === undefined) {
    if (Result.isFailure(result)) assert.strictEqual(result.failure.outcome, "not-applied", cell)
    return
  }
  if (Result.isSuccess(result)) return assert.isTrue(applied, cell)
  if (result.failure.outcome === "not-applied") assert.isFalse(applied, cell)
  if (result.failure.outcome === "applied") assert.isTrue(applied, cell)
}

/** Makes all seven calls of a row, each struck once, and reads what became of them. */
export const observe = Effect.fnUntraced(function* (row: Row, { policy }: Block) {
  const contacts = yield* Contacts
  const state = yield* Sandbox.State
  const seeded = yield* state.seed(
    operations
      .filter((operation) => operation !== "upsert")
      .map((operation) => ({ phone: phones[operation], tags: ["old"], fields: { city: "Oslo" } }))
  )
  const ids = cellsBy((operation) => seeded.find(({ phone }) => phone === phones[operation])?.id ?? "")
  yield* state.script(
    Faults.script(...operations.map((operation) => ({ ...requestOf(operation, ids[operation]), fault: row.fault })))
  )
  const results = yield* Effect.all(
    cellsBy((operation) => Effect.result(calls[operation](contacts, ids[operation]))),
    { concurrency: "unbounded" }
  ).pipe(Retry.withPolicy(policy), TimeLimit.withLimits({ attempt: row.attempt }))
  const after = yield* state.contacts()
  const requests = yield* state.requests

  return cellsBy((operation) => {
    const result = results[operation]
    const applied = isApplied[operation](after.find(({ phone }) => phone === phones[operation]))
    const count = Faults.script({ ...requestOf(operation, ids[operation]), times: Infinity, fault: row.fault })
    const attempts = requests.filter((request) => count(request) !== undefined).length
    const mark = applied === undefined ? "" : applied ? " ✓" : " ·"
    assertTruth(result, applied, `${row.name}, ${operation}`)
    if (Result.isSuccess(result)) {
      if (operation === "upsert") {
        // What an earlier attempt created is known to the one that tells of it.
        const created = { isNew: row.fault.strikes === "before" || attempts === 1 }
        assert.include(result.success as { readonly isNew: boolean }, created, row.name)
      }
      return `ok ${attempts}${mark}`
    }
    const error = result.failure
    assert.isTrue(isAgentalkError(error))
    assert.strictEqual(error.operation, operation)
    assert.strictEqual(error.attempts, attempts, `${row.name}, ${operation}: as the server counted`)
    return `${tags[error._tag]} ${outcomes[error.outcome]}${error.attempts}${mark}`
  })
})

export const clientOptions: AgentalkClient.Options = { token: Sandbox.token, maxBodySize }

// --- for people ---------------------------------------------------------------------------------------------------

/** `Server ?1 ✓` with its three parts below each other. */
const aligned = (cell: string): string => {
  const [ending = "", attempts = "", mark = ""] = cell.split(" ")
  return `${ending.padEnd(7)} ${attempts.padStart(2)} ${mark}`.padEnd(12)
}

const legend = [
  "?1  unknown outcome, 1 attempt     ×1  not applied     !1  applied     ✓ ·  applied or not, on the server",
  "Invalid Validation     Unauth Unauthorized        Forbid Forbidden            Missing NotFound",
  "Limited RateLimited    Server ServerFault         Network TransportFailure    Strange UnexpectedResponse"
]

const line = (name: string, cells: ReadonlyArray<string>): string => `${name.padEnd(15)} ${cells.join(" ")}`.trimEnd()

export const print = (title: string, table: ReadonlyMap<string, Cells<string>>): string => {
  const heading = line(
    "",
    operations.map((operation) => operation.padEnd(12))
  )
  return [
    title,
    "",
    heading,
    "─".repeat(106),
    ...[...table].map(([name, cells]) =>
      line(
        name,
        operations.map((operation) => aligned(cells[operation]))
      )
    ),
    "",
    ...legend
  ].join("\n")
}
