/** How a contact looks: as a table, as lines, as JSON. */
import type { Contact } from "@agentalk/core/Contact"
import * as CliOutput from "effect/cli/CliOutput"
import { table } from "./table.ts"
import { pad, paint, plain } from "./terminalText.ts"

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
