/**
 * The fault matrix: a table of the expected result of every operation under every fault, and the code that observes
 * the actual results.
 *
 * A cell such as `Server ?1 ✓` shows the result of the call, the error's `outcome`, the number of attempts, and whether
 * the change is present on the server afterwards.
 */
import { Contacts, Faults, isAgentalkError, Retry, Sandbox, TimeLimit } from "@agentalk/core"
import type { AgentalkClient, AgentalkError, Contact, Operation, Outcome } from "@agentalk/core"
import { assert } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { factsOf, operationNames, type OperationFacts } from "../packages/core/src/internal/operation.ts"
import { operations } from "../packages/core/src/Operations.ts"
import { byOperation, callOperation, definitionOf, pickInput, sampleOf } from "./OperationCalls.ts"

type Cells<A> = Readonly<Record<Operation, A>>

// --- the operations, each on its own contact ----------------------------------------------------------------------

const phones = byOperation((operation) => `+1555010${String(operationNames.indexOf(operation) + 1).padStart(4, "0")}`)

/** The values that an operation with a contact finds there. */
const seedFor = (operation: Operation) => ({
  ...operations.upsert.sample,
  phone: phones[operation],
  tags: ["old"],
  fields: { city: "Oslo" }
})

/** Input values by key. With them, every write changes the seeded contact. Other values are those of the sample. */
const values = { fields: { city: "Bergen" }, key: "city", tags: ["new"], tagIdOrName: "old" }

const inputOf = (operation: Operation, id: string) => {
  const all = { ...sampleOf(operation), ...values, id, phone: phones[operation] }
  return pickInput(operation, all, "`values` in test/FaultMatrix.ts")
}

/** An operation that names a contact needs it, and an operation that only reads may return it. */
const needsContact = (operation: Operation): boolean => {
  const { isReadOnly, namesContact } = factsOf(operation)
  return isReadOnly || namesContact
}

// --- the faults and their expected results ------------------------------------------------------------------------

/** The expected cell of a write under one policy: the same for every operation, or by the facts of the operation. */
type Expected = string | ((facts: OperationFacts) => string)

export interface Row {
  readonly name: string
  readonly fault: Faults.Fault
  /** The attempt timeout. It is short if the fault is a missing or late response. */
  readonly attempt: Duration.Input
  readonly once: Expected
  readonly retried: Expected
}

/** An operation that only reads has the outcome `×`, and its cell has no mark for the server's state. */
const asRead = (cell: string): string => cell.replace(/[?!]/, "×").replace(/ [✓·]$/, "")

