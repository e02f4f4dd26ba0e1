/** The interface of the decoders, and the parts that all formats share. */
import type { UpsertInput } from "@agentalk/core/Contact"
import { FileFault } from "./fileFault.ts"

/** A row of a file: a contact, or the reason why it was refused. `line` is the line on which it begins. */
export type DecodedRow =
  | { readonly _tag: "Contact"; readonly line: number; readonly input: UpsertInput }
  | { readonly _tag: "Refused"; readonly line: number; readonly reason: string }

export interface DecoderOptions {
  /** The option `map` of `read`: the names of columns or keys, and their targets. */
  readonly map: Readonly<Record<string, string>>
  readonly maxRowBytes: number
  /** Whether the cells of custom fields may be JSON. */
  readonly typed: boolean
}

/** Decodes the bytes of a file, chunk by chunk. Throws a `FileFault` if the file as a whole cannot be read. */
export interface Decoder {
  readonly push: (bytes: Uint8Array) => ReadonlyArray<DecodedRow>
  readonly end: () => ReadonlyArray<DecodedRow>
}

export const defaultMaxRowBytes = 1_048_576

export const noBytes: Uint8Array = new Uint8Array()

export const newline = 0x0a
export const carriageReturn = 0x0d

export const notUtf8 = "it is not UTF-8 text"
export const noPhone = "there is no phone number"

export const tooLong = (maxRowBytes: number): string => `it is longer than ${maxRowBytes.toLocaleString("en")} bytes`

/** The number of bytes at the start of a file that `checkHead` needs. */
export const headBytes = 4096

const saveAsUtf8 = "Save it as UTF-8. Spreadsheet programs call this format “CSV UTF-8”."

const startsWith = (bytes: Uint8Array, ...prefix: ReadonlyArray<number>): boolean =>
  prefix.every((byte, index) => bytes[index] === byte)

/** Returns the length of the byte order mark. Throws a `FileFault` if the file does not begin with UTF-8 text. */
export const checkHead = (head: Uint8Array): number => {
  if (startsWith(head, 0xff, 0xfe) || startsWith(head, 0xfe, 0xff)) {
    throw new FileFault({ kind: "encoding", message: "the file is UTF-16, not UTF-8", advice: saveAsUtf8 })
  }
  if (startsWith(head, 0x1f, 0x8b)) {
    throw new FileFault({
      kind: "binary",
      message: "the file is compressed, but its name does not end in .gz",
      advice: "Add .gz to its name, or decompress it first."
    })
  }
  if (startsWith(head, 0x50, 0x4b, 0x03, 0x04)) {
    throw new FileFault({
      kind: "binary",
      message: "the file is a spreadsheet or an archive, not text",
      advice: saveAsUtf8
    })
  }
  if (head.subarray(0, headBytes).includes(0)) {
    throw new FileFault({ kind: "binary", message: "the file is binary, not text", advice: saveAsUtf8 })
  }
  return startsWith(head, 0xef, 0xbb, 0xbf) ? 3 : 0
}

/** Counts the occurrences of a byte. */
export const count = (bytes: Uint8Array, byte: number): number => {
  let found = 0
  for (let index = bytes.indexOf(byte); index !== -1; index = bytes.indexOf(byte, index + 1)) found++
  return found
}

/** Appends a chunk to the bytes of earlier chunks that are not decoded yet. */
export const join = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  left.length === 0 ? right : right.length === 0 ? left : Buffer.concat([left, right])
