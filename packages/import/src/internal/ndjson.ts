/** NDJSON (JSON Lines): one object a line. */
import { isObject, parseJson } from "@agentalk/core/unstable"
import type { Contact } from "@agentalk/core/Contact"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
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

/** What the API gives and does not take. */
const given: ReadonlySet<string> = new Set(["id", "extra"])

/** A decoder of NDJSON. Keys mean what columns mean; `fields` holds custom fields; `id` and `extra` are left out. */
export const makeDecoder = ({ map, maxRowBytes }: DecoderOptions): Decoder => {
  const mapping = makeMapping(map)
  const decodeLine = (text: string, line: number): DecodedRow => {
    const refused = (reason: string): DecodedRow => ({ _tag: "Refused", line, reason })
    const parsed = parseJson(text)
    if (Result.isFailure(parsed)) return refused("it is not JSON")
    if (!isObject(parsed.success)) return refused("it is not a JSON object")
    const builder = new InputBuilder()
    for (const [key, each] of Object.entries(parsed.success as Schema.JsonObject)) {
      const isMapped = mapping.has(key)
      if (given.has(key) && !isMapped) continue
      const reason =
        key === "fields" && !isMapped ? builder.setFields(each) : builder.setJson(mapping.targetOf(key), each)
      if (reason !== undefined) return refused(reason)
    }
    const input = builder.build()
    return input === undefined ? refused(noPhone) : { _tag: "Contact", line, input }
  }

  let left: Uint8Array = noBytes
  let line = 1
  let isHeadChecked = false
  let isSkipping = false

  const decode = (isEnd: boolean): ReadonlyArray<DecodedRow> => {
    const rows: Array<DecodedRow> = []
    if (!isHeadChecked) {
      if (left.length < headBytes && !isEnd) return rows
      left = left.subarray(checkHead(left))
      isHeadChecked = true
    }
    let start = 0
    while (start < left.length) {
      const found = left.indexOf(newline, start)
      if (found === -1 && !isEnd) break
      const end = found === -1 ? left.length : found
      const bytes = left.subarray(start, end)
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
    left = left.subarray(start)
    if (isSkipping) left = noBytes
    else if (left.length > maxRowBytes) {
      rows.push({ _tag: "Refused", line, reason: tooLong(maxRowBytes) })
      isSkipping = true
      left = noBytes
    }
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

/** One line of NDJSON, its end included: all that is known of a contact, what this version does not know under `extra`. */
export const encodeContact = ({ extra, tags, ...contact }: Contact): string => {
  const line = {
    ...contact,
    ...(tags && { tags: tags.map((tag) => (tag.id === undefined ? tag.name : tag)) }),
    ...(Object.keys(extra).length > 0 && { extra })
  }
  return `${JSON.stringify(line)}\n`
}
