/**
 * One call for each row of a stream, several at a time, and one result for each row.
 *
 * All state is plain and belongs to one run; fibers only meet at `idle` and `reader`. Workers, started as they are
 * needed, take rows until there is none and then read the next chunk, one of them at a time; the puller of the results
 * takes what has come together. No row costs a fiber.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { counterOf, type Progress, type Tag } from "./progress.ts"

/**
 * How many rows may be read and have no result that was given: what a slow row, or rows that wait for one with the same
 * key, can hold back.
 */
export const lookAhead = 1024

/** How many results may wait for who reads them before no further row is begun. */
export const maxWaiting = 64

interface Result {
  readonly _tag: Tag
}

/** What is done with a row. */
export interface Operation<I, A, E, H extends E, R extends Result> {
  /** What a result names the row by. */
  readonly keyOf: (input: I) => string
  /** Rows that share it are applied one after the other, in the order of the input; `""` is shared by none. */
  readonly turnOf: (key: string) => string
  readonly apply: (input: I) => Effect.Effect<A, E>
  readonly onSuccess: (row: number, key: string, value: A) => R
  readonly onFailure: (row: number, key: string, error: E) => R
  /** Whether a failure is no result of its row, but ends the run. */
  readonly endsRun: (error: E) => error is H
}

export interface Options {
  readonly concurrency?: number | undefined
  readonly ordered?: boolean | undefined
  readonly progress?: Progress | undefined
  readonly stopWhen?: Effect.Effect<unknown> | undefined
}

/** Rows from one number to another, both included; without `to`, all to the end of the input. */
export interface Range {
  readonly from: number
  readonly to?: number
}

/** A row that was read, linked to those before and after it that have no result that was given, either. */
interface Entry<I, R> {
  readonly row: number
  readonly key: string
  readonly turn: string
  input: I | undefined
  result: R | undefined
  before: Entry<I, R> | undefined
  after: Entry<I, R> | undefined
  /** The row that has its turn after this one. */
  successor: Entry<I, R> | undefined
}

const addRow = (ranges: Array<{ from: number; to?: number }>, row: number): void => {
  const last = ranges[ranges.length - 1]
  if (last?.to === row - 1) last.to = row
  else ranges.push({ from: row, to: row })
}

export const run = <I, E, R, A, E2, H extends E2, B extends Result, S, RS>(
  inputs: Stream.Stream<I, E, R>,
  operation: Effect.Effect<Operation<I, A, E2, H, B>, never, RS>,
  toStopped: (error: H, row: number, left: ReadonlyArray<Range>) => S,
  options: Options
): Stream.Stream<B, E | S, R | RS> =>
  Stream.transformPullBracket(inputs, (pull, _, scope) =>
    Effect.gen(function* () {
      const { give, stop } = makeRun(pull, yield* operation, toStopped, options, scope)
      if (options.stopWhen !== undefined) {
        yield* Effect.forkIn(Effect.andThen(options.stopWhen, Effect.sync(stop)), scope)
      }
      if (options.progress !== undefined) {
        const { begin, end } = counterOf(options.progress)
        yield* begin
        yield* Scope.addFinalizer(scope, end)
      }
      return give
    })
  )

