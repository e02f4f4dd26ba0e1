/** `agentalk contacts delete`. */
import { Contacts } from "@agentalk/core/Contacts"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Connection from "../connection.ts"
import { done, exampleId, id } from "../contactCommand.ts"
import { endIf, status } from "../exitStatus.ts"
import { toggle } from "../flags.ts"
import { Json } from "../globalFlags.ts"
import { note, print } from "../output.ts"
import { UsageError } from "../usageError.ts"

/** Asks whether to go on; where there is no terminal to ask on, nothing goes on. */
const confirm = Effect.gen(function* () {
  if (!(yield* TerminalCapabilities).canPrompt || (yield* Json)) {
    return yield* new UsageError({
      message: "a contact is deleted for good, and there is no terminal to ask on",
      advice: "Run the command again with --yes."
    })
  }
  const isSure = yield* Prompt.run(Prompt.Confirm({ message: "Delete this contact for good?" }))
  return yield* Effect.andThen(isSure ? Effect.void : note("Nothing was deleted."), endIf(!isSure, status.refused))
})

export const deleteContact = Command.make(
  "delete",
  {
    id,
    yes: toggle("yes", "Do not ask").pipe(Flag.withAlias("y"))
  },
  ({ id, yes }) =>
    Effect.gen(function* () {
      const contacts = yield* Contacts
      if (!yes) yield* confirm
      yield* contacts.delete(id)
      yield* print({ deleted: id }, () => [done("deleted")])
    })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription("Delete a contact for good"),
  Command.withExamples([
    {
      command: `agentalk contacts delete ${exampleId} --yes`,
      description: "Delete without asking"
    }
  ])
)
