/**
 * Reads and writes contact files as streams: CSV and NDJSON, compressed with gzip if the name ends in `.gz`.
 *
 * If a row is invalid, the stream emits it as `Refused` with its line and a reason, and continues. Memory use does not
 * grow with the length of a file or of a line.
 *
 * @since 0.1.0
 */
import type { Contact, UpsertInput } from "@agentalk/core/Contact"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Csv from "./internal/csv.ts"
import { type DecodedRow, type Decoder, defaultMaxRowBytes } from "./internal/decoder.ts"
import { FileFault, systemFault } from "./internal/fileFault.ts"
import * as Ndjson from "./internal/ndjson.ts"
import * as PathKind from "./internal/pathKind.ts"
import { isCompressed, readBytes } from "./internal/readBytes.ts"
import { refuseExisting, writeLines } from "./internal/writeLines.ts"

export { FileFault }

/**
 * The formats of a contact file.
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
 * A row of a file: an input of `upsert`, or the reason why the row was refused. `row` is the number of the row; the
 * first one is 1. `line` is the number of the line on which the row begins; the header of a CSV file is usually line 1.
 *
 * @category models
 * @since 0.1.0
 */
export type Row =
  | { readonly _tag: "Contact"; readonly row: number; readonly line: number; readonly input: UpsertInput }
  | { readonly _tag: "Refused"; readonly row: number; readonly line: number; readonly reason: string }

/**
 * Options of `read`.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface ReadOptions {
  /** The format of the file. Default: detected from its name. */
  readonly format?: Format | undefined
  /**
   * Assigns columns (CSV) or keys (NDJSON) by their names, in upper or lower case. A value is the name of a built-in
   * attribute such as `phone`, the key of a custom field, or `""` to ignore the column. If a custom field has the name
   * of an attribute, write `field:` before its key.
   *
   * A column that is not in `map` is assigned to the built-in attribute of the same name, in any spelling
   * (`first_name`, `First Name`). If there is none, the name of the column is the key of a custom field, without the
   * prefix `field:`. Default: `{}`.
   */
  readonly map?: Readonly<Record<string, string>> | undefined
  /**
   * Whether the custom fields of a CSV file have types, as `write` with `typed` writes them. If `true`, a cell that is
   * valid JSON (a number, `true`, `null`, a list, quoted text) is read as JSON. Otherwise it is read as text. Default:
   * `false`. The values of NDJSON always have types.
   */
  readonly typed?: boolean | undefined
  /** The maximum length of a row in bytes. A longer row is refused. Default: 1,048,576 (1 MiB). */
  readonly maxRowBytes?: number | undefined
  /** Called with the number of bytes of every chunk that is read, before it is decompressed. Default: none. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/**
 * The path that means standard input or standard output: `-`.
 *
 * @category configuration
 * @since 0.1.0
 */
export const standard = PathKind.standard

