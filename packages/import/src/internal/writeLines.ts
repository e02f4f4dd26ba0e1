/** Writing a file whole or not at all, for its owner's eyes only. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createWriteStream, statSync } from "node:fs"
import { rename, rm } from "node:fs/promises"
import type { Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGzip } from "node:zlib"
import { isNamedPipe, namedPipe } from "./namedPipe.ts"

/** How lines are written. */
interface Options<F> {
  readonly isPacked: boolean
  readonly overwrite: boolean
  readonly toFault: (error: unknown) => F
}

/** What a path is: standard output, something that is no file and is written to as it is, a file, or nothing yet. */
const kindOf = (path: string): "standard" | "device" | "file" | "new" => {
  if (path === "-") return "standard"
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? "new" : stats.isFile() || stats.isDirectory() ? "file" : "device"
}

/** Fails where there is a file of that name. */
export const refuseExisting = <F>(path: string, toFault: (error: unknown) => F): Effect.Effect<void, F> =>
  Effect.suspend(() => (kindOf(path) === "file" ? Effect.fail(toFault({ code: "EEXIST" })) : Effect.void))

const refusePipe = <F>(path: string, toFault: (error: unknown) => F): Effect.Effect<void, F> =>
  Effect.suspend(() => (isNamedPipe(path) ? Effect.fail(toFault(namedPipe)) : Effect.void))

/** Writes lines through a neighbour of the file, so that what stands under its name is always whole. */
export const writeLines = <E, R, F>(
  lines: Stream.Stream<string, E, R>,
  path: string,
  { isPacked, overwrite, toFault }: Options<F>
): Effect.Effect<void, E | F, R> =>
  Effect.gen(function* () {
    if (!overwrite) yield* refuseExisting(path, toFault)
    yield* refusePipe(path, toFault)
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
    const kind = kindOf(path)
    const isStandard = kind === "standard"
    const isThrough = kind === "new" || kind === "file"
    const target = isThrough ? `${path}.part` : path
    const attempt = <A>(run: (signal: AbortSignal) => Promise<A>) => Effect.tryPromise({ try: run, catch: toFault })
    const write = attempt((signal) => {
      // A part that was left over may be one that others can read.
      const flags = isThrough ? "wx" : "w"
      const out: Writable = isStandard ? process.stdout : createWriteStream(target, { mode: 0o600, flags })
      return isPacked
        ? pipeline(readable, createGzip(), out, { signal, end: !isStandard })
        : pipeline(readable, out, { signal, end: !isStandard })
    }).pipe(
      Effect.catch((fault): Effect.Effect<never, E | F> =>
        failure === undefined ? Effect.fail(fault) : Effect.failCause(failure)
      )
    )
    if (!isThrough) {
      yield* write
      return
    }
    yield* attempt(() => rm(target, { force: true }))
    yield* write.pipe(
      Effect.andThen(attempt(() => rename(target, path))),
      Effect.onError(() => Effect.promise(() => rm(target, { force: true })))
    )
  })
