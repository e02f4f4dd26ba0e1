import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import { MaxOpsBeforeYield } from "effect/Scheduler"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { type CallError, NotFound, ServerFault, Timeout, Unauthorized, Validation } from "../src/AgentalkError.ts"
import { Contact, ContactId, type UpsertInput } from "../src/Contact.ts"
import { Contacts } from "../src/Contacts.ts"
import * as ContactsStream from "../src/ContactsStream.ts"
import { maxBufferedResults, maxReadAhead } from "../src/internal/stream/bulk.ts"
import * as Sandbox from "../src/Sandbox.ts"

// --- errors of calls ----------------------------------------------------------------------------------------------

const baseError = {
  operation: "upsert",
  outcome: "not-applied",
  attempts: 1,
  elapsed: Duration.zero,
  retryStopped: "not-retryable",
  message: "It failed."
} as const

const failures = {
  invalid: new Validation({ ...baseError, source: "client", issues: [] }),
  refused: new Validation({ ...baseError, source: "server", issues: [] }),
  fault: new ServerFault({ ...baseError, status: 503, outcome: "unknown" }),
  slow: new Timeout({ ...baseError, limit: "attempt", outcome: "unknown" }),
  unauthorized: new Unauthorized({ ...baseError, status: 401 }),
  deadline: new Timeout({ ...baseError, limit: "deadline", outcome: "unknown" })
} satisfies Record<string, CallError>

type Failure = keyof typeof failures

// --- a server that records its calls ------------------------------------------------------------------------------

interface Row {
  readonly phone: string
  readonly latency: number
  readonly failure?: Failure | undefined
}

const toDigits = (phone: string) => phone.replace(/\D/g, "")

/** `Contacts` with the latency and the failure of each row, and a record of its calls. */
const makeServer = (rows: ReadonlyArray<Row>) => {
  const stored = new Map<string, string>()
  const started: Array<number> = []
  const inFlight = new Set<string>()
  const stats = { maxInFlight: 0, hasOverlap: false, interrupted: 0 }
  const layer = Layer.mock(Contacts, {
    upsert: (input) =>
      Effect.suspend(() => {
        const row = Number(input.firstName)
        const { failure, latency = 0 } = rows[row - 1] ?? {}
        const digits = toDigits(input.phone)
        started.push(row)
        stats.hasOverlap ||= inFlight.has(digits)
        inFlight.add(digits)
        stats.maxInFlight = Math.max(stats.maxInFlight, inFlight.size)
        const end = Effect.suspend(() => {
          inFlight.delete(digits)
          if (failure !== undefined) return Effect.fail(failures[failure])
          const isNew = !stored.has(digits)
          stored.set(digits, `${input.firstName}`)
          return Effect.succeed({ contact: Contact.make({ id: ContactId.make(digits), phone: input.phone }), isNew })
        })
        return (latency === 0 ? end : Effect.andThen(Effect.sleep(latency), end)).pipe(
          Effect.onInterrupt(() => Effect.sync(() => stats.interrupted++))
        )
      })
  })
  return { layer, stored, started, stats }
}

/** The inputs of rows. The first name is the row number, which the server uses to find the row. */
const inputs = (rows: ReadonlyArray<Row>): ReadonlyArray<UpsertInput> =>
  rows.map(({ phone }, index) => ({ phone, firstName: String(index + 1) }))

/** Runs an effect and advances the test clock until the effect ends. */
const withClock = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(1)
    return yield* Fiber.join(fiber)
  })

/** Advances the test clock in steps of one millisecond, so that fibers run in between. */
const advance = (millis: number) =>
  Effect.gen(function* () {
    for (let step = 0; step < 40; step++) yield* TestClock.adjust(0)
    for (let step = 0; step < millis; step++) yield* TestClock.adjust(1)
  })

/** Collects all results and the exit of a run. */
const collect = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
  Effect.gen(function* () {
    const results: Array<A> = []
    const exit = yield* Effect.exit(Stream.runForEach(stream, (result) => Effect.sync(() => void results.push(result))))
    return { results, exit }
  })

const rowNumbers = (results: ReadonlyArray<{ readonly row: number }>) => results.map(({ row }) => row)

/** The row numbers in ranges, for an input of `count` rows. */
const expandRanges = (ranges: ReadonlyArray<ContactsStream.Rows>, count: number) =>
  ranges.flatMap(({ from, to = count }) =>
    Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
  )

const sorted = (numbers: ReadonlyArray<number>) => numbers.toSorted((a, b) => a - b)
const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)

