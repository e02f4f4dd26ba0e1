/**
 * Error text free of what a call was about: servers echo values (`"x@y" is not a valid email`), and error text ends up
 * in logs.
 */

const maxLength = 200

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)

/** The strings and numbers in a value, with their places. */
const leaves = (value: unknown, place: string, out: Array<readonly [string, string]>): void => {
  if (typeof value === "string") {
    if (value.trim() !== "") out.push([value.trim(), place])
  } else if (typeof value === "number") {
    out.push([String(value), place])
  } else if (typeof value === "object" && value !== null) {
    for (const key of Object.keys(value)) {
      leaves((value as Record<string, unknown>)[key], place === "" ? key : `${place}.${key}`, out)
    }
  }
}

// How a value may look in an echo: as it is, in JSON, in HTML, in a URL, a phone number as digits only.
const spellings = (value: string): ReadonlyArray<string> => {
  const digits = value.replace(/\D/g, "")
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    escapeHtml(value),
    value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
    new URLSearchParams({ v: value }).toString().slice(2),
    ...(digits.length >= 7 ? [`+${digits}`, digits] : [])
  ]
}

// A short value would match inside of words: it must stand alone.
const toPattern = (text: string): string =>
  text.length < 4 ? `(?<![\\p{L}\\p{N}])${escapeRegExp(text)}(?![\\p{L}\\p{N}])` : escapeRegExp(text)

const emailLike = /[^\s@<>"'(),;:]+@[^\s@<>"'(),;:]+\.[^\s@<>"'(),;:]+/gu
const numberLike = /\+?\d(?:[\s().-]?\d){6,}/gu

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
  const places = new Map<string, string>()
  for (const [value, place] of found) {
    for (const spelling of spellings(value)) {
      const key = spelling.toLowerCase()
      if (!places.has(key)) places.set(key, place)
    }
  }
  const pattern = [...places.keys()].toSorted((a, b) => b.length - a.length).map(toPattern)
  const known = pattern.length === 0 ? undefined : new RegExp(pattern.join("|"), "giu")
  return (input) => {
    let out =
      known === undefined ? input : input.replace(known, (match) => `<${places.get(match.toLowerCase()) ?? "value"}>`)
    // What the request did not carry may still be about somebody.
    out = out.replace(emailLike, "<email>").replace(numberLike, "<number>").replace(/\s+/gu, " ").trim()
    const points = Array.from(out)
    return points.length <= maxLength ? out : `${points.slice(0, maxLength - 1).join("")}…`
  }
}
