/** `agentalk contacts delete`. */
import { Contacts } from "@agentalk/core/Contacts"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Connection from "../connection.ts"
import { exampleId, idArgument, successLine } from "../contactCommand.ts"
import { exitIf, exitStatus } from "../exitStatus.ts"
import { toggle } from "../flags.ts"
import { Json } from "../globalFlags.ts"
import { note, print } from "../output.ts"
import { UsageError } from "../usageError.ts"

/** Asks for confirmation, and ends the command if the user declines. */
const confirm = Effect.gen(function* () {
  if (!(yield* TerminalCapabilities).canPrompt || (yield* Json)) {
    return yield* new UsageError({
      message: "deleting a contact requires a confirmation, which is possible only on a terminal and without --json",
      advice: "Run the command again with --yes."
    })
  }
  const isConfirmed = yield* Prompt.run(Prompt.Confirm({ message: "Delete this contact permanently?" }))
  if (!isConfirmed) yield* note("Nothing was deleted.")
  return yield* exitIf(!isConfirmed, exitStatus.failed)
})

export const deleteContact = Command.make(
  "delete",
  { id: idArgument, yes: toggle("yes", "Do not ask for confirmation").pipe(Flag.withAlias("y")) },
  ({ id, yes }) =>
    Effect.gen(function* () {
      const contacts = yield* Contacts
      if (!yes) yield* confirm
      yield* contacts.delete(id)
      yield* print({ deleted: id }, () => [successLine("deleted")])
    })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription("Delete a contact permanently"),
  Command.withExamples([
    { command: `agentalk contacts delete ${exampleId} --yes`, description: "Delete without confirmation" }
  ])
)