const expectedOf = (expected: Expected): Cells<string> =>
  byOperation((operation) => {
    const facts = factsOf(operation)
    const cell = typeof expected === "string" ? expected : expected(facts)
    return facts.isReadOnly ? asRead(cell) : cell
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
const sameForBoth = (name: string, fault: Faults.Fault, expected: Expected): Row => row(name, fault, expected, expected)

type MakeFault = (options: { readonly strikes: Faults.Side }) => Faults.Fault

const succeedsOnRetry = "ok 2 ✓"

/**
 * The first attempt applied the change. If it deleted the resource in the path, the retry gets a 404, which counts as
 * success only if the table says so.
 */
const alreadyApplied =
  (outcome: "?" | "!") =>
  ({ operation }: OperationFacts): string => {
    const { isDoneIfMissing = false, method } = definitionOf(operation)
    return method === "DELETE" && !isDoneIfMissing ? `Missing ${outcome}2 ✓` : succeedsOnRetry
  }

/** A fault that a retry overcomes: one row before the operation and one row after it. */
const transient = (name: string, fault: MakeFault, error: string, attempt?: Duration.Input): ReadonlyArray<Row> => [
  row(`${name} before`, fault({ strikes: "before" }), `${error} ?1 ·`, succeedsOnRetry, attempt),
  row(`${name} after`, fault({ strikes: "after" }), `${error} ?1 ✓`, alreadyApplied("?"), attempt)
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
  sameForBoth("404", refusal(404), ({ namesContact }) => (namesContact ? "Missing ×1 ·" : "Unexp ×1 ·")),
  sameForBoth("409", refusal(409), "Invalid ×1 ·"),
  row("429, wait 1 s", refusal(429, { "retry-after": "1" }), "Limited ×1 ·", succeedsOnRetry),
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
  row("cut", Faults.cut, "Unexp !1 ✓", ({ isReadOnly }) => (isReadOnly ? succeedsOnRetry : "Unexp !1 ✓")),
  row("stall", Faults.stall, "Timeout !1 ✓", alreadyApplied("!"), shortTimeout),
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

const byPhone = (contacts: ReadonlyArray<Contact>) =>
  byOperation((operation) => contacts.find(({ phone }) => phone === phones[operation]))

/** A contact as text, without the ids that the server chooses. */
const keyOf = (contact: Contact | undefined): string =>
  JSON.stringify(contact ?? null, (key, value: unknown) => (key === "id" ? undefined : value))

/** Seeds an empty sandbox and calls every operation. Returns the results, and the contacts before and after the calls. */
const callAll = Effect.fnUntraced(function* (script: Faults.Script) {
  const contacts = yield* Contacts
  const state = yield* Sandbox.State
  yield* state.reset
  yield* state.seed(operationNames.filter(needsContact).map(seedFor))
  const before = byPhone(yield* state.contacts())
  yield* state.script(script)
  const results = yield* Effect.all(
    byOperation((operation) =>
      Effect.result(callOperation(contacts, operation, inputOf(operation, before[operation]?.id ?? "")))
    ),
    { concurrency: "unbounded" }
  )
  return { results, before, after: byPhone(yield* state.contacts()), requests: yield* state.requests }
})

/** Calls every operation with one fault each, and returns the cells that describe the results. */
export const observe = Effect.fnUntraced(function* (row: Row, { policy }: Block) {
  const withoutFault = yield* callAll(() => undefined)
  const { after, before, requests, results } = yield* callAll(
    Faults.script(...operationNames.map((operation) => ({ operation, fault: row.fault })))
  ).pipe(Retry.withPolicy(policy), TimeLimit.withLimits({ attempt: row.attempt }))

  return byOperation((operation) => {
    const where = `${row.name}, ${operation}`
    const result = results[operation]
    const [unchanged, changed, actual] = [before, withoutFault.after, after].map((each) => keyOf(each[operation]))
    assert.strictEqual(
      changed === unchanged,
      factsOf(operation).isReadOnly,
      `${operation}: only a write must change its contact. Adjust \`values\` in test/FaultMatrix.ts.`
    )
    assert.include(
      [unchanged, changed],
      actual,
      `${where}: the contact is neither unchanged nor changed as without a fault`
    )
    const applied = changed === unchanged ? undefined : actual === changed
    const attempts = requests.filter((request) => request.operation === operation).length
    const mark = applied === undefined ? "" : applied ? " ✓" : " ·"
    assertOutcome(result, applied, where)
    if (Result.isSuccess(result)) {
      if (Predicate.hasProperty(result.success, "isNew")) {
        // A retry finds the contact that an earlier attempt created.
        assert.strictEqual(result.success.isNew, row.fault.strikes === "before" || attempts === 1, row.name)
      }
      return `ok ${attempts}${mark}`
    }
    const error = result.failure
    assert.isTrue(isAgentalkError(error))
    assert.strictEqual(error.operation, operation)
    assert.strictEqual(error.attempts, attempts, `${where}: attempts that the server counted`)
    return `${tags[error._tag]} ${outcomes[error.outcome]}${error.attempts}${mark}`
  })
})

export const clientOptions: AgentalkClient.Options = { token: Sandbox.token, maxBodySize }

// --- the printed table --------------------------------------------------------------------------------------------

const nameWidth = 15
const cellWidth = 12

/** Pads the three parts of a cell, so that they align in a column. */
const align = (cell: string): string => {
  const [result = "", attempts = "", mark = ""] = cell.split(" ")
  return `${result.padEnd(7)} ${attempts.padStart(2)} ${mark}`.padEnd(cellWidth)
}

const legend = [
  "?1  unknown outcome, 1 attempt     ×1  not applied     !1  applied     ✓ ·  change present or absent on the server",
  "Invalid Validation     Unauth Unauthorized        Forbid Forbidden            Missing NotFound",
  "Limited RateLimited    Server ServerFault         Network TransportFailure    Unexp UnexpectedResponse"
]

const line = (name: string, cells: ReadonlyArray<string>): string =>
  `${name.padEnd(nameWidth)} ${cells.join(" ")}`.trimEnd()

export const formatTable = (title: string, table: ReadonlyMap<string, Cells<string>>): string =>
  [
    title,
    "",
    line(
      "",
      operationNames.map((operation) => operation.padEnd(cellWidth))
    ),
    "─".repeat(nameWidth + operationNames.length * (cellWidth + 1)),
    ...[...table].map(([name, cells]) =>
      line(
        name,
        operationNames.map((operation) => align(cells[operation]))
      )
    ),
    "",
    ...legend
  ].join("\n")
