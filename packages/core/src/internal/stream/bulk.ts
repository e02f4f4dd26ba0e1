/**
 * Bulk runs: one call and one result for each row of the input, with several calls in flight.
 *
 * A pool of at most `concurrency` worker fibers shares the state of the run. A worker takes the next row of the current
 * chunk of the input, makes the call, completes the row and repeats. When no row of the chunk is left, one worker pulls
 * the next chunk and the others become idle. Workers start only as rows need them, and no row has a fiber of its own.
 *
 * Rows with the same ordering key run one after the other. A row waits for its predecessor, and becomes ready when the
 * predecessor completes.
 *
 * Results go to a buffer, and the consumer of the stream takes the whole buffer as one chunk. In an ordered run, a
 * result is held back until all earlier rows have a result. `maxReadAhead` and `maxBufferedResults` bound the memory.
 *
 * The state needs no lock, because each change is one synchronous step. Fibers wait in two places only: idle workers in
 * `idleWorkers`, and the consumer in `resumeConsumer`.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ContactError } from "../../AgentalkError.ts"
import { type Progress, recorderOf, type Tag } from "./progress.ts"
import { isStopError, makeStopped, type Rows, type StopError, type Stopped } from "./results.ts"

/**
 * The maximum number of rows that are read ahead of the emitted results. Rows accumulate behind a slow row if their
 * results or their ordering key must wait for it.
 */
export const maxReadAhead = 1024

/** The size of the buffer of results that wait for the consumer. While the buffer is full, no row starts. */
export const maxBufferedResults = 64

interface Result {
  readonly _tag: Tag
}

/** The operation of a run: how to identify a row, make its call and make its result. */
export interface Operation<I, A, E extends ContactError, R extends Result> {
  /** Returns the text that identifies the row in its result. */
  readonly keyOf: (input: I) => string
  /**
   * Returns the ordering key. Rows with the same ordering key run one after the other, in the order of the input. Rows
   * with the ordering key `""` are not ordered.
   */
  readonly orderingKeyOf: (key: string) => string
  readonly apply: (input: I) => Effect.Effect<A, E>
  readonly onSuccess: (row: number, key: string, value: A) => R
  readonly onFailure: (row: number, key: string, error: E) => R
}

export interface Options {
  readonly concurrency?: number | undefined
  readonly ordered?: boolean | undefined
  readonly progress?: Progress | undefined
  readonly stopWhen?: Effect.Effect<unknown> | undefined
}

/** A row that was read and whose result is not emitted yet. These rows form a linked list in the order of the input. */
interface Entry<I, R> {
  readonly row: number
  readonly key: string
  readonly orderingKey: string
  input: I | undefined
  result: R | undefined
  previous: Entry<I, R> | undefined
  next: Entry<I, R> | undefined
  /** The next row with the same ordering key, which waits for this row to complete. */
  successor: Entry<I, R> | undefined
}

type MutableRows = { -readonly [K in keyof Rows]: Rows[K] }

const appendRow = (ranges: Array<MutableRows>, row: number): void => {
  const last = ranges[ranges.length - 1]
  if (last?.to === row - 1) last.to = row
  else ranges.push({ from: row, to: row })
}

/** Runs an operation for every row and streams the results. */
export const run = <I, E, R, A, E2 extends ContactError, B extends Result, RS>(
  inputs: Stream.Stream<I, E, R>,
  operation: Effect.Effect<Operation<I, A, E2, B>, never, RS>,
  options: Options
): Stream.Stream<B, E | Stopped, R | RS> =>
  Stream.transformPullBracket(inputs, (pullInput, _, scope) =>
    Effect.gen(function* () {
      const { pullResults, stop } = makePool(pullInput, yield* operation, options, scope)
      if (options.stopWhen !== undefined) {
        yield* Effect.forkIn(Effect.andThen(options.stopWhen, Effect.sync(stop)), scope)
      }
      if (options.progress !== undefined) {
        const { runEnded, runStarted } = recorderOf(options.progress)
        yield* runStarted
        yield* Scope.addFinalizer(scope, runEnded)
      }
      return pullResults
    })
  )

