/** NDJSON (JSON Lines): one JSON object per line. */
import { isObject, parseJson } from "@agentalk/core/unstable"
import type { Contact } from "@agentalk/core/Contact"
import * as Result from "effect/Result"
import type { JsonObject } from "effect/Schema"
import { isUtf8 } from "node:buffer"
import { InputBuilder, makeMapping } from "./columns.ts"
import {
  checkHead,
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

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** Keys that `write` writes and `upsert` does not accept. */
const ignoredKeys: ReadonlySet<string> = new Set(["id", "extra"])

/** Makes a decoder of NDJSON. Keys are mapped like CSV columns. The object `fields` contains custom fields. */
export const makeDecoder = ({ map, maxRowBytes }: DecoderOptions): Decoder => {
  const mapping = makeMapping(map)
  const decodeLine = (text: string, line: number): DecodedRow => {
    const refused = (reason: string): DecodedRow => ({ _tag: "Refused", line, reason })
    const parsed = parseJson(text)
    if (Result.isFailure(parsed)) return refused("it is not JSON")
    if (!isObject(parsed.success)) return refused("it is not a JSON object")
    const builder = new InputBuilder()
    for (const [key, value] of Object.entries(parsed.success as JsonObject)) {
      const isMapped = mapping.has(key)
      if (ignoredKeys.has(key) && !isMapped) continue
      const reason =
        key === "fields" && !isMapped ? builder.setFields(value) : builder.setJson(mapping.targetOf(key), value)
      if (reason !== undefined) return refused(reason)
    }
    const input = builder.build()
    return input === undefined ? refused(noPhone) : { _tag: "Contact", line, input }
  }

  /** The bytes that are not decoded yet. */
  let rest: Uint8Array = noBytes
  let line = 1
  let isHeadChecked = false
  /** Whether the rest of a line that is too long is being skipped. */
  let isSkipping = false

  const decode = (isEnd: boolean): ReadonlyArray<DecodedRow> => {
    const rows: Array<DecodedRow> = []
    if (!isHeadChecked) {
      if (rest.length < headBytes && !isEnd) return rows
      rest = rest.subarray(checkHead(rest))
      isHeadChecked = true
    }
    let start = 0
    while (start < rest.length) {
      const found = rest.indexOf(newline, start)
      if (found === -1 && !isEnd) break
      const end = found === -1 ? rest.length : found
      const bytes = rest.subarray(start, end)
      start = end + 1
      if (isSkipping) isSkipping = false
      else if (bytes.length > maxRowBytes) rows.push({ _tag: "Refused", line, reason: tooLong(maxRowBytes) })
      else if (!isUtf8(bytes)) rows.push({ _tag: "Refused", line, reason: notUtf8 })
      else {
        const text = decoder.decode(bytes)
        if (text.trim() !== "") rows.push(decodeLine(text, line))
      }
      if (found !== -1) line++
    }
    rest = rest.subarray(start)
    if (isSkipping) rest = noBytes
    else if (rest.length > maxRowBytes) {
      rows.push({ _tag: "Refused", line, reason: tooLong(maxRowBytes) })
      isSkipping = true
      rest = noBytes
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

/** Encodes a contact as one line, with its line break. Keys that the SDK does not know are under `extra`. */
export const encodeContact = ({ extra, tags, ...contact }: Contact): string => {
  const line = {
    ...contact,
    ...(tags && { tags: tags.map((tag) => (tag.id === undefined ? tag.name : tag)) }),
    ...(Object.keys(extra).length > 0 && { extra })
  }
  return `${JSON.stringify(line)}\n`
}
