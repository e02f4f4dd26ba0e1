/** Writes a file completely or not at all. Only its owner can read it. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createWriteStream } from "node:fs"
import { rename, rm } from "node:fs/promises"
import type { Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGzip } from "node:zlib"
import { type FileFault, namedPipeFault, systemFault } from "./fileFault.ts"
import { pathKind } from "./pathKind.ts"

interface Options {
  readonly isCompressed: boolean
  readonly overwrite: boolean
}

const attempt = <A>(run: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, FileFault> =>
  Effect.tryPromise({ try: run, catch: (error) => systemFault("written", error) })

/** Fails if the path is an existing file. */
export const refuseExisting = (path: string): Effect.Effect<void, FileFault> =>
  Effect.suspend(() =>
    pathKind(path) === "file" ? Effect.fail(systemFault("written", { code: "EEXIST" })) : Effect.void
  )

/**
 * Writes lines to `PATH.part` and then renames it, so that the file at `path` is always complete. Devices and standard
 * output are written to directly.
 */
export const writeLines = <E, R>(
  lines: Stream.Stream<string, E, R>,
  path: string,
  { isCompressed, overwrite }: Options
): Effect.Effect<void, E | FileFault, R> =>
  Effect.gen(function* () {
    if (!overwrite) yield* refuseExisting(path)
    const kind = pathKind(path)
    if (kind === "namedPipe") return yield* namedPipeFault("written")
    let failure: Cause.Cause<E> | undefined
    const readable = yield* NodeStream.toReadable(
      lines.pipe(
        Stream.tapCause((cause) =>
          Effect.sync(() => {
            failure = cause
          })
        )
      )
    )
    const isStandard = kind === "standard"
    const isRenamed = kind === "new" || kind === "file"
    const target = isRenamed ? `${path}.part` : path
    const write = attempt((signal) => {
      // `wx` creates a new file. Other users may be able to read an existing one.
      const flags = isRenamed ? "wx" : "w"
      const out: Writable = isStandard ? process.stdout : createWriteStream(target, { mode: 0o600, flags })
      return isCompressed
        ? pipeline(readable, createGzip(), out, { signal, end: !isStandard })
        : pipeline(readable, out, { signal, end: !isStandard })
    }).pipe(
      Effect.catch((fault): Effect.Effect<never, E | FileFault> =>
        failure === undefined ? Effect.fail(fault) : Effect.failCause(failure)
      )
    )
    if (!isRenamed) return yield* write
    yield* attempt(() => rm(target, { force: true }))
    return yield* write.pipe(
      Effect.andThen(attempt(() => rename(target, path))),
      Effect.onError(() => Effect.promise(() => rm(target, { force: true })))
    )
  })
