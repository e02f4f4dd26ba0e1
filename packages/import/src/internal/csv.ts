/**
 * CSV by `csv-parse` (RFC 4180), in windows of whole lines: a row that it refuses costs that line alone, for reading
 * begins anew on the next one.
 */
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

/** The separator that the header line holds most of; a comma where it holds none. */
const separatorOf = (header: string): "," | ";" | "\t" => {
  const outside = header.replaceAll(/"[^"]*"/g, "")
  const counts = ([",", ";", "\t"] as const).map((separator) => ({ separator, count: outside.split(separator).length }))
  return counts.reduce((best, each) => (each.count > best.count ? each : best)).separator
}

const quote = 0x22

const headerAdvice = "The first line names the columns: phone, first_name, last_name, email, tags, and custom fields."

const headerFault = (message: string, advice = headerAdvice): FileFault =>
  new FileFault({ kind: "header", message, advice })

/** What each column gives. Names are not told: a file without a header has people in its first line. */
const targetsOf = (names: ReadonlyArray<string>, map: DecoderOptions["map"]): ReadonlyArray<Target> => {
  const seen = new Map<string, number>()
  const mapping = makeMapping(map)
  const targets = names.map((name, index): Target => {
    const trimmed = name.trim()
    if (trimmed === "") return { _tag: "Nothing" }
    // Behind the prefix stands a key as it is.
    const target = mapping.targetOf(trimmed.startsWith(fieldPrefix) ? name.trimStart() : trimmed)
    const key = target._tag === "Nothing" ? "" : `${target._tag} ${target.key}`
    const before = key === "" ? undefined : seen.get(key)
    if (before !== undefined) {
      throw headerFault(
        `columns ${before} and ${index + 1} have the same name or give the same value`,
        'Rename one, or leave one out with --map "Column=".'
      )
    }
    seen.set(key, index + 1)
    return target
  })
  if (!targets.some((target) => target._tag === "Known" && target.key === "phone")) {
    throw headerFault("no column is called phone", `${headerAdvice} --map "Mobile=phone" says which is which.`)
  }
  for (const name of Object.keys(map)) {
    if (!names.some((each) => makeMapping({ [name]: "" }).has(each.trim()))) {
      throw headerFault(
        "a name given with --map is that of no column",
        "Write it as the first line does; upper and lower case do not matter."
      )
    }
  }
  return targets
}

/** Where a byte first stands outside of quotes: the name of a column may hold the end of a line. */
const outsideQuotes = (bytes: Uint8Array, byte: number): number => {
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
  INVALID_OPENING_QUOTE: "a quote stands in a field that does not begin with one",
  CSV_QUOTE_NOT_CLOSED: "a quote is not closed"
}

/** Ends the parsing of a window at a row that is too long. */
class TooLong {
  readonly reason = "too long"
}

const knownColumns = ["phone", "first_name", "last_name", "email", "tags"]

