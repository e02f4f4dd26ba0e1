/** Knowing a file again. */
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { pipeline } from "node:stream/promises"

/** Which file it is: its size and all of its bytes, for a row is known by its number. */
export const identify = <F>(path: string, onBytes: (bytes: number) => void, toFault: (error: unknown) => F) =>
  Effect.suspend(() => {
    const hash = createHash("sha256")
    let size = 0
    const counted = createReadStream(path, { highWaterMark: 1_048_576 }).on("data", ({ length }) => {
      size += length
      onBytes(length)
    })
    return Effect.tryPromise({ try: (signal) => pipeline(counted, hash, { signal }), catch: toFault }).pipe(
      Effect.map(() => ({ size, sha256: hash.digest("hex") }))
    )
  })
