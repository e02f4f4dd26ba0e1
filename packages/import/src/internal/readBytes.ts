/** Reads the bytes of a file, and decompresses it if its name ends in `.gz`. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Stream from "effect/Stream"
import { createReadStream } from "node:fs"
import { pipeline, type Readable, Transform } from "node:stream"
import { createGunzip } from "node:zlib"
import { type FileFault, namedPipeFault, systemFault } from "./fileFault.ts"
import { pathKind, standard } from "./pathKind.ts"

export const isCompressed = (path: string): boolean => /\.gz$/i.test(path)

const open = (path: string, onBytes: ((bytes: number) => void) | undefined): Readable => {
  const source: Readable = path === standard ? process.stdin : createReadStream(path)
  if (onBytes === undefined && !isCompressed(path)) return source
  const counter = new Transform({
    transform: (chunk: Uint8Array, _, next) => {
      onBytes?.(chunk.length)
      next(null, chunk)
    }
  })
  // `pipeline` passes errors on to its last stream, which is the one that is read.
  return isCompressed(path) ? pipeline(source, counter, createGunzip(), () => {}) : pipeline(source, counter, () => {})
}

/** The decompressed bytes. `onBytes` is called with the length of every chunk before it is decompressed. */
export const readBytes = (
  path: string,
  onBytes: ((bytes: number) => void) | undefined
): Stream.Stream<Uint8Array, FileFault> =>
  Stream.suspend(() =>
    pathKind(path) === "namedPipe"
      ? Stream.fail(namedPipeFault("read"))
      : NodeStream.fromReadable<Uint8Array, FileFault>({
          evaluate: () => open(path, onBytes),
          // The number of reads of up to 64 KiB that are in memory at once. The default is 4096.
          chunkSize: 1,
          onError: (error) => systemFault("read", error)
        })
  )
