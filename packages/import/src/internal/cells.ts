/**
 * How CSV, which knows text only, holds what a contact has: written so that `read` gives it back, and that a spreadsheet
 * computes nothing.
 */
import { parseJson } from "@agentalk/core/unstable"
import * as Result from "effect/Result"
import type { Json } from "effect/Schema"

/** What spreadsheets take a cell for a formula by; the wide forms too. */
const formulaStart = "=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20"
const isNumber = /^[+-]?\d+(?:\.\d+)?$/
const needsGuard = new RegExp(`^'?[${formulaStart}]|^''`)
const isGuarded = new RegExp(`^'['${formulaStart}]`)

/** Puts `'` before what a spreadsheet would compute. Numbers are harmless, and so are phone numbers. */
export const guard = (text: string): string => (needsGuard.test(text) && !isNumber.test(text) ? `'${text}` : text)

/** Takes away the `'` of `guard`. */
export const unguard = (cell: string): string => (isGuarded.test(cell) ? cell.slice(1) : cell)

/** Tags in one cell, joined with `|`; a backslash stands before those characters that would split a tag. */
export const joinTags = (tags: ReadonlyArray<string>): string =>
  tags.map((tag) => tag.replaceAll(/[\\|;]/g, String.raw`\$&`)).join("|")

/** Tags in one cell, split on `|` or `;`. A backslash before one of these, or another, keeps it. */
export const splitTags = (cell: string): ReadonlyArray<string> =>
  (cell.match(/(?:\\[\\|;]|[^|;])+/g) ?? [])
    .map((tag) => tag.trim().replaceAll(/\\([\\|;])/g, "$1"))
    .filter((tag) => tag !== "")

/** The JSON that a cell is, if it is: numbers only as JSON writes them, so that none loses a digit. */
const literalOf = (text: string): Json | undefined => {
  const value = Result.getOrUndefined(parseJson(text)) as Json | undefined
  return typeof value === "number" && String(value) !== text ? undefined : value
}

/** The value of a typed cell: JSON, or else text. */
export const fromTyped = (cell: string): Json => {
  const value = literalOf(cell)
  return value === undefined ? cell : value
}

/** The cell of a value: text as it is, unless it would be taken for JSON or for an empty cell; else JSON. */
export const toTyped = (value: Json): string =>
  typeof value === "string" && value.trim() !== "" && literalOf(value) === undefined ? value : JSON.stringify(value)

/** The cell of a value where types are left out. */
export const toUntyped = (value: Json): string =>
  value === null ? "" : typeof value === "string" ? value : JSON.stringify(value)