/**
 * Detects the format of a file from its name: `.csv`, `.ndjson` or `.jsonl`, with or without `.gz`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const formatOf = (path: string): Option.Option<Format> => {
  const [, extension = ""] = /\.(csv|ndjson|jsonl)(?:\.gz)?$/i.exec(path) ?? []
  if (extension === "") return Option.none()
  return Option.some(extension.toLowerCase() === "csv" ? "csv" : "ndjson")
}

const attempt = <A>(decode: () => A): Effect.Effect<A, FileFault> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(decode())
    } catch (error) {
      if (error instanceof FileFault) return Effect.fail(error)
      throw error
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
 * Decodes the bytes of a file into rows. It fails with `FileFault` only if the file as a whole cannot be read.
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
        Stream.mapEffect((chunk) => attempt(() => number(decoder.push(chunk)))),
        Stream.concat(Stream.fromEffect(attempt(() => number(decoder.end())))),
        Stream.flattenIterable
      )
    })

/**
 * Reads the rows of a file. The path `-` is standard input.
 *
 * **Details**
 *
 * Files are UTF-8, with or without a byte order mark.
 *
 * - *CSV* follows RFC 4180. The separator (comma, semicolon or tab) and the line ending are detected from the first
 *   line. A blank cell is omitted from the input, so `upsert` keeps the existing value. Tags are separated by `|` or
 *   `;`. After a backslash, these characters are part of the tag. A leading `'` is removed if the text after it looks
 *   like a formula, such as text that begins with `=`, `+`, `-` or `@`.
 * - *NDJSON* has one object per line. Custom fields are in the object `fields`. Every other key that is not an
 *   attribute is also a custom field. `id` and `extra` are ignored, because `upsert` does not accept them.
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
          message: "the format is unknown, because the name of the file does not end in .csv, .ndjson or .jsonl",
          advice: "Set it with --format csv or --format ndjson."
        })
      )
    : rows(format, options)(readBytes(path, options.onBytes))
}

/**
 * Options of `write`.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface WriteOptions {
  readonly format: Format
  /** Whether CSV keeps the types of custom fields, so that `read` with `typed` restores them. Default: `false`. */
  readonly typed?: boolean | undefined
  /** Whether an existing file is replaced. Otherwise `write` fails with the code `"EEXIST"`. Default: `true`. */
  readonly overwrite?: boolean | undefined
}

/**
 * Writes contacts to a file. The path `-` is standard output.
 *
 * **Details**
 *
 * Only the owner of the file can read it. Contacts are written to `PATH.part`, which is renamed when it is complete.
 * If writing fails, the partial file is removed and an existing file stays unchanged. Devices and open pipes are
 * written to directly.
 *
 * - *NDJSON* contains all data of a contact. `read` restores all values that `upsert` accepts.
 * - *CSV* has a column for each built-in attribute (`phone`, `first_name` and so on), then one for each custom field
 *   of any contact. If the key of a field would be read as something else, such as `email`, its column is called
 *   `field:KEY`. Tags are joined with `|`; a backslash precedes each `|`, `;` and backslash in a tag. A `'` is put
 *   before text that a spreadsheet would take for a formula, and `read` removes it. Values that are not text are
 *   written as JSON, and `read` returns them as text. With `typed` in `write` and `read`, they keep their types, and
 *   text that looks like JSON is quoted.
 *
 * The columns of a CSV file are known only after the last contact. Until then, the contacts are kept in a temporary
 * file that only its owner can read.
 *
 * **Gotchas**
 *
 * CSV omits ids and `extra`. It also omits contacts without a phone number, because `upsert` requires one. `read`
 * removes white space around names and tags. Without `typed`, custom fields that are blank or `null` are lost.
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
  const writeOptions = { isCompressed: isCompressed(path), overwrite }
  if (format === "ndjson") return writeLines(Stream.map(contacts, Ndjson.encodeContact), path, writeOptions)
  return Effect.gen(function* () {
    if (!overwrite) yield* refuseExisting(path)
    const temporary = join(yield* temporaryFolder, "contacts.ndjson")
    const keys = new Set<string>()
    const lines = Stream.map(contacts, (contact) => {
      for (const key of Object.keys(contact.fields ?? {})) keys.add(key)
      return Ndjson.encodeContact(contact)
    })
    yield* writeLines(lines, temporary, { isCompressed: false, overwrite: true })
    const body = read(temporary, { maxRowBytes: Number.MAX_SAFE_INTEGER }).pipe(
      Stream.filter((row) => row._tag === "Contact"),
      Stream.map(({ input }) => Csv.encodeContact(input, keys, typed))
    )
    yield* writeLines(Stream.concat(Stream.succeed(Csv.encodeHeader(keys)), body), path, writeOptions)
  }).pipe(Effect.scoped)
}

const temporaryFolder: Effect.Effect<string, FileFault, Scope> = Effect.acquireRelease(
  Effect.tryPromise({
    try: () => mkdtemp(join(tmpdir(), "agentalk-")),
    catch: (error) => systemFault("written", error)
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)
