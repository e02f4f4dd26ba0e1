/** What a file holds, row by row, and what decoders of all formats share. */
import type { UpsertInput } from "@agentalk/core/Contact"

/** A row as a decoder gives it: a contact, or why it is none. `line` is where it begins, counted from 1. */
export type DecodedRow =
  | { readonly _tag: "Contact"; readonly line: number; readonly input: UpsertInput }
  | { readonly _tag: "Refused"; readonly line: number; readonly reason: string }

/** What every decoder is told. */
export interface DecoderOptions {
  /** What the columns or keys of the file mean, where their names do not say it. */
  readonly map: Readonly<Record<string, string>>
  readonly maxRowBytes: number
  /** Whether cells of custom fields may be JSON. */
  readonly typed: boolean
}

/** Turns the bytes of a file into rows, piece by piece. Throws a `Fault` where the file as a whole is wrong. */
export interface Decoder {
  readonly push: (bytes: Uint8Array) => ReadonlyArray<DecodedRow>
  readonly end: () => ReadonlyArray<DecodedRow>
}

/** Why a file as a whole cannot be read. */
export class Fault {
  readonly kind: "empty" | "encoding" | "binary" | "header"
  readonly message: string
  readonly advice: string

  constructor(kind: Fault["kind"], message: string, advice: string) {
    this.kind = kind
    this.message = message
    this.advice = advice
  }
}

export const noBytes: Uint8Array = new Uint8Array()

export const newline = 0x0a
export const carriageReturn = 0x0d

export const notUtf8 = "it is not UTF-8 text"
export const noPhone = "there is no phone number"

/** Says how large a row may be. */
export const tooLong = (maxRowBytes: number): string => `it is longer than ${maxRowBytes.toLocaleString("en")} bytes`

const startsWith = (bytes: Uint8Array, ...prefix: ReadonlyArray<number>): boolean =>
  prefix.every((byte, index) => bytes[index] === byte)

/** How much of a file tells whether it is text. */
export const headBytes = 4096

/** Refuses a file whose beginning is not UTF-8 text, and tells the length of its byte order mark. */
export const checkHead = (head: Uint8Array): number => {
  const advice = "Save it as UTF-8: spreadsheets call that “CSV UTF-8”."
  if (startsWith(head, 0xff, 0xfe) || startsWith(head, 0xfe, 0xff)) {
    throw new Fault("encoding", "the file is UTF-16, not UTF-8", advice)
  }
  if (startsWith(head, 0x1f, 0x8b)) {
    throw new Fault(
      "binary",
      "the file is compressed, though its name does not end in .gz",
      "Rename it, or unpack it first."
    )
  }
  if (startsWith(head, 0x50, 0x4b, 0x03, 0x04)) {
    throw new Fault("binary", "the file is a spreadsheet or an archive, not text", advice)
  }
  if (head.subarray(0, headBytes).includes(0)) throw new Fault("binary", "the file is binary, not text", advice)
  return startsWith(head, 0xef, 0xbb, 0xbf) ? 3 : 0
}

/** Counts a byte. */
export const count = (bytes: Uint8Array, byte: number): number => {
  let found = 0
  for (let at = bytes.indexOf(byte); at !== -1; at = bytes.indexOf(byte, at + 1)) found++
  return found
}

/** Joins what was left of earlier pieces with the next one. */
export const join = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  left.length === 0 ? right : right.length === 0 ? left : Buffer.concat([left, right])
