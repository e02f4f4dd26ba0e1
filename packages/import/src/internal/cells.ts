/**
 * Converts values to CSV cells and back. A cell contains only text. `read` restores the value from it, and a
 * spreadsheet does not execute it as a formula.
 */
import { parseJson } from "@agentalk/core/unstable"
import * as Result from "effect/Result"
import type { Json } from "effect/Schema"

/** The characters that can begin a formula, including full-width forms. It is the inside of a character class. */
const formulaStart = "=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20"
const isNumber = /^[+-]?\d+(?:\.\d+)?$/
const needsGuard = new RegExp(`^'?[${formulaStart}]|^''`)
const isGuarded = new RegExp(`^'['${formulaStart}]`)

/** Adds `'` before text that a spreadsheet would take for a formula. Numbers are harmless, phone numbers included. */
export const guard = (text: string): string => (needsGuard.test(text) && !isNumber.test(text) ? `'${text}` : text)

/** Removes the `'` of `guard`. */
export const unguard = (cell: string): string => (isGuarded.test(cell) ? cell.slice(1) : cell)

/** Joins tags with `|`. A backslash is added before each `|`, `;` and backslash of a tag. */
export const joinTags = (tags: ReadonlyArray<string>): string =>
  tags.map((tag) => tag.replaceAll(/[\\|;]/g, String.raw`\$&`)).join("|")

/** Splits a cell at `|` and `;`, except after a backslash. */
export const splitTags = (cell: string): ReadonlyArray<string> =>
  (cell.match(/(?:\\[\\|;]|[^|;])+/g) ?? [])
    .map((tag) => tag.trim().replaceAll(/\\([\\|;])/g, "$1"))
    .filter((tag) => tag !== "")

/**
 * Returns the value of a cell that is valid JSON, otherwise `undefined`. A number that JSON would write differently,
 * such as `1.50`, also returns `undefined`, so that it stays text with all its digits.
 */
const jsonOf = (text: string): Json | undefined => {
  const value = Result.getOrUndefined(parseJson(text)) as Json | undefined
  return typeof value === "number" && String(value) !== text ? undefined : value
}

/** Reads a typed cell: as JSON if it is valid JSON, otherwise as text. */
export const fromTyped = (cell: string): Json => {
  const value = jsonOf(cell)
  return value === undefined ? cell : value
}

/** Writes a typed cell as JSON. Text is quoted only if `read` would take it for JSON or for an empty cell. */
export const toTyped = (value: Json): string =>
  typeof value === "string" && value.trim() !== "" && jsonOf(value) === undefined ? value : JSON.stringify(value)

/** Writes a cell without its type. */
export const toUntyped = (value: Json): string =>
  value === null ? "" : typeof value === "string" ? value : JSON.stringify(value)