const makeRun = <I, E, R, A, E2, H extends E2, B extends Result, S>(
  pull: Pull.Pull<ReadonlyArray<I>, E, void, R>,
  { apply, endsRun, keyOf, onFailure, onSuccess, turnOf }: Operation<I, A, E2, H, B>,
  toStopped: (error: H, row: number, left: ReadonlyArray<Range>) => S,
  { concurrency = 8, ordered = true, progress }: Options,
  scope: Scope.Scope
): { readonly give: Pull.Pull<Arr.NonEmptyReadonlyArray<B>, E | S, void, R>; readonly stop: () => void } => {
  type Row = Entry<I, B>
  const counter = progress && counterOf(progress)

  // The rows that were read: a chunk and how far in it we are, how many in all, and how many results were given.
  let chunk: ReadonlyArray<I> = []
  let at = 0
  let read = 0
  let given = 0
  let end: Cause.Cause<E | Cause.Done> | undefined
  // Those without a given result, in the order of the input.
  let first: Row | undefined
  let last: Row | undefined
  // The last row of each turn, and the rows whose turn has come.
  const turns = new Map<string, Row>()
  const ready: Array<Row> = []

  // One works whatever is asked for, NaN included.
  const limit = concurrency >= 1 ? Math.floor(concurrency) : 1

  let out: Array<B> = []
  let reader: (() => void) | undefined
  const idle: Array<() => void> = []
  let workers = 0
  // Workers that were called and did not look yet.
  let coming = 0
  let inFlight = 0
  let isReading = false
  let stopped: { readonly error: H; readonly row: number } | undefined
  let isStopping = false
  let crash: Cause.Cause<never> | undefined

  const hasRoom = () => out.length < maxWaiting && read - given < lookAhead

  const unlink = (entry: Row): void => {
    if (entry.before === undefined) first = entry.after
    else entry.before.after = entry.after
    if (entry.after === undefined) last = entry.before
    else entry.after.before = entry.before
  }

  /** Reads one row of the chunk; gives it, unless it must wait for its turn. */
  const admit = (input: I): Row | undefined => {
    const key = keyOf(input)
    const turn = turnOf(key)
    const entry: Row = {
      row: ++read,
      key,
      turn,
      input,
      result: undefined,
      before: last,
      after: undefined,
      successor: undefined
    }
    if (last === undefined) first = entry
    else last.after = entry
    last = entry
    counter?.read()
    if (turn === "") return entry
    const predecessor = turns.get(turn)
    turns.set(turn, entry)
    if (predecessor === undefined) return entry
    predecessor.successor = entry
    return undefined
  }

  /** The next row to be applied, if there may be one. */
  const take = (): Row | undefined => {
    if (isStopping || out.length >= maxWaiting) return undefined
    if (ready.length > 0) return ready.shift()
    while (at < chunk.length && hasRoom()) {
      const entry = admit(chunk[at++]!)
      if (entry !== undefined) return entry
    }
    return undefined
  }

  const mayRead = () => !isStopping && !isReading && end === undefined && at >= chunk.length && hasRoom()

  const mayTake = () =>
    !isStopping && ((ready.length > 0 && out.length < maxWaiting) || (at < chunk.length && hasRoom()) || mayRead())

  const isFinished = () =>
    isStopping ? inFlight === 0 : end !== undefined && first === undefined && at >= chunk.length

  const notify = () => {
    if (reader === undefined || (out.length === 0 && crash === undefined && !isFinished())) return
    const resume = reader
    reader = undefined
    resume()
  }

  const settle = (entry: Row, result: B | undefined): void => {
    inFlight--
    entry.input = undefined
    entry.result = result
    const { successor, turn } = entry
    if (successor !== undefined) ready.push(successor)
    else if (turn !== "") turns.delete(turn)
    if (result !== undefined) {
      counter?.settle(result._tag)
      if (ordered) {
        for (let next = first; next?.result !== undefined; next = first) {
          unlink(next)
          out.push(next.result)
        }
      } else {
        unlink(entry)
        out.push(result)
      }
    }
    notify()
  }

  const stop = () => {
    isStopping = true
    notify()
  }

  const succeed = (entry: Row, value: A) => settle(entry, onSuccess(entry.row, entry.key, value))

  const fail = (entry: Row, error: E2) => {
    if (!endsRun(error)) return settle(entry, onFailure(entry.row, entry.key, error))
    stopped ??= { error, row: entry.row }
    isStopping = true
    settle(entry, undefined)
  }

  // --- fibers -----------------------------------------------------------------------------------------------------

  // To resume a fiber is to run it within the one that resumes it, so it yields first: no stack grows with the workers,
  // and what comes in one turn of the event loop is given in one chunk.
  const arrive = Effect.andThen(
    Effect.yieldNow,
    Effect.sync(() => void coming--)
  )

  // A fiber may yield between any two steps, so what was true when it decided to wait is looked at again.
  const rest = Effect.callback<void>((resume) => {
    if (mayTake()) resume(Effect.void)
    else idle.push(() => resume(arrive))
  })

  const wait = Effect.callback<void>((resume) => {
    reader = () => resume(Effect.yieldNow)
    notify()
  })

  const readChunk = Effect.suspend(() =>
    Effect.matchCauseEffect(pull, {
      onSuccess: (rows) => {
        isReading = false
        chunk = rows
        at = 0
        return work
      },
      onFailure: (cause) => {
        isReading = false
        end = cause
        chunk = []
        at = 0
        notify()
        return work
      }
    })
  )

  const work: Effect.Effect<never, never, R> = Effect.suspend(() => {
    const entry = take()
    if (entry === undefined) {
      if (!mayRead()) return Effect.andThen(rest, work)
      // At once: another worker may look before this one has begun.
      isReading = true
      return readChunk
    }
    inFlight++
    const applied = Effect.matchEffect(apply(entry.input as I), {
      onSuccess: (value) => {
        succeed(entry, value)
        return work
      },
      onFailure: (error) => {
        fail(entry, error)
        return work
      }
    })
    return mayTake() ? Effect.andThen(call, applied) : applied
  })

  /** Has as many workers look for rows as there may be rows, as far as the limit lets. */
  const call: Effect.Effect<void, never, R> = Effect.suspend(() => {
    let wanted = Math.min(Math.max(1, ready.length + chunk.length - at), maxWaiting) - coming
    for (; wanted > 0 && idle.length > 0; wanted--) {
      coming++
      idle.pop()?.()
    }
    const started = Math.min(wanted, limit - workers)
    if (started <= 0) return Effect.void
    workers += started
    coming += started
    return Effect.forEach(Arr.range(1, started), () => Effect.forkIn(worker, scope), { discard: true })
  })

  const worker = Effect.onError(
    Effect.suspend(() => {
      coming--
      return work
    }),
    (cause) =>
      Effect.sync(() => {
        crash ??= cause
        notify()
      })
  )

  /** What is left when the run stops; results that stood behind a row without one are given first. */
  const leave = (): ReadonlyArray<Range> => {
    const left: Array<{ from: number; to?: number }> = []
    for (let next = first; next !== undefined; next = next.after) {
      if (next.result === undefined) addRow(left, next.row)
      else out.push(next.result)
    }
    first = undefined
    if (end === undefined || !Pull.isDoneCause(end)) {
      const open = left[left.length - 1]
      if (open?.to === read) delete open.to
      else left.push({ from: read + 1 })
    }
    return left
  }

  let left: ReadonlyArray<Range> | undefined

  const give: Pull.Pull<Arr.NonEmptyReadonlyArray<B>, E | S, void, R> = Effect.suspend(() => {
    if (isStopping && inFlight === 0) left ??= leave()
    if (Arr.isArrayNonEmpty(out)) {
      const results = Effect.succeed(out)
      given += out.length
      out = []
      return mayTake() ? Effect.andThen(call, results) : results
    }
    if (crash !== undefined) return Effect.failCause(crash)
    if (left !== undefined) {
      return stopped === undefined ? Cause.done() : Effect.fail(toStopped(stopped.error, stopped.row, left))
    }
    if (end !== undefined && isFinished()) return Effect.failCause(end)
    const waited = Effect.andThen(wait, give)
    return mayTake() ? Effect.andThen(call, waited) : waited
  })

  return { give, stop }
}
