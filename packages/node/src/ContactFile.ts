/**
 * Contacts in files: CSV and NDJSON, read and written as streams, packed with gzip where the name ends in `.gz`.
 *
 * A row that is wrong is a value with its line and a reason, and never ends the reading. Memory stays flat, whatever
 * the length of a file or of a line.
 *
 * @since 0.1.0
 */
import { type Contact, ContactFromWire, type UpsertInput } from "@agentalk/core/Contact"
import * as NodeStream from "@effect/platform-node/NodeStream"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import { createReadStream, createWriteStream } from "node:fs"
import { mkdtemp, rename, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline as pipe, type Readable, Transform, type Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGunzip, createGzip } from "node:zlib"
import * as Csv from "./internal/csv.ts"
import * as Ndjson from "./internal/ndjson.ts"
import { type DecodedRow, type Decoder, Fault } from "./internal/rows.ts"

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
export class FileFault extends Schema.TaggedError<FileFault>("@agentalk/node/FileFault")("FileFault", {
  /** What is wrong: the system refused, the file is empty, not UTF-8, not text, packed wrongly, or its first line. */
  kind: Schema.Literals(["system", "empty", "encoding", "binary", "compression", "header", "resume"]),
  /** What happened, for a person; nothing of the file's content. */
  message: Schema.String,
  /** What to do about it. */
  advice: Schema.String
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
   * What a column (or a key of NDJSON) gives, by its exact name: `phone`, `firstName`, `lastName`, `email`, `tags`, the
   * key of a custom field, or `""` for nothing. Default: those five in any spelling (`first_name`, `First Name`), and
   * every other column a custom field of its own name.
   */
  readonly map?: Readonly<Record<string, string>> | undefined
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
  EDQUOT: "there is no space left"
}

/** The fault that a failed system call means; never its message, which holds the path. */
export const systemFault = (action: string, error: unknown): FileFault => {
  const code = Predicate.hasProperty(error, "code") ? String(error.code) : "unknown"
  return code.startsWith("Z_") || code === "ERR_ZLIB_INITIALIZATION_FAILED"
    ? new FileFault({
        kind: "compression",
        message: "the file is not gzip, or was cut short",
        advice: "Pack it anew, or rename it if it is not packed at all."
      })
    : new FileFault({
        kind: "system",
        message: `the file cannot be ${action}: ${codes[code] ?? code}`,
        advice: "Check the path, its permissions and the space on the disk."
      })
}

/** The bytes of a file, unpacked by its name. */
const bytesOf = (path: string, onBytes: ReadOptions["onBytes"]): Stream.Stream<Uint8Array, FileFault> =>
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
      return isPacked(path) ? pipe(source, counter, createGunzip(), () => {}) : pipe(source, counter, () => {})
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

const makeDecoder = (format: Format, { map = {}, maxRowBytes = defaultMaxRowBytes }: ReadOptions): Decoder =>
  format === "csv" ? Csv.makeDecoder({ map, maxRowBytes }) : Ndjson.makeDecoder({ map, maxRowBytes })

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
 * cells are absent; tags are split on `|` or `;`. In NDJSON, `fields` holds custom fields, as any other key is one;
 * `id` is left out, for the API gives it. Both are UTF-8, with a byte order mark or without.
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

// --- writing ------------------------------------------------------------------------------------------------------

const encodeContact = Schema.encodeUnknownSync(ContactFromWire)

const toNdjson = (contact: Contact): string => `${JSON.stringify(encodeContact(contact))}\n`

/** Writes lines through a neighbour of the file, so that what stands under its name is always whole. */
const writeLines = <E, R>(lines: Stream.Stream<string, E, R>, path: string): Effect.Effect<void, E | FileFault, R> =>
  Effect.gen(function* () {
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
    const isStandard = path === standard
    const target = isStandard ? path : `${path}.part`
    const write = Effect.tryPromise({
      try: (signal) => {
        const out: Writable = isStandard ? process.stdout : createWriteStream(target)
        return isPacked(path)
          ? pipeline(readable, createGzip(), out, { signal, end: !isStandard })
          : pipeline(readable, out, { signal, end: !isStandard })
      },
      catch: (error) => systemFault("written", error)
    }).pipe(
      Effect.catch((fault): Effect.Effect<never, E | FileFault> =>
        failure === undefined ? Effect.fail(fault) : Effect.failCause(failure)
      )
    )
    if (isStandard) {
      yield* write
      return
    }
    yield* write.pipe(
      Effect.andThen(
        Effect.tryPromise({ try: () => rename(target, path), catch: (error) => systemFault("written", error) })
      ),
      Effect.onError(() => Effect.promise(() => rm(target, { force: true })))
    )
  })

/** A folder for what is only needed while a file is written. */
const temporaryFolder: Effect.Effect<string, FileFault, Scope> = Effect.acquireRelease(
  Effect.tryPromise({
    try: () => mkdtemp(join(tmpdir(), "agentalk-")),
    catch: (error) => systemFault("written", error)
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

const knownColumns = ["phone", "first_name", "last_name", "email", "tags"]

const toCells = (row: Extract<Row, { _tag: "Contact" }>, keys: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { email = "", fields = {}, firstName = "", lastName = "", phone, tags = [] } = row.input
  const cells = keys.map((key) => {
    const value = Object.hasOwn(fields, key) ? fields[key] : undefined
    return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value)
  })
  return [phone, firstName, lastName, email, tags.join("|"), ...cells]
}

/**
 * Writes contacts to a file; `-` is standard output. The file appears under its name when it is whole.
 *
 * **Details**
 *
 * NDJSON holds all that is known of a contact, its id included. CSV holds what `read` understands: `phone`,
 * `first_name`, `last_name`, `email`, `tags` (joined with `|`) and one column for each custom field that any contact
 * has. These are known at the end only, so the contacts wait in a temporary file that only its owner can read.
 * A contact without a phone number has no row in CSV, for it could not be read back.
 *
 * @category streams
 * @since 0.1.0
 */
export const write = <E, R>(
  contacts: Stream.Stream<Contact, E, R>,
  path: string,
  options: { readonly format: Format }
): Effect.Effect<void, E | FileFault, R> => {
  if (options.format === "ndjson") return writeLines(Stream.map(contacts, toNdjson), path)
  return Effect.gen(function* () {
    const waiting = join(yield* temporaryFolder, "contacts.ndjson")
    const keys = new Set<string>()
    const noted = Stream.map(contacts, (contact) => {
      for (const key of Object.keys(contact.fields ?? {})) keys.add(key)
      return toNdjson(contact)
    })
    yield* writeLines(noted, waiting)
    const columns = [...keys]
    const body = read(waiting, { maxRowBytes: Number.MAX_SAFE_INTEGER }).pipe(
      Stream.filter((row) => row._tag === "Contact"),
      Stream.map((row) => Csv.encodeRow(toCells(row, columns)))
    )
    yield* writeLines(Stream.concat(Stream.succeed(Csv.encodeRow([...knownColumns, ...columns])), body), path)
  }).pipe(Effect.scoped)
}
