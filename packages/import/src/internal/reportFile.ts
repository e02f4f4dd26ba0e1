/** Where the report of an import goes, and who may write it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Scope } from "effect/Scope"
import { existsSync, statSync, type Stats } from "node:fs"
import { FileFault, standard, systemFault } from "../ContactFile.ts"
import { Refusal, type Subject } from "./journal.ts"
import * as Ledger from "./ledger.ts"
import { isNamedPipe, namedPipe } from "./namedPipe.ts"
import * as Lock from "./lock.ts"

/** Where the report of a file is written unless another name is given. */
export const defaultOf = (path: string): string => `${path === standard ? "stdin" : path}.report.ndjson`

const freeName = (): string => {
  let name = defaultOf(standard)
  for (let number = 2; existsSync(name); number++) name = `stdin.${number}.report.ndjson`
  return name
}

/** What is imported, as the system knows it; nothing of standard input. */
export const statsOf = (path: string): Effect.Effect<Stats | undefined, FileFault> =>
  path === standard
    ? Effect.undefined
    : isNamedPipe(path)
      ? Effect.fail(systemFault("read", namedPipe))
      : Effect.try({ try: () => statSync(path), catch: (error) => systemFault("read", error) })

/** Whether something can be read once only: standard input, a pipe, a device. */
export const isReadOnce = (stats: Stats | undefined): boolean =>
  stats === undefined || !(stats.isFile() || stats.isDirectory())

/** Whether a report that is there is no file, so that nothing can be read from it again. */
const isDevice = (path: string): boolean => {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && !stats.isFile() && !stats.isDirectory()
}

/** Whether an import of a file, with its report there, can be resumed. */
export const isResumable = (path: string, report?: string): boolean => {
  if (path === standard || report === standard || (report !== undefined && isDevice(report))) return false
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined || !isReadOnce(stats)
}

const refuse = (message: string, advice: string) => new FileFault({ kind: "resume", message, advice })

const opening = <A>(run: () => A) =>
  Effect.try({
    try: run,
    catch: (error) =>
      error instanceof Refusal ? refuse(error.message, error.advice) : systemFault("written", error, "report")
  })

interface Options {
  readonly report?: string | undefined
  readonly resume?: boolean | undefined
  readonly retryFailed?: boolean | undefined
}

const openPlain = (report: string | undefined) => {
  const chosen = report ?? freeName()
  if (chosen === standard) return { report: chosen, ledger: Ledger.openPlain(undefined) }
  if (isNamedPipe(chosen)) {
    throw new Refusal("the report cannot be a named pipe, whose other end may never open", "Name a file with --report.")
  }
  const flags = isDevice(chosen) ? "w" : "wx"
  if (flags === "wx" && existsSync(chosen)) {
    throw new Refusal("there is a report of an earlier import already", "Name another report with --report.")
  }
  return { report: chosen, ledger: Ledger.openPlain(chosen, flags) }
}

/**
 * Opens the report of an import: a new one, or one to go on with. One that never got a line is removed again, unless
 * rows may have been on their way.
 */
export const open = (
  path: string,
  { report, resume = false, retryFailed = false }: Options,
  /** What the import is of, where the report can be continued: nothing where it is read once only. */
  subject: Effect.Effect<Subject, FileFault> | undefined
): Effect.Effect<{ readonly report: string; readonly ledger: Ledger.Ledger }, FileFault, Scope> =>
  Effect.gen(function* () {
    if (subject === undefined || report === standard || (report !== undefined && isDevice(report))) {
      if (resume || retryFailed) {
        return yield* refuse(
          "an import from standard input, or with its report on standard output or a device, cannot be resumed",
          "Import a file, and have the report in one, to be able to resume."
        )
      }
      return yield* Effect.acquireRelease(
        opening(() => openPlain(report)),
        ({ ledger }) => Effect.ignore(opening(ledger.close))
      )
    }
    const chosen = report ?? defaultOf(path)
    yield* Effect.acquireRelease(
      opening(() => Lock.acquire(chosen)),
      (release) => Effect.ignore(opening(release))
    )
    const known = yield* subject
    const ledger = yield* Effect.acquireRelease(
      opening(() => Ledger.open(chosen, known, { resume, retryFailed })),
      (ledger, exit) => {
        const isEmpty = ledger.earlier === 0 && Object.values(ledger.counts()).every((count) => count === 0)
        const isRefused = Exit.isFailure(exit) && !Cause.hasInterrupts(exit.cause)
        return Effect.andThen(
          Effect.ignore(opening(ledger.close)),
          isRefused && isEmpty ? Effect.ignore(opening(() => Ledger.discard(chosen))) : Effect.void
        )
      }
    )
    return { report: chosen, ledger }
  })
