/**
 * The fault matrix: a table of the expected result of every operation under every fault, and the code that observes
 * the actual results.
 *
 * A cell such as `Server ?1 ✓` shows the result of the call, the error's `outcome`, the number of attempts, and whether
 * the change is present on the server afterwards.
 */
import { Contacts, Faults, isAgentalkError, Operation, Retry, Sandbox, TimeLimit } from "@agentalk/core"
import type { AgentalkClient, AgentalkError, Contact, Outcome } from "@agentalk/core"
import { assert } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

export const operations = Operation.literals

type Cells<A> = Readonly<Record<Operation, A>>

// --- the operations, each on its own contact ----------------------------------------------------------------------

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

/** Whether the change of an operation is present in the contact with its phone: `undefined` for a search. */
const isApplied: Cells<(contact: Contact | undefined) => boolean | undefined> = {
  upsert: (contact) => contact !== undefined,
  delete: (contact) => contact === undefined,
  updateFields: (contact) => contact?.fields?.["city"] === "Bergen",
  clearField: (contact) => contact?.fields?.["city"] === undefined,
  addTags: (contact) => contact?.tags?.some(({ name }) => name === "new"),
  removeTag: (contact) => contact?.tags?.every(({ name }) => name !== "old"),
  search: () => undefined
}

/** The rule that matches the requests of one operation. */
const requestOf = (operation: Operation, id: string): { readonly method?: string; readonly path: string | RegExp } => {
  if (operation === "search") return { path: "/search?" }
  return operation === "upsert" ? { method: "POST", path: /^\/api\/contacts\/?$/ } : { path: id }
}

// --- the faults and their expected results ------------------------------------------------------------------------

/** The expected cells of one fault under one policy: the cell of a write, and the operations that differ from it. */
type Expected = readonly [write: string, others?: Partial<Cells<string>>]

export interface Row {
  readonly name: string
  readonly fault: Faults.Fault
  /** The attempt timeout. It is short if the fault is a missing or late response. */
  readonly attempt: Duration.Input
  readonly once: Expected
  readonly retried: Expected
}

/** A search changes nothing, so its outcome is always `×` and its cell has no mark for the server's state. */
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

/** A fault that is not retried, or that needs no retry: both policies have the same result. */
const sameForBoth = (name: string, fault: Faults.Fault, ...expected: Expected): Row =>
  row(name, fault, expected, expected)

type MakeFault = (options: { readonly strikes: Faults.Side }) => Faults.Fault

const succeedsOnRetry: Expected = ["ok 2 ✓"]

/**
 * The first attempt applied the change, so the retry of `clearField` or `removeTag` gets a 404. The retry of `delete`
 * gets a 404 as well, which counts as success.
 */
const alreadyApplied = (outcome: "?" | "!"): Expected => [
  "ok 2 ✓",
  { clearField: `Missing ${outcome}2 ✓`, removeTag: `Missing ${outcome}2 ✓` }
]

/** A fault that a retry overcomes: one row before the operation and one row after it. */
const transient = (name: string, fault: MakeFault, error: string, attempt?: Duration.Input): ReadonlyArray<Row> => [
  row(`${name} before`, fault({ strikes: "before" }), [`${error} ?1 ·`], succeedsOnRetry, attempt),
  row(`${name} after`, fault({ strikes: "after" }), [`${error} ?1 ✓`], alreadyApplied("?"), attempt)
]

/** The same with a short attempt timeout, which ends the first attempt. */
const timesOut = (name: string, fault: MakeFault): ReadonlyArray<Row> => transient(name, fault, "Timeout", shortTimeout)

const shortTimeout = "3 seconds"
const status =
  (code: number): MakeFault =>
  (options) =>
    Faults.status(code, options)
const refusal = (code: number, headers?: Record<string, string>) =>
  Faults.status(code, { strikes: "before", ...(headers && { headers }) })

/** Larger than `maxBodySize`. */
const huge = Faults.huge(300_000)
const maxBodySize = "256 KiB"

