/** Chooses the path of a report, locks it and opens it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Scope } from "effect/Scope"
import { existsSync, statSync } from "node:fs"
import { FileFault, namedPipeFault, resumeFault, systemFault } from "./fileFault.ts"
import type { Subject } from "./journal.ts"
import * as Lock from "./lock.ts"
import { isRegular, pathKind, standard } from "./pathKind.ts"
import * as ReportWriter from "./reportWriter.ts"

/** The path of the report of a file, unless another one is chosen. */
export const defaultReportPath = (path: string): string => `${path === standard ? "stdin" : path}.report.ndjson`

const unusedReportPath = (): string => {
  let path = defaultReportPath(standard)
  for (let number = 2; existsSync(path); number++) path = `stdin.${number}.report.ndjson`
  return path
}

/**
 * The size of a file in bytes. It is `undefined` if the file can be read only once: standard input, a device, or a pipe
 * that is already open.
 */
export const sizeOf = (path: string): Effect.Effect<number | undefined, FileFault> =>
  Effect.suspend(() => {
    const kind = pathKind(path)
    if (kind === "namedPipe") return Effect.fail(namedPipeFault("read"))
    if (kind === "standard" || kind === "device") return Effect.undefined
    return Effect.try({ try: () => statSync(path).size, catch: (error) => systemFault("read", error) })
  })

/** Whether the import of a file can be resumed. */
export const isResumable = (path: string, report = defaultReportPath(path)): boolean =>
  isRegular(path) && isRegular(report)

const attempt = <A>(run: () => A): Effect.Effect<A, FileFault> =>
  Effect.try({
    try: run,
    catch: (error) => (error instanceof FileFault ? error : systemFault("written", error, "report"))
  })

interface Options {
  readonly report?: string | undefined
  readonly resume?: boolean | undefined
  readonly retryFailed?: boolean | undefined
}

const openWriteOnly = (report: string): ReportWriter.ReportWriter => {
  const kind = pathKind(report)
  if (kind === "standard") return ReportWriter.openWriteOnly(undefined)
  if (kind === "file") {
    throw resumeFault("a report of an earlier import exists", "Choose another report with --report.")
  }
  return ReportWriter.openWriteOnly(report, kind === "device" ? "w" : "wx")
}

/**
 * Opens the report of an import. If the import fails while the report is empty, the report and its journal are removed.
 * If the import is interrupted, they stay.
 *
 * `subject` identifies the file. It is `undefined` if the file can be read only once, because such an import cannot be
 * resumed.
 */
export const open = (
  path: string,
  { report, resume = false, retryFailed = false }: Options,
  subject: Effect.Effect<Subject, FileFault> | undefined
): Effect.Effect<{ readonly report: string; readonly writer: ReportWriter.ReportWriter }, FileFault, Scope> =>
  Effect.gen(function* () {
    const chosen = report ?? (subject === undefined ? unusedReportPath() : defaultReportPath(path))
    if (pathKind(chosen) === "namedPipe") {
      return yield* resumeFault("the report cannot be a named pipe", "Choose a file with --report.")
    }
    if (subject === undefined || !isRegular(chosen)) {
      if (resume || retryFailed) {
        return yield* resumeFault(
          "an import from standard input, or with its report on standard output or a device, cannot be resumed",
          "To be able to resume, import a file and write the report to a file."
        )
      }
      const writer = yield* Effect.acquireRelease(
        attempt(() => openWriteOnly(chosen)),
        ({ close }) => Effect.ignore(attempt(close))
      )
      return { report: chosen, writer }
    }
    yield* Effect.acquireRelease(
      attempt(() => Lock.acquire(chosen)),
      (release) => Effect.ignore(attempt(release))
    )
    const known = yield* subject
    const writer = yield* Effect.acquireRelease(
      attempt(() => ReportWriter.open(chosen, known, { resume, retryFailed })),
      ({ close, counts, earlier }, exit) => {
        const isEmpty = earlier === 0 && Object.values(counts()).every((count) => count === 0)
        const hasFailed = Exit.isFailure(exit) && !Cause.hasInterrupts(exit.cause)
        return Effect.andThen(
          Effect.ignore(attempt(close)),
          hasFailed && isEmpty ? Effect.ignore(attempt(() => ReportWriter.discard(chosen))) : Effect.void
        )
      }
    )
    return { report: chosen, writer }
  })
