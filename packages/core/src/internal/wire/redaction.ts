/**
 * Error text free of what a call was about: servers echo values (`"x@y" is not a valid email`), and error text ends up
 * in logs.
 */
import { isWellFormed } from "./text.ts"

const maxLength = 200

// A text beyond this is told by its length alone: looking for values in it would take too long.
const maxInput = 1_024

const maxDepth = 1_000
const maxLeaves = 2_000

const escapeHtml = (text: string, radix: 10 | 16): string =>
  text.replace(/[&<>"']/g, (char) => `&#${radix === 16 ? "x" : ""}${char.charCodeAt(0).toString(radix)};`)

const escapeUnicode = (text: string): string =>
  text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** As both sides of a comparison spell it: servers normalise Unicode and collapse white space. */
const normalise = (text: string): string => text.normalize("NFC").replace(/\s+/gu, " ").trim()

/** The strings and numbers in a value, with their places. */
const leaves = (value: unknown, place: string, out: Array<readonly [string, string]>, depth = 0): void => {
  if (out.length >= maxLeaves) return
  if (typeof value === "string") {
    const text = normalise(value.slice(0, maxInput))
    if (text !== "") out.push([text, place])
    // A server may name a part of it: one word of a full name.
    if (text.includes(" ")) for (const word of text.split(" ")) if (/\p{L}{3}/u.test(word)) out.push([word, place])
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

const isWordAt = (text: string, at: number): boolean => /[\p{L}\p{N}]/u.test(text.charAt(at))

const guidLike = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi

// No character stands in two parts of either pattern, so that no text makes them look back.
const emailLike = /[^\s@%<>"'(),;:]{1,64}(?:@|%40)[^\s@%<>"'(),;:]{1,255}/gu
const numberLike = /\+?\d(?:[\s().-]{0,2}\d){6,}/gu

/** A text without what may be about somebody, whoever that is. */
export const mask = (text: string): string =>
  text.replace(guidLike, "<id>").replace(emailLike, "<email>").replace(numberLike, "<number>")

/** Keeps what one request carried out of a text. */
export interface Redactor {
  /** The text with every value of the request replaced by its place, at most 200 characters of it. */
  readonly text: (text: string) => string
  /** Whether a text holds a value of the request. */
  readonly mentions: (text: string) => boolean
}

// From here on, the beginning of a value is told as well: validators quote long values in part.
const prefixLength = 8
const longValue = 12

/** A redactor for the values that one request carried; `secret` is its token, `organization` the one that it named. */
export const makeRedactor = (
  values: ReadonlyArray<unknown>,
  secret: string | undefined,
  organization: string | undefined
): Redactor => {
  const found: Array<readonly [string, string]> = []
  if (organization !== undefined) found.push([organization, "organization"])
  if (secret !== undefined) {
    found.push([secret, "token"])
    for (const part of secret.split(".")) if (part !== "") found.push([part, "token"])
  }
  for (const value of values) leaves(value, "", found)
  const places = new Map<string, { readonly place: string; readonly whole: string }>()
  const lengths = new Set<number>()
  const learn = (spelling: string, place: string, whole: string): void => {
    const key = spelling.toLowerCase()
    if (places.has(key)) return
    places.set(key, { place, whole })
    lengths.add(spelling.length)
  }
  for (const [value, place] of found) {
    for (const spelling of spellings(value)) {
      learn(spelling, place, spelling)
      if (spelling.length >= longValue) learn(spelling.slice(0, prefixLength), place, spelling)
    }
  }
  const longestFirst = [...lengths].toSorted((a, b) => b - a)

  /** The value that stands at a place of a text, and how much of it. */
  const hitAt = (text: string, at: number): { readonly place: string; readonly length: number } | undefined => {
    for (const length of longestFirst) {
      const known = places.get(text.slice(at, at + length).toLowerCase())
      if (known === undefined || text.length - at < length) continue
      // A short value would match inside of words: it must stand alone.
      if (length < 4 && (isWordAt(text, at - 1) || isWordAt(text, at + length))) continue
      let end = length
      while (end < known.whole.length && text[at + end] === known.whole[end]) end++
      return { place: known.place, length: end }
    }
    return undefined
  }

  const replaceKnown = (text: string): string => {
    let out = ""
    let at = 0
    while (at < text.length) {
      const hit = hitAt(text, at)
      out += hit === undefined ? text.charAt(at) : `<${hit.place}>`
      at += hit?.length ?? 1
    }
    return out
  }

  const text = (input: string): string => {
    if (input.length > maxInput) return `(a text of ${input.length} characters)`
    // What the request did not carry may still be about somebody.
    const out = mask(replaceKnown(normalise(input)))
    const points = Array.from(out)
    return points.length <= maxLength ? out : `${points.slice(0, maxLength - 1).join("")}…`
  }

  return {
    text,
    mentions: (input) => {
      const normal = normalise(input.slice(0, maxInput))
      return replaceKnown(normal) !== normal
    }
  }
}

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)

/** Replaces the token of an `Authorization` header, in any spelling, wherever it stands in a text. */
export const redactToken = (authorization: string | undefined): ((text: string) => string) => {
  const secret = authorization?.replace("Bearer ", "")
  if (secret === undefined) return (text) => text
  const known = [secret, ...secret.split(".")].filter((part) => part !== "").flatMap(spellings)
  const pattern = new RegExp(known.map(escapeRegExp).join("|"), "gi")
  return (text) => text.replace(pattern, "<token>")
}