// --- generated rows -----------------------------------------------------------------------------------------------

// Three phone numbers in seven spellings, and two texts without digits.
const phones = Schema.Literals([
  "+15550000001",
  "15550000001",
  "+1 555 000-0001",
  "+15550000002",
  "1 (555) 0000002",
  "+15550000003",
  "1.555.000.0003",
  "",
  "no number"
])

const hasDigits = ({ phone }: Row) => toDigits(phone) !== ""

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const rowsWith = (failure: ReadonlyArray<Failure | "">) =>
  Arbitrary.array(
    Arbitrary.map(
      Arbitrary.all({
        phone: Arbitrary.schema(phones),
        latency: int(0, 3),
        failure: Arbitrary.schema(Schema.Literals(failure))
      }),
      ({ failure, ...row }): Row => (failure === "" ? row : { ...row, failure })
    ),
    { maxLength: 30 }
  )

const options = Arbitrary.all({ concurrency: int(1, 6), ordered: Arbitrary.schema(Schema.Boolean) })

const chunked = (rows: ReadonlyArray<UpsertInput>, size: number) => Stream.rechunk(Stream.fromIterable(rows), size)

describe("upsertAll", () => {
  it.effect.prop(
    "has the same results as a sequential run, and never has two rows with the same number in flight",
    [rowsWith(["", "", "", "refused"]), options, int(1, 9)],
    ([rows, options, size]) =>
      Effect.gen(function* () {
        const { layer, stats, stored, started } = makeServer(rows)
        const { exit, results } = yield* withClock(
          collect(ContactsStream.upsertAll(chunked(inputs(rows), size), options)).pipe(Effect.provide(layer))
        )
        assert.isTrue(Exit.isSuccess(exit))

        const model = makeServer(rows.map((row) => ({ ...row, latency: 0 })))
        const expected: Array<unknown> = []
        yield* Effect.gen(function* () {
          const contacts = yield* Contacts
          for (const [index, input] of inputs(rows).entries()) {
            const key = { row: index + 1, key: input.phone }
            expected.push(
              yield* contacts.upsert(input).pipe(
                Effect.map(({ contact, isNew }) => ({ _tag: isNew ? "Created" : "Updated", ...key, contact })),
                Effect.catch((error) => Effect.succeed({ _tag: "Failed", ...key, error }))
              )
            )
          }
        }).pipe(Effect.provide(model.layer))

        // Rows without digits have no ordering key, so their order is not compared.
        const known = (results: ReadonlyArray<unknown>) => results.filter((_, index) => hasDigits(rows[index]!))
        assert.deepStrictEqual(known(results.toSorted((a, b) => a.row - b.row)), known(expected))
        if (options.ordered) assert.deepStrictEqual(rowNumbers(results), range(1, rows.length))
        else assert.deepStrictEqual(sorted(rowNumbers(results)), range(1, rows.length))
        stored.delete("")
        model.stored.delete("")
        assert.deepStrictEqual(Object.fromEntries(stored), Object.fromEntries(model.stored))
        assert.isAtMost(stats.maxInFlight, options.concurrency)
        assert.deepStrictEqual(sorted(started), range(1, rows.length))
        for (const digits of new Set(rows.map(({ phone }) => toDigits(phone)))) {
          if (digits === "") continue
          const startOrder = started.filter((row) => toDigits(rows[row - 1]!.phone) === digits)
          assert.deepStrictEqual(startOrder, sorted(startOrder))
        }
        return true
      }),
    { arbitrary: { runs: 150 } }
  )

  it.effect("never has the same digits in flight twice if the spelling differs", () =>
    Effect.gen(function* () {
      const rows = ["+15550000001", "1-555-000-0001", "15550000001"].map((phone) => ({ phone, latency: 5 }))
      const { layer, stats } = makeServer(rows)
      yield* withClock(Stream.runDrain(ContactsStream.upsertAll(chunked(inputs(rows), 3)))).pipe(Effect.provide(layer))
      assert.deepStrictEqual({ ...stats }, { maxInFlight: 1, hasOverlap: false, interrupted: 0 })
    })
  )

  it.effect.prop(
    "accounts for every row once, by a result or in `remaining`",
    [rowsWith(["", "", "", "", "invalid", "refused", "fault", "slow", "unauthorized", "deadline"]), options, int(1, 9)],
    ([rows, options, size]) =>
      Effect.gen(function* () {
        const { started, layer } = makeServer(rows)
        const { exit, results } = yield* withClock(
          collect(ContactsStream.upsertAll(chunked(inputs(rows), size), options)).pipe(Effect.provide(layer))
        )
        const expectedTags = { invalid: "Invalid", refused: "Failed", fault: "Failed", slow: "Failed" } as const
        for (const { _tag, row } of results) {
          const failure = rows[row - 1]?.failure
          assert.notInclude(["unauthorized", "deadline"], failure)
          if (failure === undefined) assert.include(["Created", "Updated"], _tag)
          else assert.strictEqual(_tag, expectedTags[failure as keyof typeof expectedTags])
        }
        if (options.ordered) assert.deepStrictEqual(rowNumbers(results), sorted(rowNumbers(results)))
        if (Exit.isSuccess(exit)) {
          assert.deepStrictEqual(sorted(rowNumbers(results)), range(1, rows.length))
          return true
        }
        const error = Cause.squash(exit.cause)
        assert.instanceOf(error, ContactsStream.Stopped)
        const remaining = expandRanges(error.remaining, rows.length)
        assert.deepStrictEqual(sorted([...rowNumbers(results), ...remaining]), range(1, rows.length))
        assert.deepStrictEqual(remaining, sorted(remaining))
        assert.include(remaining, error.row)
        assert.strictEqual(error.error, failures[rows[error.row - 1]!.failure!])
        // No two ranges are adjacent.
        for (const [index, { to }] of error.remaining.entries()) {
          const next = error.remaining[index + 1]
          if (next !== undefined) assert.isBelow(to! + 1, next.from)
        }
        // Every row that started has a result, unless it failed with an error that stops the run.
        for (const row of started) {
          const failure = rows[row - 1]?.failure
          if (failure !== "unauthorized" && failure !== "deadline") assert.include(rowNumbers(results), row)
        }
        return true
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect("stops at Unauthorized, emits the results of rows in flight and lists the remaining rows", () =>
    Effect.gen(function* () {
      const rows: Array<Row> = Array.from({ length: 20 }, (_, index) => ({ phone: `+1555000000${index}`, latency: 10 }))
      rows[4] = { ...rows[4]!, latency: 2, failure: "unauthorized" }
      // A later error also stops the run. The first one is reported.
      rows[6] = { ...rows[6]!, failure: "deadline" }
      for (const ordered of [true, false]) {
        const { started, layer } = makeServer(rows)
        const { exit, results } = yield* withClock(
          collect(ContactsStream.upsertAll(chunked(inputs(rows), 4), { concurrency: 8, ordered }))
        ).pipe(Effect.provide(layer))
        assert.deepStrictEqual(rowNumbers(results), [1, 2, 3, 4, 6, 8])
        assert.deepStrictEqual(started, range(1, 8))
        const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        assert.instanceOf(error, ContactsStream.Stopped)
        assert.deepInclude(error, { row: 5, error: failures.unauthorized })
        assert.deepStrictEqual(error.remaining, [{ from: 5, to: 5 }, { from: 7, to: 7 }, { from: 9 }])
        assert.strictEqual(
          error.message,
          "The run stopped at row 5. It failed. Rows without a result: 5, 7 and all from 9. Run these rows again."
        )
      }
    })
  )

  it.effect("ends the last range of remaining rows if the input has ended", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<Row> = [
        { phone: "1", latency: 5, failure: "deadline" },
        { phone: "1", latency: 0 },
        { phone: "2", latency: 0 },
        { phone: "1", latency: 0 }
      ]
      const { layer } = makeServer(rows)
      const error = yield* withClock(
        ContactsStream.upsertAll(chunked(inputs(rows), 4)).pipe(Stream.runDrain, Effect.flip)
      ).pipe(Effect.provide(layer))
      assert.instanceOf(error, ContactsStream.Stopped)
      assert.deepStrictEqual(error.remaining, [
        { from: 1, to: 2 },
        { from: 4, to: 4 }
      ])
      assert.include(error.message, "Rows without a result: 1 to 2 and 4. Run these rows again.")
      assert.deepStrictEqual(
        yield* Schema.decodeEffect(Schema.toCodecJson(ContactsStream.Stopped))(
          yield* Schema.encodeEffect(Schema.toCodecJson(ContactsStream.Stopped))(error)
        ),
        error
      )
    })
  )

  it.effect("lists at most five ranges in the message", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<Row> = range(1, 40).map((row) => ({
        phone: String(row),
        latency: 1,
        failure: row % 2 === 0 ? "unauthorized" : undefined
      }))
      const { layer } = makeServer(rows)
      const error = yield* withClock(
        ContactsStream.upsertAll(chunked(inputs(rows), 40), { concurrency: 40 }).pipe(Stream.runDrain, Effect.flip)
      ).pipe(Effect.provide(layer))
      assert.include(error.message, "Rows without a result: 2, 4, 6, 8, 10 and more. Run these rows again.")
      assert.strictEqual(error.remaining.length, 20)
    })
  )

  it.effect("emits the results of all rows read before it fails with the error of its input", () =>
    Effect.gen(function* () {
      const rows = range(1, 10).map((row) => ({ phone: String(row), latency: 5 }))
      const { layer } = makeServer(rows)
      const { exit, results } = yield* withClock(
        collect(
          ContactsStream.upsertAll(Stream.concat(chunked(inputs(rows), 3), Stream.fail("broken")), { concurrency: 3 })
        )
      ).pipe(Effect.provide(layer))
      assert.deepStrictEqual(rowNumbers(results), range(1, 10))
      assert.deepStrictEqual(exit, Exit.fail("broken"))
    })
  )

  it.effect("returns Invalid for rows of any type from untyped code", () =>
    Effect.gen(function* () {
      const trap = {
        get phone(): string {
          throw new Error("no")
        }
      }
      const rows = [
        null,
        undefined,
        5,
        "text",
        {},
        { phone: 5 },
        { phone: "12" },
        trap,
        [],
        () => 1,
        { phone: "+15550000001" }
      ]
      const { results } = yield* collect(ContactsStream.upsertAll(Stream.fromIterable(rows as Array<UpsertInput>)))
      assert.deepStrictEqual(
        results.map(({ _tag, key, row }) => [row, _tag, key]),
        rows.map((_, index) => [
          index + 1,
          index === 10 ? "Created" : "Invalid",
          { 6: "12", 10: "+15550000001" }[index] ?? ""
        ])
      )
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("fails with the defect of its only call", () =>
    Effect.gen(function* () {
      const broken = Layer.mock(Contacts, { upsert: () => Effect.delay(Effect.die("a mistake"), 10) })
      const exit = yield* withClock(
        ContactsStream.upsertAll(Stream.make({ phone: "+15551234567" })).pipe(
          Stream.runDrain,
          Effect.provide(broken),
          Effect.exit
        )
      )
      assert.deepStrictEqual(exit, Exit.die("a mistake"))
    })
  )

  it.effect("stops while its input never emits", () =>
    Effect.gen(function* () {
      const { layer } = makeServer([])
      const inputs: Stream.Stream<UpsertInput> = Stream.never
      yield* withClock(
        ContactsStream.upsertAll(inputs, { stopWhen: Effect.sleep(10) }).pipe(Stream.runDrain, Effect.provide(layer))
      )
    })
  )

  it.effect("emits earlier results before it fails with the defect of a call", () =>
    Effect.gen(function* () {
      const { exit, results } = yield* collect(
        ContactsStream.upsertAll(Stream.make({ phone: "1" }, { phone: "2" }), { concurrency: 1 })
      ).pipe(
        Effect.provide(
          Layer.mock(Contacts, {
            upsert: ({ phone }) =>
              phone === "2"
                ? Effect.die("a mistake")
                : Effect.succeed({ contact: Contact.make({ id: ContactId.make("a") }), isNew: true })
          })
        )
      )
      assert.deepStrictEqual(rowNumbers(results), [1])
      assert.deepStrictEqual(exit, Exit.die("a mistake"))
    })
  )

  it.effect("can be run again", () =>
    Effect.gen(function* () {
      const rows = range(1, 30).map((row) => ({ phone: String(row % 7), latency: 0 }))
      const { layer } = makeServer(rows)
      const run = Stream.runCollect(ContactsStream.upsertAll(chunked(inputs(rows), 4))).pipe(Effect.provide(layer))
      assert.deepStrictEqual(rowNumbers(yield* run), range(1, 30))
      assert.deepStrictEqual(rowNumbers(yield* run), range(1, 30))
    })
  )

  it.effect("is bounded by its concurrency, by a slow row and by a slow consumer", () =>
    Effect.gen(function* () {
      const rows = range(1, 3000).map((row) => ({ phone: String(row), latency: row === 1 ? 300 : 1 }))
      const { started, layer } = makeServer(rows)
      let read = 0
      const counted = Stream.tap(chunked(inputs(rows), 1), () => Effect.sync(() => read++))
      const queue = yield* Queue.bounded<ContactsStream.UpsertRow, Cause.Done>(1)
      yield* Effect.forkChild(
        ContactsStream.upsertAll(counted).pipe(
          Stream.runForEach((result) => Queue.offer(queue, result)),
          Effect.provide(layer)
        )
      )
      yield* advance(0)
      assert.deepStrictEqual(started, range(1, 8))
      // The first row holds back later results. Later rows start until the read-ahead limit.
      yield* advance(299)
      assert.strictEqual(started.length, maxReadAhead)
      assert.isAtMost(read, maxReadAhead + 1)
      // The consumer is blocked, so rows start only until the buffer of results is full.
      yield* advance(300)
      assert.isAtMost(started.length, maxReadAhead + maxBufferedResults + 8)
      const before = started.length
      yield* advance(300)
      assert.strictEqual(started.length, before)
      assert.deepStrictEqual(
        rowNumbers(yield* withClock(Effect.replicateEffect(Queue.take(queue), 3000))),
        range(1, 3000)
      )
    })
  )

  it.effect("is bounded by a slow consumer if rows wait for a predecessor", () =>
    Effect.gen(function* () {
      const rows = range(1, 500).map((row) => ({ phone: String(row % 2), latency: 1 }))
      const { started, layer } = makeServer(rows)
      yield* Effect.forkChild(
        ContactsStream.upsertAll(chunked(inputs(rows), 500)).pipe(
          Stream.runForEachArray(() => Effect.never),
          Effect.provide(layer)
        )
      )
      yield* advance(600)
      assert.isAtLeast(started.length, maxBufferedResults)
      assert.isAtMost(started.length, 2 * maxBufferedResults)
    })
  )

  it.effect("emits results as they complete if `ordered` is false, and in input order if it is true", () =>
    Effect.gen(function* () {
      const rows = [30, 10, 20, 5].map((latency, index) => ({ phone: String(index), latency }))
      const { layer } = makeServer(rows)
      const run = (ordered: boolean) =>
        withClock(Stream.runCollect(ContactsStream.upsertAll(chunked(inputs(rows), 4), { ordered }))).pipe(
          Effect.provide(layer)
        )
      assert.deepStrictEqual(rowNumbers(yield* run(false)), [4, 2, 3, 1])
      assert.deepStrictEqual(rowNumbers(yield* run(true)), [1, 2, 3, 4])
    })
  )

  it.effect("never stalls, at any number of operations before a yield", () =>
    Effect.gen(function* () {
      const rows = range(1, 200).map((row) => ({ phone: String(row % 50), latency: 0 }))
      // With fewer than three operations, Effect's own streams make no progress.
      for (const operations of range(3, 40)) {
        for (const concurrency of [1, 2, 5]) {
          const { layer } = makeServer(rows)
          const results = yield* Stream.runCollect(
            ContactsStream.upsertAll(chunked(inputs(rows), 70), { concurrency })
          ).pipe(Effect.provide(layer), Effect.provideService(MaxOpsBeforeYield, operations))
          assert.deepStrictEqual(rowNumbers(results), range(1, 200))
          // The consumer yields for long enough that the buffer of results becomes full.
          const read: Array<number> = []
          yield* ContactsStream.upsertAll(chunked(inputs(rows), 70), { concurrency }).pipe(
            Stream.runForEachArray((results) => {
              read.push(...rowNumbers(results))
              return Effect.replicateEffect(Effect.yieldNow, operations * 5, { discard: true })
            }),
            Effect.provide(layer),
            Effect.provideService(MaxOpsBeforeYield, operations)
          )
          assert.deepStrictEqual(read, range(1, 200))
        }
      }
    })
  )

  it.effect("starts other rows while rows wait for a predecessor, up to the read-ahead limit", () =>
    Effect.gen(function* () {
      // Every second row has the same number and is slow.
      const rows = range(1, 4000).map((row) => ({
        phone: row % 2 === 0 ? String(row * 1000) : "1",
        latency: row % 2 === 0 ? 1 : 100
      }))
      const { started, layer, stats } = makeServer(rows)
      yield* Effect.forkChild(
        ContactsStream.upsertAll(chunked(inputs(rows), 100), { ordered: false }).pipe(
          Stream.runDrain,
          Effect.provide(layer)
        )
      )
      yield* advance(50)
      assert.strictEqual(started.filter((row) => row % 2 === 1).length, 1)
      assert.isAtLeast(started.length, 300)
      yield* advance(49)
      yield* advance(500)
      // The odd rows wait for each other. At most 1024 rows are read ahead.
      const odd = started.filter((row) => row % 2 === 1).length
      assert.isAtMost(Math.max(...started), 2 * (maxReadAhead + odd) + 2)
      assert.isFalse(stats.hasOverlap)
    })
  )

  it.effect("accepts any concurrency and uses at least one worker", () =>
    Effect.gen(function* () {
      for (const [concurrency, maxInFlight] of [
        [0, 1],
        [-1, 1],
        [Number.NaN, 1],
        [2.5, 2],
        [100, 30],
        [Infinity, 30]
      ] as const) {
        const rows = range(1, 30).map((row) => ({ phone: String(row), latency: 20 }))
        const { layer, stats } = makeServer(rows)
        const run = Stream.runCollect(ContactsStream.upsertAll(chunked(inputs(rows), 7), { concurrency }))
        assert.deepStrictEqual(rowNumbers(yield* withClock(run).pipe(Effect.provide(layer))), range(1, 30))
        assert.strictEqual(stats.maxInFlight, maxInFlight, String(concurrency))
      }
    })
  )

  it.effect("interrupts the rows in flight and closes the input if it is interrupted", () =>
    Effect.gen(function* () {
      const rows = range(1, 30).map((row) => ({ phone: String(row), latency: 1000 }))
      const { started, layer, stats } = makeServer(rows)
      const closed = yield* Deferred.make<string>()
      const input = Stream.concat(chunked(inputs(rows.slice(0, 5)), 2), Stream.never).pipe(
        Stream.ensuring(Deferred.succeed(closed, `${stats.interrupted} interrupted`))
      )
      const fiber = yield* Effect.forkChild(
        ContactsStream.upsertAll(input).pipe(Stream.runDrain, Effect.provide(layer))
      )
      yield* advance(10)
      assert.strictEqual(started.length, 5)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(stats.interrupted, 5)
      assert.isTrue(yield* Deferred.isDone(closed))
      yield* advance(1000)
      assert.strictEqual(started.length, 5)
    })
  )

  it.effect("interrupts the rows in flight if the consumer ends the stream early", () =>
    Effect.gen(function* () {
      const rows = range(1, 30).map((row) => ({ phone: String(row), latency: row }))
      const { started, layer, stats } = makeServer(rows)
      yield* withClock(
        ContactsStream.upsertAll(chunked(inputs(rows), 30), { concurrency: 4 }).pipe(Stream.take(1), Stream.runDrain)
      ).pipe(Effect.provide(layer))
      assert.deepStrictEqual(started, range(1, 5))
      assert.strictEqual(stats.interrupted, 4)
    })
  )

  it.effect("completes the rows in flight and starts no other row after `stopWhen` ends", () =>
    Effect.gen(function* () {
      const rows = range(1, 30).map((row) => ({ phone: String(row), latency: 10 }))
      for (const ordered of [true, false]) {
        const { started, layer, stats } = makeServer(rows)
        // The input never ends.
        const input = Stream.concat(chunked(inputs(rows.slice(0, 11)), 11), Stream.never)
        const { exit, results } = yield* withClock(
          collect(ContactsStream.upsertAll(input, { concurrency: 4, ordered, stopWhen: Effect.sleep(15) }))
        ).pipe(Effect.provide(layer))
        assert.deepStrictEqual(exit, Exit.void)
        assert.deepStrictEqual(rowNumbers(results), range(1, 8))
        assert.deepStrictEqual(started, range(1, 8))
        assert.strictEqual(stats.interrupted, 0)
      }
    })
  )
})

// --- deleteAll and addTagsAll -------------------------------------------------------------------------------------

const missingId = "5a4db0c5-0000-4000-8000-00000000ffff"

describe("deleteAll", () => {
  it.effect("deletes by id, one after the other if an id occurs twice", () =>
    Effect.gen(function* () {
      const { contacts, seed } = yield* Sandbox.State
      const [one, two] = yield* seed([{ phone: "+15550000001" }, { phone: "+15550000002" }])
      const ids = [one!.id, missingId, one!.id.toUpperCase(), "no id", 5 as unknown as string]
      const results = yield* Stream.runCollect(ContactsStream.deleteAll(Stream.fromIterable(ids)))
      assert.deepStrictEqual(
        results.map(({ _tag, key, row }) => [row, _tag, key]),
        [
          [1, "Deleted", ids[0]],
          [2, "Missing", ids[1]],
          [3, "Missing", ids[2]],
          [4, "Invalid", "no id"],
          [5, "Invalid", ""]
        ]
      )
      assert.deepStrictEqual(yield* contacts(), [two!])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("stops like upsertAll and applies equal ids in input order", () =>
    Effect.gen(function* () {
      let isDeleted = false
      const layer = Layer.mock(Contacts, {
        delete: (id) =>
          Effect.suspend((): Effect.Effect<void, NotFound | Unauthorized> => {
            if (id === "b") return Effect.fail(failures.unauthorized)
            if (isDeleted) return Effect.fail(new NotFound({ ...baseError, status: 404 }))
            return Effect.delay(
              Effect.sync(() => void (isDeleted = true)),
              5
            )
          })
      })
      const { exit, results } = yield* withClock(
        collect(ContactsStream.deleteAll(Stream.make("a", "A", "a", "b"), { concurrency: 3 }))
      ).pipe(Effect.provide(layer))
      assert.deepStrictEqual(
        results.map(({ _tag }) => _tag),
        ["Deleted"]
      )
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(error, ContactsStream.Stopped)
      assert.deepStrictEqual(error.remaining, [{ from: 2 }])
    })
  )
})

describe("addTagsAll", () => {
  it.effect("adds tags by id", () =>
    Effect.gen(function* () {
      const { contacts, seed } = yield* Sandbox.State
      const [one] = yield* seed([{ phone: "+15550000001", tags: ["a"] }])
      const { id } = one!
      const rows = [
        { id, tags: ["b"] },
        { id: id.toUpperCase(), tags: ["c", "a"] },
        { id: missingId, tags: ["b"] },
        { id: "no id", tags: [] },
        { id, tags: [""] },
        { id },
        null
      ] as Array<{ id: string; tags: Array<string> }>
      const results = yield* Stream.runCollect(ContactsStream.addTagsAll(Stream.fromIterable(rows)))
      assert.deepStrictEqual(
        results.map(({ _tag, key, row }) => [row, _tag, key]),
        [
          [1, "Tagged", id],
          [2, "Tagged", id.toUpperCase()],
          [3, "Missing", missingId],
          [4, "Invalid", "no id"],
          [5, "Invalid", id],
          [6, "Invalid", id],
          [7, "Invalid", ""]
        ]
      )
      const [kept] = yield* contacts()
      assert.deepStrictEqual(results[1]?._tag === "Tagged" ? results[1].contact : undefined, Option.some(kept!))
      assert.deepStrictEqual(
        kept?.tags?.map(({ name }) => name),
        ["a", "b", "c"]
      )
    }).pipe(Effect.provide(Sandbox.layer))
  )
})

// --- progress -----------------------------------------------------------------------------------------------------

const runWithProgress = (progress: ContactsStream.Progress, rows: ReadonlyArray<Row>) =>
  ContactsStream.upsertAll(chunked(inputs(rows), 5), { concurrency: 1, progress }).pipe(
    Stream.runDrain,
    Effect.provide(makeServer(rows).layer)
  )

const slowRows = (count: number): ReadonlyArray<Row> =>
  range(1, count).map((row) => ({ phone: String(row), latency: 100 }))

describe("makeProgress", () => {
  it.effect("counts rows and outcomes and computes a rate, from before the run to its end", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<Row> = range(1, 20).map((row) => ({
        phone: String(row),
        latency: 100,
        failure: row % 5 === 0 ? (row % 10 === 0 ? "invalid" : "fault") : undefined
      }))
      const { layer } = makeServer(rows)
      const progress = yield* ContactsStream.makeProgress
      const snapshots: Array<ContactsStream.Snapshot> = []
      const observer = yield* Effect.forkChild(
        Stream.runForEach(progress.changes, (snapshot) => Effect.sync(() => void snapshots.push(snapshot)))
      )
      yield* advance(250)
      assert.deepInclude(snapshots[0], { done: 0, pending: 0, rowsPerSecond: 0 })
      const run = yield* Effect.forkChild(
        ContactsStream.upsertAll(chunked(inputs(rows), 5), { concurrency: 4, progress }).pipe(
          Stream.runDrain,
          Effect.provide(layer)
        )
      )
      yield* advance(150)
      assert.deepInclude(yield* progress.snapshot, { done: 4, pending: 4 })
      yield* advance(350)
      yield* Fiber.join(run)
      yield* Fiber.join(observer)
      const last = snapshots[snapshots.length - 1]
      assert.deepStrictEqual(last, {
        done: 20,
        pending: 0,
        byOutcome: { Created: 16, Updated: 0, Deleted: 0, Tagged: 0, Missing: 0, Invalid: 2, Failed: 2 },
        rowsPerSecond: 40
      })
      // Ten per second, and the last one without a delay.
      assert.isAtLeast(snapshots.length, 7)
      assert.isAtMost(snapshots.length, 10)
      // After the run has ended, time changes nothing and `changes` emits only the last snapshot.
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Stream.runCollect(progress.changes), [last])
    })
  )

  it.effect("reports the rate of the last seconds", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<Row> = range(1, 200).map((row) => ({
        phone: String(row),
        latency: row <= 100 ? 100 : 1000
      }))
      const { layer } = makeServer(rows)
      const progress = yield* ContactsStream.makeProgress
      yield* Effect.forkChild(Stream.runDrain(progress.changes))
      yield* Effect.forkChild(
        ContactsStream.upsertAll(chunked(inputs(rows), 5), { concurrency: 1, progress }).pipe(
          Stream.runDrain,
          Effect.provide(layer)
        )
      )
      yield* TestClock.adjust("8 seconds")
      assert.closeTo((yield* progress.snapshot).rowsPerSecond, 10, 0.5)
      yield* TestClock.adjust("20 seconds")
      assert.closeTo((yield* progress.snapshot).rowsPerSecond, 1, 0.3)
    })
  )

  it.effect("reports the rate of the last seconds if snapshots are rare", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<Row> = range(1, 40).map((row) => ({
        phone: String(row),
        latency: row <= 20 ? 100 : 1000
      }))
      const { layer } = makeServer(rows)
      const progress = yield* ContactsStream.makeProgress
      yield* Effect.forkChild(
        ContactsStream.upsertAll(chunked(inputs(rows), 5), { concurrency: 1, progress }).pipe(
          Stream.runDrain,
          Effect.provide(layer)
        )
      )
      const rates: Array<number> = []
      for (let second = 1; second <= 9; second++) {
        yield* advance(1000)
        rates.push((yield* progress.snapshot).rowsPerSecond)
      }
      assert.closeTo(rates[0] ?? 0, 10, 1.1)
      assert.closeTo(rates[8] ?? 0, 1, 0.3)
    })
  )

  it.effect("counts several runs and ends after the last of them", () =>
    Effect.gen(function* () {
      const progress = yield* ContactsStream.makeProgress
      const observer = yield* Effect.forkChild(Stream.runLast(progress.changes))
      yield* Effect.forkChild(runWithProgress(progress, slowRows(2)))
      const longer = yield* Effect.forkChild(runWithProgress(progress, slowRows(8)))
      yield* advance(500)
      assert.isUndefined(observer.pollUnsafe())
      yield* advance(500)
      yield* Fiber.join(longer)
      assert.deepInclude(Option.getOrUndefined(yield* Fiber.join(observer)), { done: 10, pending: 0 })
    })
  )

  it.effect("continues its rate in a second run", () =>
    Effect.gen(function* () {
      const progress = yield* ContactsStream.makeProgress
      yield* withClock(runWithProgress(progress, slowRows(20)))
      assert.closeTo((yield* progress.snapshot).rowsPerSecond, 10, 0.5)
      yield* withClock(runWithProgress(progress, slowRows(20)))
      assert.closeTo((yield* progress.snapshot).rowsPerSecond, 10, 0.5)
    })
  )

  it.effect("emits a snapshot at once, before a run has started", () =>
    Effect.gen(function* () {
      const progress = yield* ContactsStream.makeProgress
      const observer = yield* Effect.forkChild(Stream.runHead(progress.changes))
      yield* advance(0)
      assert.isDefined(observer.pollUnsafe())
    })
  )

  it.effect("has no pending rows after a run has stopped", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<Row> = range(1, 20).map((row) => ({
        phone: "1",
        latency: 1,
        failure: row === 3 ? "unauthorized" : undefined
      }))
      const { layer } = makeServer(rows)
      const progress = yield* ContactsStream.makeProgress
      yield* withClock(
        ContactsStream.upsertAll(chunked(inputs(rows), 20), { progress }).pipe(Stream.runDrain, Effect.exit)
      ).pipe(Effect.provide(layer))
      assert.deepInclude(yield* progress.snapshot, { done: 2, pending: 0 })
      assert.strictEqual((yield* Stream.runCollect(progress.changes)).length, 1)
    })
  )
})
