/**
 * CSV (RFC 4180), parsed by `csv-parse` in blocks of whole lines. If the parser refuses a row, only its first line is
 * refused, and parsing starts again on the next line.
 */
import { attributeNames, attributes } from "@agentalk/core/unstable"
import { CsvError, type InfoRecord, type Options as ParseOptions, parse } from "csv-parse/sync"
import { isUtf8 } from "node:buffer"
import type { UpsertInput } from "@agentalk/core/Contact"
import { guard, joinTags, toTyped, toUntyped, unguard } from "./cells.ts"
import { columnOf, fieldPrefix, InputBuilder, makeMapping, type Target } from "./columns.ts"
import {
  carriageReturn,
  checkHead,
  count,
  type DecodedRow,
  type Decoder,
  type DecoderOptions,
  headBytes,
  join,
  newline,
  noBytes,
  noPhone,
  notUtf8,
  tooLong
} from "./decoder.ts"
import { FileFault } from "./fileFault.ts"

/** The separator that occurs most often in the header, or a comma if there is none. */
const separatorOf = (header: string): "," | ";" | "\t" => {
  const unquoted = header.replaceAll(/"[^"]*"/g, "")
  const counts = ([",", ";", "\t"] as const).map((separator) => ({
    separator,
    count: unquoted.split(separator).length
  }))
  return counts.reduce((best, each) => (each.count > best.count ? each : best)).separator
}

const quote = 0x22

const attributeColumns = attributeNames.map((name) => attributes[name].column)

const headerAdvice = `The first line must name the columns: ${attributeColumns.join(", ")}, or keys of custom fields.`

const headerFault = (message: string, advice = headerAdvice): FileFault =>
  new FileFault({ kind: "header", message, advice })

/**
 * The targets of the columns. The errors identify a column by its number, because the first line of a file without a
 * header contains personal data.
 */
const targetsOf = (names: ReadonlyArray<string>, map: DecoderOptions["map"]): ReadonlyArray<Target> => {
  const seen = new Map<string, number>()
  const mapping = makeMapping(map)
  const targets = names.map((name, index): Target => {
    const trimmed = name.trim()
    if (trimmed === "") return { _tag: "Ignored" }
    // After the prefix, white space at the end is a part of the key.
    const target = mapping.targetOf(trimmed.startsWith(fieldPrefix) ? name.trimStart() : trimmed)
    const key = target._tag === "Ignored" ? "" : `${target._tag} ${target.key}`
    const first = key === "" ? undefined : seen.get(key)
    if (first !== undefined) {
      throw headerFault(
        `columns ${first} and ${index + 1} have the same name or the same meaning`,
        'Rename one of them, or ignore one with --map "Column=".'
      )
    }
    seen.set(key, index + 1)
    return target
  })
  const { column } = attributes.phone
  if (!targets.some((target) => target._tag === "Attribute" && target.key === "phone")) {
    throw headerFault(
      `no column is called ${column}`,
      `${headerAdvice} To use another name, map it: --map "Mobile=${column}".`
    )
  }
  for (const name of Object.keys(map)) {
    if (!names.some((each) => makeMapping({ [name]: "" }).has(each.trim()))) {
      throw headerFault(
        "--map names a column that does not exist",
        "Write its name as in the first line. Upper and lower case do not matter."
      )
    }
  }
  return targets
}

/** Returns the index of a byte outside of quotes, or -1. It skips line breaks in the quoted name of a column. */
const indexOutsideQuotes = (bytes: Uint8Array, byte: number): number => {
  let from = 0
  for (;;) {
    const found = bytes.indexOf(byte, from)
    const open = bytes.indexOf(quote, from)
    if (open === -1 || found === -1 || found < open) return found
    const close = bytes.indexOf(quote, open + 1)
    if (close === -1) return -1
    from = close + 1
  }
}

const reasons: Readonly<Record<string, string>> = {
  CSV_INVALID_CLOSING_QUOTE: "a closing quote is followed by more text",
  INVALID_OPENING_QUOTE: "a quote is inside a cell that does not begin with a quote",
  CSV_QUOTE_NOT_CLOSED: "a quote is not closed"
}

