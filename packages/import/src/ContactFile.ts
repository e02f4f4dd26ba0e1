/**
 * Contacts in files: CSV and NDJSON, read and written as streams, packed with gzip where the name ends in `.gz`.
 *
 * A row that is wrong is a value with its line and a reason, and never ends the reading. Memory stays flat, whatever
 * the length of a file or of a line.
 *
 * @since 0.1.0
 */
import type { Contact, UpsertInput } from "@agentalk/core/Contact"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import { createReadStream } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline, type Readable, Transform } from "node:stream"
import { createGunzip } from "node:zlib"
import * as Csv from "./internal/csv.ts"
import { isNamedPipe, namedPipe } from "./internal/namedPipe.ts"
import * as Ndjson from "./internal/ndjson.ts"
import { type DecodedRow, type Decoder, Fault } from "./internal/rows.ts"
import { refuseExisting, writeLines } from "./internal/writeLines.ts"

/**
 * The formats of a file.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Format = Schema.Literals(["csv", "ndjson"])

/**
 * @category schemas
 * @since 0.1.0
 */
export type Format = typeof Format.Type

/**
 * A row of a file: a contact as `upsert` takes it, or the reason why it is none. `row` counts the rows from 1; `line`
 * is where the row begins, counted from 1, the header of a CSV file included.
 *
 * @category models
 * @since 0.1.0
 */
export type Row =
  | { readonly _tag: "Contact"; readonly row: number; readonly line: number; readonly input: UpsertInput }
  | { readonly _tag: "Refused"; readonly row: number; readonly line: number; readonly reason: string }

/**
 * A file as a whole cannot be read or written.
 *
 * @category errors
 * @since 0.1.0
 */
export class FileFault extends Schema.TaggedError<FileFault>("@agentalk/import/FileFault")("FileFault", {
  /** What is wrong: the system refused, the file is empty, not UTF-8, not text, packed wrongly, or its first line. */
  kind: Schema.Literals(["system", "empty", "encoding", "binary", "compression", "header", "resume"]),
  /** What happened, for a person; nothing of the file's content. */
  message: Schema.String,
  /** What to do about it. */
  advice: Schema.String,
  /** The code of the system error, such as `EEXIST`, if there was one. */
  code: Schema.optionalKey(Schema.String)
}) {}

/**
 * How a file is read.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface ReadOptions {
  /** The format. Default: by the name of the file. */
  readonly format?: Format | undefined
  /**
   * What a column (or a key of NDJSON) gives, by its name in any case: `phone`, `firstName`, `lastName`, `email`, `tags`,
   * the key of a custom field (with `field:` before it, should it be one of these), or `""` for nothing. Default: those
   * five in any spelling (`first_name`, `First Name`), and every other column a custom field of its own name, without
   * its `field:`.
   */
  readonly map?: Readonly<Record<string, string>> | undefined
  /**
   * Whether a cell of a custom field that is JSON (a number, `true`, `null`, a list, text in quotes) is that, as
   * `write` with `typed` writes it, instead of text. NDJSON has types anyhow. Default: `false`.
   */
  readonly typed?: boolean | undefined
  /** The most bytes of a row; a longer one is refused. Default: 1 MiB. */
  readonly maxRowBytes?: number | undefined
  /** Is told how many bytes of the file were read, packed as they are. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

const defaultMaxRowBytes = 1_048_576

/**
 * The name that stands for standard input or standard output.
 *
 * @category configuration
 * @since 0.1.0
 */
export const standard = "-"

const isPacked = (path: string): boolean => /\.gz$/i.test(path)

/**
 * The format that a file's name tells: `.csv`, `.ndjson` or `.jsonl`, each with `.gz` or without.
 *
 * @category accessors
 * @since 0.1.0
 */
export const formatOf = (path: string): Option.Option<Format> => {
  const [, extension = ""] = /\.(csv|ndjson|jsonl)(?:\.gz)?$/i.exec(path) ?? []
  if (extension === "") return Option.none()
  return Option.some(extension.toLowerCase() === "csv" ? "csv" : "ndjson")
}