/** A decoder of CSV. Lines are counted as editors count them; empty lines and rows of empty cells are no rows. */
export const makeDecoder = ({ map, maxRowBytes, typed }: DecoderOptions): Decoder => {
  let left: Uint8Array = noBytes
  /** The line at which `left` begins. */
  let line = 1
  let isSkipping = false
  let isHeadChecked = false
  let isSetUp = false
  /** The byte that ends a line: classic Mac files use the carriage return alone. */
  let lineEnd = newline
  let header: { readonly names: ReadonlyArray<string>; readonly targets: ReadonlyArray<Target> } | undefined
  let options: ParseOptions = {}

  /** Learns separator and line end from the first line, as soon as it is whole. */
  const setUp = (isEnd: boolean): boolean => {
    const first = left.findIndex((byte) => byte !== newline && byte !== carriageReturn)
    const head = left.subarray(Math.max(first, 0))
    const feed = outsideQuotes(head, newline)
    const carriage = outsideQuotes(head, carriageReturn)
    const isWhole = first !== -1 && (feed !== -1 || (carriage !== -1 && carriage < head.length - 1))
    if (!isWhole && !isEnd && left.length <= maxRowBytes) return false
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
      if (target._tag === "Nothing" && names[index]?.trim() === "" && cell.trim() !== "") {
        return refused(`column ${index + 1} has no name, but holds a value`)
      }
      builder.setText(target, unguard(cell), typed)
    }
    const input = builder.build()
    return input === undefined ? refused(noPhone) : { _tag: "Contact", line, input }
  }

  /** Reads a window of whole lines; gives back how much of it is done with. */
  const parseWindow = (bytes: Uint8Array, isEnd: boolean, rows: Array<DecodedRow>): number => {
    const isText = isUtf8(bytes)
    let at = 0
    /** Goes to the next row over empty lines. */
    const skipEmpty = (): void => {
      for (let byte = bytes[at]; byte === newline || byte === carriageReturn; byte = bytes[++at]) {
        if (byte === lineEnd) line++
      }
    }
    const skipLine = (): void => {
      const end = bytes.indexOf(lineEnd, at)
      at = end === -1 ? bytes.length : end + 1
      if (end !== -1) line++
    }
    while (at < bytes.length) {
      const base = at
      const onRecord = (cells: ReadonlyArray<string>, info: InfoRecord): null => {
        skipEmpty()
        const own = bytes.subarray(at, base + info.bytes)
        // However the bytes came in pieces, a row that is too long costs one line, like one that is no CSV.
        if (own.length > maxRowBytes) throw new TooLong()
        const row = toRow(cells, line, isText || isUtf8(own))
        if (row !== undefined) rows.push(row)
        at = base + info.bytes
        line += count(own, lineEnd)
        return null
      }
      try {
        parse(bytes.subarray(base), { ...options, on_record: onRecord })
        skipEmpty()
        at = bytes.length
      } catch (error) {
        if (!(error instanceof CsvError || error instanceof TooLong)) throw error
        skipEmpty()
        const isOpen = error instanceof CsvError && error.code === "CSV_QUOTE_NOT_CLOSED"
        if (isOpen && !isEnd && left.length - at <= maxRowBytes) return at
        if (header === undefined) throw headerFault("the first line is not CSV, or too long")
        const end = bytes.indexOf(lineEnd, at)
        const isLong = !(error instanceof CsvError) || (end === -1 ? bytes.length : end) - at > maxRowBytes
        const reason = isLong ? tooLong(maxRowBytes) : (reasons[error.code] ?? "it is not CSV")
        rows.push({ _tag: "Refused", line, reason })
        skipLine()
      }
    }
    return at
  }

  const decode = (isEnd: boolean): ReadonlyArray<DecodedRow> => {
    const rows: Array<DecodedRow> = []
    if (!isHeadChecked) {
      if (left.length < headBytes && !isEnd) return rows
      left = left.subarray(checkHead(left))
      isHeadChecked = true
    }
    if (!isSetUp) {
      isSetUp = setUp(isEnd)
      if (!isSetUp) return rows
    }
    if (isSkipping) {
      const end = left.indexOf(lineEnd)
      left = end === -1 ? noBytes : left.subarray(end + 1)
      if (end === -1) return rows
      isSkipping = false
      line++
    }
    const last = isEnd ? left.length : left.lastIndexOf(lineEnd) + 1
    const done = parseWindow(left.subarray(0, last), isEnd, rows)
    left = left.subarray(done)
    if (last === done && left.length > maxRowBytes) {
      if (header === undefined) throw headerFault("the first line never ends")
      rows.push({ _tag: "Refused", line, reason: tooLong(maxRowBytes) })
      isSkipping = true
      left = noBytes
    }
    if (isEnd && header === undefined)
      throw new FileFault({ kind: "empty", message: "the file is empty", advice: headerAdvice })
    return rows
  }

  return {
    push: (bytes) => {
      left = join(left, bytes)
      return decode(false)
    },
    end: () => decode(true)
  }
}

/** One line of CSV, its end included. */
const encodeRow = (cells: ReadonlyArray<string>): string =>
  `${cells.map((cell) => (/[",;\r\n\t]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\n`

/** The first line: what is known of every contact, then the custom fields with these keys. */
export const encodeHeader = (keys: Iterable<string>): string =>
  encodeRow([...knownColumns, ...Array.from(keys, (key) => guard(columnOf(key)))])

/** The line of a contact, with the custom fields of these keys. */
export const encodeContact = (input: UpsertInput, keys: Iterable<string>, typed: boolean): string => {
  const { email = "", fields = {}, firstName = "", lastName = "", phone, tags = [] } = input
  const cells = Array.from(keys, (key) => {
    const value = Object.hasOwn(fields, key) ? fields[key] : undefined
    return value === undefined ? "" : guard(typed ? toTyped(value) : toUntyped(value))
  })
  return encodeRow([...[phone, firstName, lastName, email, joinTags(tags)].map(guard), ...cells])
}