export const rows: ReadonlyArray<Row> = [
  sameForBoth("400", refusal(400), "Invalid ×1 ·"),
  sameForBoth("401", refusal(401), "Unauth ×1 ·"),
  sameForBoth("403", refusal(403), "Forbid ×1 ·"),
  sameForBoth("404", refusal(404), "Missing ×1 ·", { upsert: "Unexp ×1 ·", search: "Unexp ×1" }),
  sameForBoth("409", refusal(409), "Invalid ×1 ·"),
  row("429, wait 1 s", refusal(429, { "retry-after": "1" }), ["Limited ×1 ·"], succeedsOnRetry),
  ...transient("408", status(408), "Timeout"),
  ...transient("500", status(500), "Server"),
  sameForBoth("501 before", refusal(501), "Server ?1 ·"),
  ...transient("502", status(502), "Server"),
  ...transient("503", status(503), "Server"),
  ...transient("504", status(504), "Server"),
  ...transient("html 502", (options) => Faults.html({ ...options, status: 502 }), "Server"),
  sameForBoth("html 200 before", Faults.html({ strikes: "before" }), "Unexp ?1 ·"),
  sameForBoth("html 200 after", Faults.html({ strikes: "after" }), "Unexp ?1 ✓"),
  sameForBoth("redirect before", Faults.redirect("/elsewhere", { strikes: "before" }), "Unexp ?1 ·"),
  sameForBoth("redirect after", Faults.redirect("/elsewhere", { strikes: "after" }), "Unexp ?1 ✓"),
  ...transient("reset", Faults.reset, "Network"),
  ...timesOut("hang", Faults.hang),
  sameForBoth("slow before", Faults.slow("50 millis", { strikes: "before" }), "ok 1 ✓"),
  sameForBoth("slow after", Faults.slow("50 millis", { strikes: "after" }), "ok 1 ✓"),
  ...timesOut("too slow", (options) => Faults.slow("1 minute", options)),
  row("cut", Faults.cut, ["Unexp !1 ✓"], ["Unexp !1 ✓", { search: "ok 2" }]),
  row("stall", Faults.stall, ["Timeout !1 ✓"], alreadyApplied("!"), shortTimeout),
  sameForBoth("garbage", Faults.garbage, "Unexp !1 ✓"),
  sameForBoth("huge", huge, "Unexp !1 ✓")
]

export interface Block {
  readonly name: string
  readonly policy: Retry.Policy
  readonly expected: (row: Row) => Cells<string>
}

export const blocks: ReadonlyArray<Block> = [
  { name: "one attempt", policy: Retry.none, expected: ({ once }) => expectedOf(once) },
  {
    name: "the default retry policy, one fault",
    policy: { baseDelay: "1 millis" },
    expected: ({ retried }) => expectedOf(retried)
  }
]

// --- the observed results -----------------------------------------------------------------------------------------

const tags: Readonly<Record<AgentalkError["_tag"], string>> = {
  CircuitOpen: "Open",
  Forbidden: "Forbid",
  NotFound: "Missing",
  RateLimited: "Limited",
  ServerFault: "Server",
  Timeout: "Timeout",
  TransportFailure: "Network",
  Unauthorized: "Unauth",
  UnexpectedResponse: "Unexp",
  Validation: "Invalid"
}
const outcomes: Readonly<Record<Outcome, string>> = { "not-applied": "×", unknown: "?", applied: "!" }

/**
 * Compares an outcome with the server's state. A success and the outcome "applied" require the change on the server;
 * "not-applied" requires that the change is absent.
 */
const assertOutcome = (result: Result.Result<unknown, AgentalkError>, applied: boolean | undefined, cell: string) => {
  if (applied === undefined) {
    if (Result.isFailure(result)) assert.strictEqual(result.failure.outcome, "not-applied", cell)
    return
  }
  if (Result.isSuccess(result)) return assert.isTrue(applied, cell)
  if (result.failure.outcome === "not-applied") assert.isFalse(applied, cell)
  if (result.failure.outcome === "applied") assert.isTrue(applied, cell)
}

/** Calls every operation with one fault each, and returns the cells that describe the results. */
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
    const matches = Faults.script({ ...requestOf(operation, ids[operation]), times: Infinity, fault: row.fault })
    const attempts = requests.filter((request) => matches(request) !== undefined).length
    const mark = applied === undefined ? "" : applied ? " ✓" : " ·"
    assertOutcome(result, applied, `${row.name}, ${operation}`)
    if (Result.isSuccess(result)) {
      if (operation === "upsert") {
        // A retry finds the contact that an earlier attempt created.
        const created = { isNew: row.fault.strikes === "before" || attempts === 1 }
        assert.include(result.success as { readonly isNew: boolean }, created, row.name)
      }
      return `ok ${attempts}${mark}`
    }
    const error = result.failure
    assert.isTrue(isAgentalkError(error))
    assert.strictEqual(error.operation, operation)
    assert.strictEqual(error.attempts, attempts, `${row.name}, ${operation}: attempts that the server counted`)
    return `${tags[error._tag]} ${outcomes[error.outcome]}${error.attempts}${mark}`
  })
})

export const clientOptions: AgentalkClient.Options = { token: Sandbox.token, maxBodySize }

// --- the printed table --------------------------------------------------------------------------------------------

/** Pads the three parts of a cell, so that they align in a column. */
const align = (cell: string): string => {
  const [result = "", attempts = "", mark = ""] = cell.split(" ")
  return `${result.padEnd(7)} ${attempts.padStart(2)} ${mark}`.padEnd(12)
}

const legend = [
  "?1  unknown outcome, 1 attempt     ×1  not applied     !1  applied     ✓ ·  change present or absent on the server",
  "Invalid Validation     Unauth Unauthorized        Forbid Forbidden            Missing NotFound",
  "Limited RateLimited    Server ServerFault         Network TransportFailure    Unexp UnexpectedResponse"
]

const line = (name: string, cells: ReadonlyArray<string>): string => `${name.padEnd(15)} ${cells.join(" ")}`.trimEnd()

export const formatTable = (title: string, table: ReadonlyMap<string, Cells<string>>): string => {
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
        operations.map((operation) => align(cells[operation]))
      )
    ),
    "",
    ...legend
  ].join("\n")
}
