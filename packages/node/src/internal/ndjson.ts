/** NDJSON (JSON Lines): one object a line. */
import type { Json } from "effect/Schema"
import { isUtf8 } from "node:buffer"
import { InputBuilder, isObject, targetOf } from "./columns.ts"
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
} from "./rows.ts"

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** A decoder of NDJSON. Keys mean what columns mean; `fields` holds custom fields; `id`, which the API gives, is left out. */
export const makeDecoder = ({ map, maxRowBytes }: DecoderOptions): Decoder => {
  const decodeLine = (text: string, line: number): DecodedRow => {
    const refused = (reason: string): DecodedRow => ({ _tag: "Refused", line, reason })
    let value: Json
    try {
      value = JSON.parse(text) as Json
    } catch {
      // What JSON.parse says holds a part of the line.
      return refused("it is not JSON")
    }
    if (!isObject(value)) return refused("it is not a JSON object")
    const builder = new InputBuilder()
    for (const [key, each] of Object.entries(value)) {
      if (key === "id" && !Object.hasOwn(map, key)) continue
      const reason =
        key === "fields" && !Object.hasOwn(map, key)
          ? builder.setFields(each)
          : builder.setJson(targetOf(key, map), each)
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
