/** `agentalk contacts export`. */
import * as ContactsStream from "@agentalk/core/ContactsStream"
import * as ContactFile from "@agentalk/import/ContactFile"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Connection from "../connection.ts"
import { formatFlag, typedFlag } from "../fileFlags.ts"
import { text, toggle } from "../flags.ts"
import { Json } from "../globalFlags.ts"
import { count } from "../numbers.ts"
import { note, noteInterrupted, print } from "../output.ts"
import { searchFlags, toQuery } from "../searchFlags.ts"
import { UsageError } from "../usageError.ts"

const pageSize = 100

/** The format of the output: by its flag, otherwise by the file name, otherwise by --json. */
const chooseFormat = (out: string, flag: Option.Option<ContactFile.Format>) =>
  Effect.gen(function* () {
    const isJson = yield* Json
    const isStandard = out === ContactFile.standard
    const known = Option.getOrUndefined(Option.orElse(flag, () => ContactFile.formatOf(out)))
    if (known === undefined && !isStandard) {
      return yield* new UsageError({
        message: "--out: the file name does not show the format",
        advice: "Use a name that ends in .csv, .ndjson or .jsonl, or add --format."
      })
    }
    const format = known ?? (isJson ? "ndjson" : "csv")
    if (isJson && isStandard && format === "csv") {
      return yield* new UsageError({
        message: "--json and --format csv cannot be combined on standard output",
        advice: "Omit one of them, or write the CSV to a file with --out."
      })
    }
    return format
  })

export const exportContacts = Command.make(
  "export",
  {
    ...searchFlags,
    format: formatFlag,
    typed: typedFlag("Keep numbers, true and false in CSV, for import --typed"),
    force: toggle("force", "Replace an existing file"),
    out: text("out", "FILE", "The output file; - is standard output (default)").pipe(
      Flag.withDefault(ContactFile.standard)
    )
  },
  ({ force, name, out, phone, typed, ...flags }) =>
    Effect.gen(function* () {
      const query = yield* toQuery({ name, phone })
      const format = yield* chooseFormat(out, flags.format)
      const isStandard = out === ContactFile.standard
      let exported = 0
      const contacts = ContactsStream.search(query, { pageSize }).pipe(
        Stream.tap(() => Effect.sync(() => void exported++))
      )
      yield* ContactFile.write(contacts, out, { format, overwrite: force, typed }).pipe(
        Effect.onInterrupt(() =>
          noteInterrupted(
            isStandard ? "the output is incomplete." : "the file was not written.",
            "Run the command again."
          )
        ),
        Effect.mapError((error) =>
          error._tag === "FileFault" && error.code === "EEXIST"
            ? new UsageError({
                message: error.message,
                advice: "Replace the file with --force, or use another name with --out."
              })
            : error
        )
      )
      const line = `${count(exported, "contact")} exported`
      // Standard output must contain only the contacts.
      return yield* isStandard ? note(line) : print({ contacts: exported, out }, () => [line])
    })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription(
    [
      "Export the contacts that a search finds. The API cannot list all contacts:",
      "it only finds them by a part of the name, by phone number, or by both.",
      "",
      "  NDJSON contains all data of a contact. CSV is for spreadsheets: it omits ids,",
      "  and custom fields become text unless you use --typed here and in the import.",
      "  Tags are separated by |. A custom field with the name of a column is written",
      "  as field:NAME. Text that looks like a formula is written with a ' before it.",
      "  Only the owner can read the file. The file appears when it is complete."
    ].join("\n")
  ),
  Command.withShortDescription("Export the contacts that a search finds"),
  Command.withExamples([
    { command: "agentalk contacts export --name jane --out janes.csv", description: "To a file" },
    { command: "agentalk contacts export --name jane --format ndjson | jq .id", description: "To another program" }
  ])
)
