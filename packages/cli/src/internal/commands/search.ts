/** `agentalk contacts search`. */
import { Contacts } from "@agentalk/core/Contacts"
import * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Connection from "../connection.ts"
import { contactJson, contactTable } from "../contactView.ts"
import { toggle } from "../flags.ts"
import { Json } from "../globalFlags.ts"
import { formatNumber } from "../numbers.ts"
import { note, noteInterrupted, print, terminalWidth } from "../output.ts"
import { searchFlags, toQuery } from "../searchFlags.ts"
import { paint } from "../terminalText.ts"
import { UsageError } from "../usageError.ts"

/** Prints every page when it arrives: one JSON line per contact, or one table. */
const printAll = (query: ContactsStream.Query, pageSize: number | undefined) =>
  Effect.gen(function* () {
    const isJson = yield* Json
    const width = yield* terminalWidth
    let count = 0
    yield* ContactsStream.pages(query, { pageSize }).pipe(
      Stream.runForEach(({ contacts }) => {
        const lines = isJson
          ? contacts.map((contact) => JSON.stringify(contactJson(contact)))
          : contactTable(contacts, width).slice(count === 0 ? 0 : 1)
        count += contacts.length
        return lines.length === 0 ? Effect.void : Console.log(lines.join("\n"))
      }),
      Effect.onInterrupt(() => noteInterrupted("the output is incomplete.", "Run the command again."))
    )
    yield* note(count === 0 ? "No contact matches." : `${formatNumber(count)} found`)
  })

export const search = Command.make(
  "search",
  {
    ...searchFlags,
    limit: Flag.Int("limit").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("The page size (default 50, set by the API)"),
      Flag.optional
    ),
    offset: Flag.Int("offset").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("The number of contacts to skip (default 0)"),
      Flag.optional
    ),
    all: toggle("all", "Print all pages; --limit is the page size")
  },
  ({ all, limit, name, offset, phone }) =>
    Effect.gen(function* () {
      const query = yield* toQuery({ name, phone })
      if (all) {
        yield* Option.isSome(offset)
          ? new UsageError({ message: "--all and --offset cannot be combined" })
          : printAll(query, Option.getOrUndefined(limit))
        return
      }
      const contacts = yield* Contacts
      const page = yield* contacts.search({
        ...query,
        limit: Option.getOrUndefined(limit),
        offset: Option.getOrUndefined(offset)
      })
      const total = Option.getOrNull(page.total)
      yield* print({ contacts: page.contacts.map(contactJson), total }, (width) =>
        page.contacts.length === 0
          ? ["No contact matches."]
          : [
              ...contactTable(page.contacts, width),
              paint("dim", `${page.contacts.length} ${total === null ? "" : `of ${total} `}shown`)
            ]
      )
    })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription("Find contacts by a part of the name, by phone number, or by both"),
  Command.withExamples([
    { command: "agentalk contacts search --name jane", description: "The first page of the contacts named jane" },
    {
      command: "agentalk contacts search --name jane --all --json",
      description: "All contacts named jane, one JSON line each"
    }
  ])
)