const codes: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "the system does not allow it",
  EPERM: "the system does not allow it",
  EISDIR: "it is a folder",
  ENOSPC: "there is no space left",
  EDQUOT: "there is no space left",
  EFBIG: "it has grown to the most that is allowed",
  EEXIST: "there is a file of that name already",
  [namedPipe.code]: "it is a named pipe, whose other end may never open; give - and let the shell redirect it"
}

/** The fault that a failed system call means; never its message, which holds the path. */
export const systemFault = (action: string, error: unknown, what = "file"): FileFault => {
  const code = Predicate.hasProperty(error, "code") ? String(error.code) : undefined
  const known = code === undefined ? {} : { code }
  return code?.startsWith("Z_") || code === "ERR_ZLIB_INITIALIZATION_FAILED"
    ? new FileFault({
        kind: "compression",
        message: "the file is not gzip, or was cut short",
        advice: "Pack it anew, or rename it if it is not packed at all.",
        ...known
      })
    : new FileFault({
        kind: "system",
        message: `the ${what} cannot be ${action}: ${code === undefined ? "unknown" : (codes[code] ?? code)}`,
        advice: "Check the path, its permissions and the space on the disk.",
        ...known
      })
}

/** The bytes of a file, unpacked by its name. */
const bytesOf = (path: string, onBytes: ReadOptions["onBytes"]): Stream.Stream<Uint8Array, FileFault> =>
  Stream.suspend(() =>
    path !== standard && isNamedPipe(path) ? Stream.fail(systemFault("read", namedPipe)) : opened(path, onBytes)
  )

const opened = (path: string, onBytes: ReadOptions["onBytes"]): Stream.Stream<Uint8Array, FileFault> =>
  NodeStream.fromReadable<Uint8Array, FileFault>({
    evaluate: () => {
      const source: Readable = path === standard ? process.stdin : createReadStream(path)
      if (onBytes === undefined && !isPacked(path)) return source
      const counter = new Transform({
        transform: (chunk: Uint8Array, _, next) => {
          onBytes?.(chunk.length)
          next(null, chunk)
        }
      })
      // Errors reach the last of the chain, which is the one that is read.
      return isPacked(path) ? pipeline(source, counter, createGunzip(), () => {}) : pipeline(source, counter, () => {})
    },
    // More would put as many pieces of 64 KiB into memory at once.
    chunkSize: 1,
    onError: (error) => systemFault("read", error)
  })

const decode = <A>(run: () => A): Effect.Effect<A, FileFault> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(run())
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      const { advice, kind, message } = error
      return Effect.fail(new FileFault({ kind, message, advice }))
    }
  })

const makeDecoder = (
  format: Format,
  { map = {}, maxRowBytes = defaultMaxRowBytes, typed = false }: ReadOptions
): Decoder => {
  const options = { map, maxRowBytes, typed }
  return format === "csv" ? Csv.makeDecoder(options) : Ndjson.makeDecoder(options)
}

/**
 * Turns the bytes of a file into rows. The stream fails only where the file as a whole is wrong.
 *
 * @category streams
 * @since 0.1.0
 */
export const rows =
  (format: Format, options: ReadOptions = {}) =>
  <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Row, E | FileFault, R> =>
    Stream.suspend(() => {
      const decoder = makeDecoder(format, options)
      let count = 0
      const number = (decoded: ReadonlyArray<DecodedRow>): ReadonlyArray<Row> =>
        decoded.map((row) => ({ ...row, row: ++count }))
      return bytes.pipe(
        Stream.mapEffect((piece) => decode(() => number(decoder.push(piece)))),
        Stream.concat(Stream.fromEffect(decode(() => number(decoder.end())))),
        Stream.flattenIterable
      )
    })