const makePool = <I, E, R, A, E2 extends ContactError, B extends Result>(
  pullInput: Pull.Pull<ReadonlyArray<I>, E, void, R>,
  { apply, keyOf, onFailure, onSuccess, orderingKeyOf }: Operation<I, A, E2, B>,
  { concurrency = 8, ordered = true, progress }: Options,
  scope: Scope.Scope
): {
  readonly pullResults: Pull.Pull<Arr.NonEmptyReadonlyArray<B>, E | Stopped, void, R>
  readonly stop: () => void
} => {
  type Row = Entry<I, B>
  const recorder = progress && recorderOf(progress)

  // The input: the current chunk, the position in it, and how the input ended.
  let chunk: ReadonlyArray<I> = []
  let position = 0
  let inputEnd: Cause.Cause<E | Cause.Done> | undefined
  let isPulling = false

  // Rows whose results are not emitted yet, in the order of the input.
  let head: Row | undefined
  let tail: Row | undefined
  let readCount = 0
  let emittedCount = 0

  // The last row of each ordering key, and the waiting rows whose predecessor has completed.
  const lastByOrderingKey = new Map<string, Row>()
  const ready: Array<Row> = []

  // The comparison also turns `NaN` into 1.
  const maxWorkers = concurrency >= 1 ? Math.floor(concurrency) : 1
  const idleWorkers: Array<() => void> = []
  let workerCount = 0
  // The number of workers that were started or resumed and have not looked for a row yet.
  let wakingCount = 0
  let inFlightCount = 0

  let buffer: Array<B> = []
  let resumeConsumer: (() => void) | undefined

  let isStopping = false
  let stopReason: { readonly error: StopError; readonly row: number } | undefined
  // The rows without a result, after the run has stopped.
  let remaining: ReadonlyArray<Rows> | undefined
  let defect: Cause.Cause<never> | undefined

  const canReadRow = () => buffer.length < maxBufferedResults && readCount - emittedCount < maxReadAhead

  const unlink = (entry: Row): void => {
    if (entry.previous === undefined) head = entry.next
    else entry.previous.next = entry.next
    if (entry.next === undefined) tail = entry.previous
    else entry.next.previous = entry.previous
  }

  /**
   * Adds a row of the input to the list. Returns it if it may start now, or `undefined` if it waits for a predecessor.
   */
  const admit = (input: I): Row | undefined => {
    const key = keyOf(input)
    const orderingKey = orderingKeyOf(key)
    const entry: Row = {
      row: ++readCount,
      key,
      orderingKey,
      input,
      result: undefined,
      previous: tail,
      next: undefined,
      successor: undefined
    }
    if (tail === undefined) head = entry
    else tail.next = entry
    tail = entry
    recorder?.rowRead()
    if (orderingKey === "") return entry
    const predecessor = lastByOrderingKey.get(orderingKey)
    lastByOrderingKey.set(orderingKey, entry)
    if (predecessor === undefined) return entry
    predecessor.successor = entry
    return undefined
  }

  /** Returns the next row to start, if there is one and the limits allow it. */
  const takeRow = (): Row | undefined => {
    if (isStopping || buffer.length >= maxBufferedResults) return undefined
    if (ready.length > 0) return ready.shift()
    while (position < chunk.length && canReadRow()) {
      const entry = admit(chunk[position++]!)
      if (entry !== undefined) return entry
    }
    return undefined
  }

  const canPullInput = () =>
    !isStopping && !isPulling && inputEnd === undefined && position >= chunk.length && canReadRow()

  /** Whether a worker has anything to do: a ready row, a row of the chunk, or the next chunk. */
  const hasWork = () =>
    !isStopping &&
    ((ready.length > 0 && buffer.length < maxBufferedResults) ||
      (position < chunk.length && canReadRow()) ||
      canPullInput())

  const isFinished = () =>
    isStopping ? inFlightCount === 0 : inputEnd !== undefined && head === undefined && position >= chunk.length

  /** Resumes the consumer if it waits and there is a result, a defect, or the end of the run. */
  const notifyConsumer = () => {
    if (resumeConsumer === undefined || (buffer.length === 0 && defect === undefined && !isFinished())) return
    const resume = resumeConsumer
    resumeConsumer = undefined
    resume()
  }

  /**
   * Completes a row: its successor becomes ready, and its result goes to the buffer. If the row stopped the run, it has
   * no result and stays in the list.
   */
  const complete = (entry: Row, result: B | undefined): void => {
    inFlightCount--
    entry.input = undefined
    entry.result = result
    const { orderingKey, successor } = entry
    if (successor !== undefined) ready.push(successor)
    else if (orderingKey !== "") lastByOrderingKey.delete(orderingKey)
    if (result !== undefined) {
      recorder?.rowCompleted(result._tag)
      if (ordered) {
        for (let next = head; next?.result !== undefined; next = head) {
          unlink(next)
          buffer.push(next.result)
        }
      } else {
        unlink(entry)
        buffer.push(result)
      }
    }
    notifyConsumer()
  }

  const stop = () => {
    isStopping = true
    notifyConsumer()
  }

  const succeed = (entry: Row, value: A) => complete(entry, onSuccess(entry.row, entry.key, value))

  const fail = (entry: Row, error: E2) => {
    if (!isStopError(error)) return complete(entry, onFailure(entry.row, entry.key, error))
    stopReason ??= { error, row: entry.row }
    isStopping = true
    complete(entry, undefined)
  }

  // --- fibers -----------------------------------------------------------------------------------------------------

  // Resuming a fiber runs it inside the fiber that resumes it, so a resumed worker yields first. Otherwise the stack
  // grows with the number of workers. Yielding also lets results of the same event loop turn share one chunk.
  const onResumed = Effect.andThen(
    Effect.yieldNow,
    Effect.sync(() => void wakingCount--)
  )

  // A fiber may yield between any two steps, so the worker checks for work again before it becomes idle.
  const awaitWork = Effect.callback<void>((resume) => {
    if (hasWork()) resume(Effect.void)
    else idleWorkers.push(() => resume(onResumed))
  })

  const awaitResults = Effect.callback<void>((resume) => {
    resumeConsumer = () => resume(Effect.yieldNow)
    notifyConsumer()
  })

  const pullChunk = Effect.suspend(() =>
    Effect.matchCauseEffect(pullInput, {
      onSuccess: (rows) => {
        isPulling = false
        chunk = rows
        position = 0
        return work
      },
      onFailure: (cause) => {
        isPulling = false
        inputEnd = cause
        chunk = []
        position = 0
        notifyConsumer()
        return work
      }
    })
  )

  /** The loop of a worker: start a row, pull the next chunk, or become idle. */
  const work: Effect.Effect<never, never, R> = Effect.suspend(() => {
    const entry = takeRow()
    if (entry === undefined) {
      if (!canPullInput()) return Effect.andThen(awaitWork, work)
      // Set before the pull starts, because another worker may call `canPullInput` first.
      isPulling = true
      return pullChunk
    }
    inFlightCount++
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
    return hasWork() ? Effect.andThen(wakeWorkers, applied) : applied
  })

  /** Resumes idle workers and starts new ones: one for each row that may start, up to the limits. */
  const wakeWorkers: Effect.Effect<void, never, R> = Effect.suspend(() => {
    const available = Math.max(1, ready.length + chunk.length - position)
    let wanted = Math.min(available, maxBufferedResults) - wakingCount
    for (; wanted > 0 && idleWorkers.length > 0; wanted--) {
      wakingCount++
      idleWorkers.pop()?.()
    }
    const started = Math.min(wanted, maxWorkers - workerCount)
    if (started <= 0) return Effect.void
    workerCount += started
    wakingCount += started
    return Effect.forEach(Arr.range(1, started), () => Effect.forkIn(worker, scope), { discard: true })
  })

  const worker = Effect.onError(
    Effect.suspend(() => {
      wakingCount--
      return work
    }),
    (cause) =>
      Effect.sync(() => {
        defect ??= cause
        notifyConsumer()
      })
  )

  /** Ends a stopped run: moves the results that are held back to the buffer, and returns the rows without a result. */
  const collectRemaining = (): ReadonlyArray<Rows> => {
    const ranges: Array<MutableRows> = []
    for (let next = head; next !== undefined; next = next.next) {
      if (next.result === undefined) appendRow(ranges, next.row)
      else buffer.push(next.result)
    }
    head = undefined
    // If the input has not ended, all rows after the last one that was read remain as well.
    if (inputEnd === undefined || !Pull.isDoneCause(inputEnd)) {
      const last = ranges[ranges.length - 1]
      if (last?.to === readCount) delete last.to
      else ranges.push({ from: readCount + 1 })
    }
    return ranges
  }

  const pullResults: Pull.Pull<Arr.NonEmptyReadonlyArray<B>, E | Stopped, void, R> = Effect.suspend(() => {
    if (isStopping && inFlightCount === 0) remaining ??= collectRemaining()
    if (Arr.isArrayNonEmpty(buffer)) {
      const results = Effect.succeed(buffer)
      emittedCount += buffer.length
      buffer = []
      return hasWork() ? Effect.andThen(wakeWorkers, results) : results
    }
    if (defect !== undefined) return Effect.failCause(defect)
    if (remaining !== undefined) {
      return stopReason === undefined
        ? Cause.done()
        : Effect.fail(makeStopped(stopReason.error, stopReason.row, remaining))
    }
    if (inputEnd !== undefined && isFinished()) return Effect.failCause(inputEnd)
    const afterWaiting = Effect.andThen(awaitResults, pullResults)
    return hasWork() ? Effect.andThen(wakeWorkers, afterWaiting) : afterWaiting
  })

  return { pullResults, stop }
}
