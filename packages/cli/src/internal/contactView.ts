/** A contact as a row of a table, as lines, and as JSON. */
import type { Contact } from "@agentalk/core/Contact"
import { type Attribute, attributeNames, attributes } from "@agentalk/core/unstable"
import * as CliOutput from "effect/cli/CliOutput"
import { table } from "./table.ts"
import { pad, paint, plain } from "./terminalText.ts"

/** The titles of the columns, each with its attributes. Attributes with the same title share a column. */
const columns = [...Map.groupBy(attributeNames, (name) => attributes[name].title)]

const textOf = (value: Contact[Attribute]): string =>
  typeof value === "string" ? value : (value ?? []).map(({ name }) => name).join(", ")

/** The text of one contact in one column. */
const cellOf = (contact: Contact, names: ReadonlyArray<Attribute>): string =>
  names
    .map((name) => textOf(contact[name]))
    .filter((text) => text !== "")
    .join(" ")

/** Contacts as a table. */
export const contactTable = (contacts: ReadonlyArray<Contact>, width: number): ReadonlyArray<string> =>
  table(
    [
      { heading: "ID", cells: contacts.map(({ id }) => id) },
      ...columns.map(([title, names]) => ({
        heading: title.toUpperCase(),
        cells: contacts.map((contact) => cellOf(contact, names))
      }))
    ],
    width
  )

/** One contact as lines, each with a title and a value. */
export const contactLines = (contact: Contact): ReadonlyArray<string> => {
  const entries: ReadonlyArray<readonly [string, string]> = [
    ["id", contact.id],
    ...columns.map(([title, names]) => [title, cellOf(contact, names)] as const),
    ...Object.entries(contact.fields ?? {}).map(
      ([key, value]) => [plain(key), typeof value === "string" ? value : JSON.stringify(value)] as const
    )
  ]
  const shown = entries.flatMap(([name, value]) => (value === "" ? [] : [[name, plain(value)] as const]))
  const width = Math.min(24, Math.max(...shown.map(([name]) => CliOutput.displayWidth(name))))
  return shown.map(([name, value]) => `  ${paint("dim", pad(name, width))}  ${value}`)
}

/** A contact as --json prints it: tags by their names, and `extra` only if it is not empty. */
export const contactJson = ({ extra, tags, ...contact }: Contact) => ({
  ...contact,
  ...(tags && { tags: tags.map(({ name }) => name) }),
  ...(Object.keys(extra).length > 0 && { extra })
})