/**
 * Reads the rows of a file; `-` is standard input.
 *
 * **Details**
 *
 * CSV follows RFC 4180, separated by commas, semicolons or tabs as the first line shows, with any line ends. Blank
 * cells are absent; tags are split on `|` or `;`, unless a backslash stands before it. A `'` before what a spreadsheet
 * would take for a formula (`=`, `+`, `-`, `@`) is left out. In NDJSON, `fields` holds custom fields, as any other key is
 * one; `id` and `extra` are left out, for the API gives them. Both are UTF-8, with a byte order mark or without.
 *
 * @category streams
 * @since 0.1.0
 */
export const read = (path: string, options: ReadOptions = {}): Stream.Stream<Row, FileFault> => {
  const format = options.format ?? Option.getOrUndefined(formatOf(path))
  return format === undefined
    ? Stream.fail(
        new FileFault({
          kind: "header",
          message: "the name of the file does not tell its format",
          advice: "Say which it is with --format csv or --format ndjson."
        })
      )
    : rows(format, options)(bytesOf(path, options.onBytes))
}

const toWriteFault = (error: unknown): FileFault => systemFault("written", error)

const save = <E, R>(lines: Stream.Stream<string, E, R>, path: string, overwrite: boolean) =>
  writeLines(lines, path, { isPacked: isPacked(path), overwrite, toFault: toWriteFault })

/**
 * How a file is written.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface WriteOptions {
  readonly format: Format
  /** Whether CSV keeps the types of custom fields, for `read` with `typed`: see there. Default: `false`. */
  readonly typed?: boolean | undefined
  /** Whether a file that is there already is replaced; else writing fails. Default: `true`. */
  readonly overwrite?: boolean | undefined
}

/**
 * Writes contacts to a file that only its owner can read; `-` is standard output. The file appears under its name when
 * it is whole. A device or a pipe is written to as it is.
 *
 * **Details**
 *
 * NDJSON holds all that is known of a contact, its id included, and reads back as it was.
 *
 * CSV holds what `read` understands: `phone`, `first_name`, `last_name`, `email`, `tags` (joined with `|`; a backslash
 * stands before a `|`, a `;` and a backslash of a tag itself) and one column for each custom field that any contact has,
 * called `field:` and its key where the key alone would mean something else. What a spreadsheet would take for a formula
 * begins with `'`, which `read` takes away. Values that are no text are written as JSON, and come back as text; with
 * `typed` they keep their types, and text that looks like JSON is put in quotes. The columns are known at the end only,
 * so the contacts wait in a temporary file that only its owner can read.
 *
 * **Gotchas**
 *
 * CSV leaves out ids, `extra`, contacts without a phone number, for they could not be read back, white space around
 * names and tags, and, without `typed`, custom fields that are blank or `null`.
 *
 * @category streams
 * @since 0.1.0
 */
export const write = <E, R>(
  contacts: Stream.Stream<Contact, E, R>,
  path: string,
  options: WriteOptions
): Effect.Effect<void, E | FileFault, R> => {
  const { format, overwrite = true, typed = false } = options
  if (format === "ndjson") return save(Stream.map(contacts, Ndjson.encodeContact), path, overwrite)
  return Effect.gen(function* () {
    const waiting = join(yield* temporaryFolder, "contacts.ndjson")
    const keys = new Set<string>()
    const noted = Stream.map(contacts, (contact) => {
      for (const key of Object.keys(contact.fields ?? {})) keys.add(key)
      return Ndjson.encodeContact(contact)
    })
    if (!overwrite) yield* refuseExisting(path, toWriteFault)
    yield* save(noted, waiting, true)
    const body = read(waiting, { maxRowBytes: Number.MAX_SAFE_INTEGER }).pipe(
      Stream.filter((row) => row._tag === "Contact"),
      Stream.map(({ input }) => Csv.encodeContact(input, keys, typed))
    )
    yield* save(Stream.concat(Stream.succeed(Csv.encodeHeader(keys)), body), path, overwrite)
  }).pipe(Effect.scoped)
}

/** A folder for what is only needed while a file is written. */
const temporaryFolder: Effect.Effect<string, FileFault, Scope> = Effect.acquireRelease(
  Effect.tryPromise({
    try: () => mkdtemp(join(tmpdir(), "agentalk-")),
    catch: toWriteFault
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)
