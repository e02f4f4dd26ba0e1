/**
 * Error text free of what a call was about: servers echo values (`"x@y" is not a valid email`), and error text ends up
 * in logs.
 */
import { isWellFormed } from "./text.ts"

const maxLength = 200

// A text beyond this is told by its length alone: looking for values in it would take too long.
const maxInput = 4_096

const maxDepth = 1_000

const escapeHtml = (text: string, radix: 10 | 16): string =>
  text.replace(/[&<>"']/g, (char) => `&#${radix === 16 ? "x" : ""}${char.charCodeAt(0).toString(radix)};`)

const escapeUnicode = (text: string): string =>
  text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The strings and numbers in a value, with their places. */
const leaves = (value: unknown, place: string, out: Array<readonly [string, string]>, depth = 0): void => {
  if (typeof value === "string") {
    if (value.trim() !== "") out.push([value.trim(), place])
  } else if (typeof value === "number") {
    out.push([String(value), place])
  } else if (typeof value === "object" && value !== null && depth < maxDepth) {
    for (const key of Object.keys(value)) {
      leaves((value as Record<string, unknown>)[key], place === "" ? key : `${place}.${key}`, out, depth + 1)
    }
  }
}

// How a value may look in an echo: as it is, in JSON, in HTML, in a URL, a phone number as digits only.
const spellings = (value: string): ReadonlyArray<string> => {
  const digits = value.replace(/\D/g, "")
  const json = JSON.stringify(value).slice(1, -1)
  const named = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
  const form = new URLSearchParams({ v: value }).toString().slice(2)
  const percent = [form.replaceAll("+", "%20"), ...(isWellFormed(value) ? [encodeURIComponent(value)] : [])]
  return [
    value,
    json,
    escapeUnicode(json),
    escapeHtml(value, 10),
    escapeHtml(value, 16),
    named,
    // As Python, Django and others spell an apostrophe.
    named.replaceAll("'", "&#x27;"),
    named.replaceAll("'", "&#39;"),
    value.replaceAll("'", "\\'"),
    form,
    ...percent,
    ...percent.map((text) => text.replaceAll("%2F", "/")),
    ...(digits.length >= 7 ? [`+${digits}`, `%2B${digits}`, digits] : [])
  ]
}

interface Spelling {
  /** In lower case. */
  readonly key: string
  readonly length: number
  readonly place: string
}

const isWordAt = (text: string, at: number): boolean => /[\p{L}\p{N}]/u.test(text.charAt(at))

// A short value would match inside of words: it must stand alone.
const isAt = (text: string, at: number, { key, length }: Spelling): boolean =>
  text.slice(at, at + length).toLowerCase() === key &&
  (length >= 4 || !(isWordAt(text, at - 1) || isWordAt(text, at + length)))

const emailLike = /[^\s@<>"'(),;:]+(?:@|%40)[^\s@<>"'(),;:]+\.[^\s@<>"'(),;:]+/gu
const numberLike = /\+?\d(?:[\s().-]{0,2}\d){6,}/gu

/** Gives text in which every value of one request is replaced by its place, at most 200 characters of it. */
export type Redactor = (text: string) => string

/** A redactor for what one request carried; `secret` is its token. */
export const makeRedactor = (values: unknown, secret: string | undefined): Redactor => {
  const found: Array<readonly [string, string]> = []
  if (secret !== undefined) {
    found.push([secret, "token"])
    for (const part of secret.split(".")) if (part !== "") found.push([part, "token"])
  }
  leaves(values, "", found)
  // Not one regular expression: a large value would be too large for it, and its error would print the value.
  const known = new Map<string, Array<Spelling>>()
  const seen = new Set<string>()
  for (const [value, place] of found) {
    if (value.length > maxInput) continue
    for (const spelling of spellings(value)) {
      const key = spelling.toLowerCase()
      if (seen.has(key)) continue
      seen.add(key)
      const first = key.charAt(0)
      const sameFirst = known.get(first)
      const one = { key, length: spelling.length, place }
      if (sameFirst === undefined) known.set(first, [one])
      else sameFirst.push(one)
    }
  }
  for (const sameFirst of known.values()) sameFirst.sort((a, b) => b.length - a.length)

  const replaceKnown = (text: string): string => {
    let out = ""
    let at = 0
    while (at < text.length) {
      const hit = known.get(text.charAt(at).toLowerCase())?.find((spelling) => isAt(text, at, spelling))
      out += hit === undefined ? text.charAt(at) : `<${hit.place}>`
      at += hit === undefined ? 1 : hit.length
    }
    return out
  }

  return (input) => {
    if (input.length > maxInput) return `(a text of ${input.length} characters)`
    // What the request did not carry may still be about somebody.
    const out = replaceKnown(input)
      .replace(emailLike, "<email>")
      .replace(numberLike, "<number>")
      .replace(/\s+/gu, " ")
      .trim()
    const points = Array.from(out)
    return points.length <= maxLength ? out : `${points.slice(0, maxLength - 1).join("")}…`
  }
}