/** Ends the parsing of a block at a row that is too long. */
class TooLong {
  readonly reason = "too long"
}

/** Makes a decoder of CSV. Lines are counted as editors count them. Empty lines and rows of blank cells are skipped. */
export const makeDecoder = ({ map, maxRowBytes, typed }: DecoderOptions): Decoder => {
  /** The bytes that are not decoded yet. */
  let rest: Uint8Array = noBytes
  /** The number of the line at which `rest` begins. */
  let line = 1
  /** Whether the rest of a line that is too long is being skipped. */
  let isSkipping = false
  let isHeadChecked = false
  let isSetUp = false
  /** The byte that ends a line. Files of the classic Mac OS end lines with a carriage return alone. */
  let lineEnd = newline
  let header: { readonly names: ReadonlyArray<string>; readonly targets: ReadonlyArray<Target> } | undefined
  let options: ParseOptions = {}

  /** Detects the separator and the line ending. Returns `false` if the first line is not complete yet. */
  const setUp = (isEnd: boolean): boolean => {
    const first = rest.findIndex((byte) => byte !== newline && byte !== carriageReturn)
    const head = rest.subarray(Math.max(first, 0))
    const feed = indexOutsideQuotes(head, newline)
    const carriage = indexOutsideQuotes(head, carriageReturn)
    const isComplete = first !== -1 && (feed !== -1 || (carriage !== -1 && carriage < head.length - 1))
    if (!isComplete && !isEnd && rest.length <= maxRowBytes) return false
    const isMac = carriage !== -1 && carriage < head.length - 1 && (feed === -1 || carriage < feed - 1)
    lineEnd = isMac ? carriageReturn : newline
    const end = isMac ? carriage : feed
    options = {
      bom: false,
      delimiter: separatorOf(new TextDecoder().decode(end === -1 ? head : head.subarray(0, end))),
      record_delimiter: isMac ? ["\r"] : ["\r\n", "\n"],
      skip_empty_lines: true,
      relax_column_count: true
    }
    return true
  }

  const toRow = (cells: ReadonlyArray<string>, line: number, isText: boolean): DecodedRow | undefined => {
    const refused = (reason: string): DecodedRow => ({ _tag: "Refused", line, reason })
    if (header === undefined) {
      if (!isText) {
        throw new FileFault({
          kind: "encoding",
          message: "the first line is not UTF-8 text",
          advice: "Save the file as UTF-8."
        })
      }
      const names = cells.map(unguard)
      header = { names, targets: targetsOf(names, map) }
      return undefined
    }
    const { names, targets } = header
    if (cells.every((cell) => cell.trim() === "")) return undefined
    if (!isText) return refused(notUtf8)
    if (cells.length !== targets.length) return refused(`it has ${cells.length} columns instead of ${targets.length}`)
    const builder = new InputBuilder()
    for (const [index, target] of targets.entries()) {
      const cell = cells[index] ?? ""
      if (target._tag === "Ignored" && names[index]?.trim() === "" && cell.trim() !== "") {
        return refused(`column ${index + 1} has a value but no name`)
      }
      builder.setText(target, unguard(cell), typed)
    }
    const input = builder.build()
    return input === undefined ? refused(noPhone) : { _tag: "Contact", line, input }
  }

  /** Parses a block of whole lines. Returns the number of bytes that are decoded. */
  const parseBlock = (bytes: Uint8Array, isEnd: boolean, rows: Array<DecodedRow>): number => {
    const isText = isUtf8(bytes)
    let offset = 0
    const skipEmptyLines = (): void => {
      for (let byte = bytes[offset]; byte === newline || byte === carriageReturn; byte = bytes[++offset]) {
        if (byte === lineEnd) line++
      }
    }
    const skipLine = (): void => {
      const end = bytes.indexOf(lineEnd, offset)
      offset = end === -1 ? bytes.length : end + 1
      if (end !== -1) line++
    }
    while (offset < bytes.length) {
      const base = offset
      const onRecord = (cells: ReadonlyArray<string>, info: InfoRecord): null => {
        skipEmptyLines()
        const own = bytes.subarray(offset, base + info.bytes)
        // A row is refused even if it has arrived completely, so that the result does not depend on the chunks.
        if (own.length > maxRowBytes) throw new TooLong()
        const row = toRow(cells, line, isText || isUtf8(own))
        if (row !== undefined) rows.push(row)
        offset = base + info.bytes
        line += count(own, lineEnd)
        return null
      }
      try {
        parse(bytes.subarray(base), { ...options, on_record: onRecord })
        skipEmptyLines()
        offset = bytes.length
      } catch (error) {
        if (!(error instanceof CsvError || error instanceof TooLong)) throw error
        skipEmptyLines()
        const isOpen = error instanceof CsvError && error.code === "CSV_QUOTE_NOT_CLOSED"
        if (isOpen && !isEnd && rest.length - offset <= maxRowBytes) return offset
        if (header === undefined) throw headerFault("the first line is not valid CSV, or it is too long")
        const end = bytes.indexOf(lineEnd, offset)
        const isLong = !(error instanceof CsvError) || (end === -1 ? bytes.length : end) - offset > maxRowBytes
        const reason = isLong ? tooLong(maxRowBytes) : (reasons[error.code] ?? "it is not valid CSV")
        rows.push({ _tag: "Refused", line, reason })
        skipLine()
      }
    }
    return offset
  }

  const decode = (isEnd: boolean): ReadonlyArray<DecodedRow> => {
    const rows: Array<DecodedRow> = []
    if (!isHeadChecked) {
      if (rest.length < headBytes && !isEnd) return rows
      rest = rest.subarray(checkHead(rest))
      isHeadChecked = true
    }
    if (!isSetUp) {
      isSetUp = setUp(isEnd)
      if (!isSetUp) return rows
    }
    if (isSkipping) {
      const end = rest.indexOf(lineEnd)
      rest = end === -1 ? noBytes : rest.subarray(end + 1)
      if (end === -1) return rows
      isSkipping = false
      line++
    }
    const last = isEnd ? rest.length : rest.lastIndexOf(lineEnd) + 1
    const done = parseBlock(rest.subarray(0, last), isEnd, rows)
    rest = rest.subarray(done)
    if (last === done && rest.length > maxRowBytes) {
      if (header === undefined) throw headerFault("the first line is too long")
      rows.push({ _tag: "Refused", line, reason: tooLong(maxRowBytes) })
      isSkipping = true
      rest = noBytes
    }
    if (isEnd && header === undefined) {
      throw new FileFault({ kind: "empty", message: "the file is empty", advice: headerAdvice })
    }
    return rows
  }

  return {
    push: (bytes) => {
      rest = join(rest, bytes)
      return decode(false)
    },
    end: () => decode(true)
  }
}

/** Encodes a line, with its line break. */
const encodeRow = (cells: ReadonlyArray<string>): string =>
  `${cells.map((cell) => (/[",;\r\n\t]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\n`

/** Encodes the header: the built-in attributes, then the custom fields with these keys. */
export const encodeHeader = (keys: Iterable<string>): string =>
  encodeRow([...attributeColumns, ...Array.from(keys, (key) => guard(columnOf(key)))])

/** Encodes a contact with the custom fields of these keys. */
export const encodeContact = (input: UpsertInput, keys: Iterable<string>, typed: boolean): string => {
  const { fields = {} } = input
  const attributeCells = attributeNames.map((name) => {
    const value = input[name] ?? ""
    return guard(typeof value === "string" ? value : joinTags(value))
  })
  const fieldCells = Array.from(keys, (key) => {
    const value = Object.hasOwn(fields, key) ? fields[key] : undefined
    return value === undefined ? "" : guard(typed ? toTyped(value) : toUntyped(value))
  })
  return encodeRow([...attributeCells, ...fieldCells])
}
