/** How results look: JSON for programs; aligned text, without control characters, for people. */
import type { Contact } from "@agentalk/core/Contact"
import * as CliOutput from "effect/cli/CliOutput"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { styleText } from "node:util"
import { Json, Quiet } from "./flags.ts"

type Style = Parameters<typeof styleText>[0]

/** Colours a text for standard output, if that is a terminal that shows colours and NO_COLOR is not set. */
export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })

/** Like `paint`, for standard error. */
export const paintError = (style: Style, text: string): string => styleText(style, text, { stream: process.stderr })

/** Text from elsewhere as one line that cannot steer a terminal: control and bidirectional characters are shown. */
export const plain = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (each) =>
    each === "\n" || each === "\t" ? " " : "\ufffd"
  )

/** Cuts a text to a width in terminal columns. */
export const fit = (text: string, width: number): string => {
  if (CliOutput.displayWidth(text) <= width) return text
  let out = ""
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (CliOutput.displayWidth(out + segment) > width - 1) break
    out += segment
  }
  return `${out}…`
}

const pad = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - CliOutput.displayWidth(text)))

/** Breaks a text between words, so that it fits beside an indentation of that many columns. */
export const wrap = (text: string, indent: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of plain(text).split(" ")) {
    const last = lines.at(-1)
    const fits = last !== undefined && CliOutput.displayWidth(`${last} ${word}`) <= terminalWidth() - indent
    if (fits) lines.splice(-1, 1, `${last} ${word}`)
    else lines.push(word)
  }
  return lines
}

/** The width to keep to: that of the terminal, or 80 columns where it tells none. */
const terminalWidth = (): number => process.stdout.columns || 80

/**
 * A table that fits the terminal: columns without content are left out, the others are as wide as it; where there is no room,
 * the later ones are cut, then left out. The first column is never cut.
 */
const table = (
  headings: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  width = terminalWidth()
): ReadonlyArray<string> => {
  const shown = headings.flatMap((_, index) => (index === 0 || rows.some((row) => row[index]) ? [index] : []))
  const titles = shown.map((index) => headings[index] ?? "")
  const cells = rows.map((row) => shown.map((index) => plain(row[index] ?? "")))
  const gap = 2
  const minimum = 8
  const widths: Array<number> = []
  let left = width
  for (const [index, heading] of titles.entries()) {
    const natural = Math.max(...[heading, ...cells.map((row) => row[index] ?? "")].map(CliOutput.displayWidth))
    const room = left - (index === 0 ? 0 : gap)
    if (index > 0 && room < Math.min(natural, minimum)) break
    widths.push(index === 0 ? natural : Math.min(natural, room))
    left = room - (widths.at(-1) ?? 0)
  }
  const line = (row: ReadonlyArray<string>) =>
    widths
      .map((width, index) => pad(fit(row[index] ?? "", index === 0 ? Infinity : width), width))
      .join(" ".repeat(gap))
      .trimEnd()
  return [paint("bold", line(titles)), ...cells.map(line)]
}

const nameOf = ({ firstName, lastName }: Contact): string => [firstName, lastName].filter(Boolean).join(" ")

/** Contacts as a table. */
export const contactTable = (contacts: ReadonlyArray<Contact>, width?: number): ReadonlyArray<string> =>
  table(
    ["ID", "PHONE", "NAME", "E-MAIL", "TAGS"],
    contacts.map((contact) => [
      contact.id,
      contact.phone ?? "",
      nameOf(contact),
      contact.email ?? "",
      (contact.tags ?? []).map(({ name }) => name).join(", ")
    ]),
    width
  )

/** One contact as lines of names and values. */
export const contactLines = (contact: Contact): ReadonlyArray<string> => {
  const entries: ReadonlyArray<readonly [string, string | undefined]> = [
    ["id", contact.id],
    ["phone", contact.phone],
    ["name", nameOf(contact)],
    ["e-mail", contact.email],
    ["tags", contact.tags?.map(({ name }) => name).join(", ")],
    ...Object.entries(contact.fields ?? {}).map(
      ([key, value]) => [plain(key), typeof value === "string" ? value : JSON.stringify(value)] as const
    )
  ]
  const shown = entries.flatMap(([name, value]) => (value ? [[name, plain(value)] as const] : []))
  const width = Math.min(24, Math.max(...shown.map(([name]) => CliOutput.displayWidth(name))))
  return shown.map(([name, value]) => `  ${paint("dim", pad(name, width))}  ${value}`)
}

/** A contact as JSON shows it: what its type names, without `extra`'s own key when it is empty. */
export const contactJson = ({ extra, tags, ...contact }: Contact) => ({
  ...contact,
  ...(tags && { tags: tags.map(({ name }) => name) }),
  ...(Object.keys(extra).length > 0 && { extra })
})

/** Prints a result: `json` with --json, else `lines`. */
export const print = (json: unknown, lines: () => ReadonlyArray<string>) =>
  Effect.flatMap(Json, (isJson) => Console.log(isJson ? JSON.stringify(json) : lines().join("\n")))

/** Tells something on standard error, unless --quiet; with --json that is for errors alone. */
export const note = (line: string) =>
  Effect.gen(function* () {
    if (!(yield* Quiet) && !(yield* Json)) yield* Console.error(line)
  })

/** Tells on standard error that a command was interrupted, and what that means. */
export const noteInterrupted = (message: string, advice: string) =>
  Effect.flatMap(Json, (isJson) =>
    Console.error(
      isJson ? JSON.stringify({ error: { tag: "Interrupted", message, advice } }) : `Interrupted: ${message}\n${advice}`
    )
  )

/** A number of things, as a person writes it. */
export const count = (value: number, one: string, many = `${one}s`): string =>
  `${value.toLocaleString("en")} ${value === 1 ? one : many}`
