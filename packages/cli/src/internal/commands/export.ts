/** `agentalk contacts export`. */
import * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as ContactFile from "@agentalk/import/ContactFile"
import * as Connection from "../connection.ts"
import { formatFlag, typedFlag } from "../fileFlags.ts"
import { text, toggle } from "../flags.ts"
import { Json } from "../globalFlags.ts"
import { count } from "../numbers.ts"
import { note, noteInterrupted, print } from "../output.ts"
import { searchFlags, toQuery } from "../searchFlags.ts"
import { UsageError } from "../usageError.ts"

const pageSize = 100

export const exportContacts = Command.make(
  "export",
  {
    ...searchFlags,
    format: formatFlag,
    typed: typedFlag("CSV keeps numbers and the like, for import --typed"),
    force: toggle("force", "Replace a file that is there already"),
    out: text("out", "FILE", "Where to write; - (the default) is standard output").pipe(
      Flag.withDefault(ContactFile.standard)
    )
  },
  ({ force, format, name, out, phone, typed }) =>
    Effect.gen(function* () {
      const query = yield* toQuery({ name, phone })
      const isJson = yield* Json
      const isStandard = out === ContactFile.standard
      const named = Option.getOrUndefined(Option.orElse(format, () => ContactFile.formatOf(out)))
      if (named === undefined && !isStandard) {
        return yield* new UsageError({
          message: "the name given with --out does not tell the format",
          advice: "End it in .csv, .ndjson or .jsonl, or say --format csv or --format ndjson."
        })
      }
      const chosen = named ?? (isJson ? "ndjson" : "csv")
      if (isJson && isStandard && chosen === "csv") {
        return yield* new UsageError({
          message: "--json and --format csv ask for two things on standard output",
          advice: "Leave one of them out, or write the CSV to a file with --out."
        })
      }
      let found = 0
      const contacts = ContactsStream.search(query, { pageSize }).pipe(
        Stream.tap(() => Effect.sync(() => void found++))
      )
      yield* ContactFile.write(contacts, out, { format: chosen, overwrite: force, typed }).pipe(
        Effect.onInterrupt(() =>
          noteInterrupted(
            isStandard ? "the output is incomplete." : "nothing was written to the file.",
            "Run the command again for all of it."
          )
        ),
        Effect.mapError((error) =>
          error._tag === "FileFault" && error.code === "EEXIST"
            ? new UsageError({
                message: error.message,
                advice: "Replace it with --force, or name another file with --out."
              })
            : error
        )
      )
      const line = `${count(found, "contact")} exported`
      // Standard output holds the contacts alone.
      return yield* isStandard ? note(line) : print({ contacts: found, out }, () => [line])
    })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription(
    [
      "Export the contacts that a search finds. The API cannot list all contacts:",
      "it only finds them by a part of the name, by phone number, or both.",
      "",
      "  NDJSON holds all that is known, and imports again as it was. CSV is for",
      "  spreadsheets: it leaves out ids, and values become text, unless --typed is",
      "  given here and to import. Tags are joined with |, a field that is called",
      "  like a column is field:NAME, and what looks like a formula begins with '.",
      "  The file is for its owner only, and appears when it is whole."
    ].join("\n")
  ),
  Command.withShortDescription("Export the contacts that a search finds"),
  Command.withExamples([
    { command: "agentalk contacts export --name jane --out janes.csv", description: "To a file" },
    { command: "agentalk contacts export --name jane --format ndjson | jq .id", description: "To another program" }
  ])
)
