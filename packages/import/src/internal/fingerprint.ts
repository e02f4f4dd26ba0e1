/** The fingerprint of a file, to recognize it when an import is resumed. */
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { pipeline } from "node:stream/promises"
import { type FileFault, systemFault } from "./fileFault.ts"

/** The size of a file and the hash of all its bytes. */
export interface Fingerprint {
  readonly size: number
  readonly sha256: string
}

/**
 * Reads a whole file and hashes all its bytes, because a report identifies a row only by its number. `onBytes` is
 * called with the length of every chunk.
 */
export const fingerprint = (path: string, onBytes: (bytes: number) => void): Effect.Effect<Fingerprint, FileFault> =>
  Effect.suspend(() => {
    const hash = createHash("sha256")
    let size = 0
    const source = createReadStream(path, { highWaterMark: 1_048_576 }).on("data", ({ length }) => {
      size += length
      onBytes(length)
    })
    return Effect.tryPromise({
      try: (signal) => pipeline(source, hash, { signal }),
      catch: (error) => systemFault("read", error)
    }).pipe(Effect.map(() => ({ size, sha256: hash.digest("hex") })))
  })
