/** `agentalk contacts export`. */
import * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as ContactFile from "../../ContactFile.ts"
import * as Connection from "./connection.ts"
import { queryFlags, text, toQuery } from "./contacts.ts"
import { UsageFault } from "./failure.ts"
import { Json } from "./flags.ts"
import { formatFlag } from "./importing.ts"
import { note, print } from "./output.ts"

const pageSize = 100

export const command = Command.make(
  "export",
  {
    ...queryFlags,
    format: formatFlag,
    out: text("out", "FILE", "Where to write; - (the default) is standard output").pipe(
      Flag.withDefault(ContactFile.standard)
    )
  },
  ({ format, name, out, phone }) =>
    Effect.gen(function* () {
      const query = yield* toQuery(name, phone)
      const isJson = yield* Json
      const isStandard = out === ContactFile.standard
      const chosen = Option.getOrElse(
        Option.orElse(format, () => ContactFile.formatOf(out)),
        (): ContactFile.Format => (isJson ? "ndjson" : "csv")
      )
      if (isJson && isStandard && chosen === "csv") {
        return yield* new UsageFault({
          message: "--json and --format csv ask for two things on standard output",
          advice: "Leave one of them out, or write the CSV to a file with --out."
        })
      }
      let count = 0
      const contacts = ContactsStream.search(query, { pageSize }).pipe(
        Stream.tap(() => Effect.sync(() => void count++))
      )
      yield* ContactFile.write(contacts, out, { format: chosen })
      const line = `${count.toLocaleString("en")} contacts exported`
      // Standard output holds the contacts alone.
      return yield* isStandard ? note(line) : print({ contacts: count, out }, () => [line])
    }).pipe(Effect.provide(Connection.layer()))
).pipe(
  Command.withDescription(
    [
      "Export the contacts that a search finds. The API cannot list all contacts:",
      "it only finds them by a part of the name, by phone number, or both.",
      "",
      "  NDJSON holds all that is known, and imports again as it was. CSV is for",
      "  spreadsheets: it knows text only, joins tags with ; and leaves out ids."
    ].join("\n")
  ),
  Command.withShortDescription("Export the contacts that a search finds"),
  Command.withExamples([
    { command: "agentalk contacts export --name jane --out janes.csv", description: "To a file" },
    { command: "agentalk contacts export --name jane --format ndjson | jq .id", description: "To another program" }
  ])
)
