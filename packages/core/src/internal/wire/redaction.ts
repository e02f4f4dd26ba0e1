/**
 * Redaction: removes personal data and the token from error text. Servers repeat values of the request in their
 * messages (`"x@y" is not a valid email`), and error text ends up in logs.
 */
import { digitsOf, isWellFormed, tokenOf, uuidPattern } from "./text.ts"

// The maximum number of characters of a redacted text.
const maxLength = 200

// A longer text is replaced by its length, because searching it for values would take too long.
const maxInput = 1_024

const maxDepth = 1_000
const maxValues = 2_000

const escapeHtml = (text: string, radix: 10 | 16): string =>
  text.replace(/[&<>"']/g, (char) => `&#${radix === 16 ? "x" : ""}${char.charCodeAt(0).toString(radix)};`)

const escapeUnicode = (text: string): string =>
  text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/**
 * Normalizes values and texts before they are compared, because servers also normalize Unicode and white space.
 */
const normalize = (text: string): string => text.normalize("NFC").replace(/\s+/gu, " ").trim()

/** A value of the request, and its place: its path in the request, such as `fields.city`. */
interface PlacedValue {
  readonly text: string
  readonly place: string
}

/** Adds the strings and numbers inside a value to `found`, with their places. */
const collectValues = (value: unknown, place: string, found: Array<PlacedValue>, depth = 0): void => {
  if (found.length >= maxValues) return
  if (typeof value === "string") {
    const text = normalize(value.slice(0, maxInput))
    if (text !== "") found.push({ text, place })
    // A server may repeat only one word of a full name.
    if (text.includes(" ")) {
      for (const word of text.split(" ")) if (/\p{L}{3}/u.test(word)) found.push({ text: word, place })
    }
  } else if (typeof value === "number") {
    found.push({ text: String(value), place })
  } else if (typeof value === "object" && value !== null && depth < maxDepth) {
    for (const key of Object.keys(value)) {
      const inner: unknown = Reflect.get(value, key)
      collectValues(inner, place === "" ? key : `${place}.${key}`, found, depth + 1)
    }
  }
}

/** Returns the forms that a value may have in a text: unchanged, in JSON, HTML or a URL, or as digits only. */
const formsOf = (value: string): ReadonlyArray<string> => {
  const digits = digitsOf(value)
  const json = JSON.stringify(value).slice(1, -1)
  const html = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
  const form = new URLSearchParams({ v: value }).toString().slice(2)
  const percent = [form.replaceAll("+", "%20"), ...(isWellFormed(value) ? [encodeURIComponent(value)] : [])]
  return [
    value,
    json,
    escapeUnicode(json),
    escapeHtml(value, 10),
    escapeHtml(value, 16),
    html,
    // Python and Django write an apostrophe as `&#x27;`, other servers as `&#39;`.
    html.replaceAll("'", "&#x27;"),
    html.replaceAll("'", "&#39;"),
    value.replaceAll("'", "\\'"),
    form,
    ...percent,
    ...percent.map((text) => text.replaceAll("%2F", "/")),
    ...(digits.length >= 7 ? [`+${digits}`, `%2B${digits}`, digits] : [])
  ]
}

const isWordAt = (text: string, at: number): boolean => /[\p{L}\p{N}]/u.test(text.charAt(at))

const anyUuid = new RegExp(uuidPattern, "gi")

// In both patterns, adjacent parts match different characters, so a long text cannot cause excessive backtracking.
const anyEmail = /[^\s@%<>"'(),;:]{1,64}(?:@|%40)[^\s@%<>"'(),;:]{1,255}/gu
const anyPhone = /\+?\d(?:[\s().-]{0,2}\d){6,}/gu

/**
 * Replaces everything that looks like an id, an e-mail address or a phone number, even if the request did not contain
 * it.
 */
export const mask = (text: string): string =>
  text.replace(anyUuid, "<id>").replace(anyEmail, "<email>").replace(anyPhone, "<number>")

/** Redacts the values of one request from texts. */
export interface Redactor {
  /**
   * Replaces every value of the request by its place. Then replaces the remaining ids, e-mail addresses and phone
   * numbers, and cuts the text at 200 characters.
   */
  readonly text: (text: string) => string
  /** Whether a text contains a value of the request. */
  readonly mentions: (text: string) => boolean
}

// The first characters of a long value are also replaced on their own, because validators may repeat only the beginning
// of a long value.
const longValueLength = 12
const prefixLength = 8

/**
 * Makes a redactor for the values of one request.
 *
 * @param secret the token of the request
 * @param organization the organization that the request named
 */
export const makeRedactor = (
  values: ReadonlyArray<unknown>,
  secret: string | undefined,
  organization: string | undefined
): Redactor => {
  const found: Array<PlacedValue> = []
  if (organization !== undefined) found.push({ text: organization, place: "organization" })
  if (secret !== undefined) {
    found.push({ text: secret, place: "token" })
    for (const part of secret.split(".")) if (part !== "") found.push({ text: part, place: "token" })
  }
  for (const value of values) collectValues(value, "", found)

  // The texts to replace, in lower case. Each text is a form of a value or the beginning of a form, and `whole` is that
  // form.
  const replacements = new Map<string, { readonly place: string; readonly whole: string }>()
  const lengths = new Set<number>()
  const addReplacement = (text: string, place: string, whole: string): void => {
    const key = text.toLowerCase()
    if (replacements.has(key)) return
    replacements.set(key, { place, whole })
    lengths.add(text.length)
  }
  for (const { place, text } of found) {
    for (const form of formsOf(text)) {
      addReplacement(form, place, form)
      if (form.length >= longValueLength) addReplacement(form.slice(0, prefixLength), place, form)
    }
  }
  const longestFirst = [...lengths].toSorted((a, b) => b - a)

  /** Finds a value at a position of a text: its place in the request, and the number of characters that match. */
  const matchAt = (text: string, at: number): { readonly place: string; readonly length: number } | undefined => {
    for (const length of longestFirst) {
      const replacement = replacements.get(text.slice(at, at + length).toLowerCase())
      if (replacement === undefined || text.length - at < length) continue
      // A short value counts only as a whole word, because it would match inside other words.
      if (length < 4 && (isWordAt(text, at - 1) || isWordAt(text, at + length))) continue
      const { place, whole } = replacement
      let end = length
      while (end < whole.length && text[at + end] === whole[end]) end++
      return { place, length: end }
    }
    return undefined
  }

  const replaceValues = (text: string): string => {
    let out = ""
    let at = 0
    while (at < text.length) {
      const match = matchAt(text, at)
      out += match === undefined ? text.charAt(at) : `<${match.place}>`
      at += match?.length ?? 1
    }
    return out
  }

  const redact = (input: string): string => {
    if (input.length > maxInput) return `(a text of ${input.length} characters)`
    const out = mask(replaceValues(normalize(input)))
    const points = Array.from(out)
    return points.length <= maxLength ? out : `${points.slice(0, maxLength - 1).join("")}…`
  }

  return {
    text: redact,
    mentions: (input) => {
      const normalized = normalize(input.slice(0, maxInput))
      return replaceValues(normalized) !== normalized
    }
  }
}

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)

/**
 * Makes a function that replaces the token of an `Authorization` header in a text, in every form and at every position.
 */
export const redactToken = (authorization: string | undefined): ((text: string) => string) => {
  if (authorization === undefined) return (text) => text
  const token = tokenOf(authorization)
  const forms = [token, ...token.split(".")].filter((part) => part !== "").flatMap(formsOf)
  const pattern = new RegExp(forms.map(escapeRegExp).join("|"), "gi")
  return (text) => text.replace(pattern, "<token>")
}
