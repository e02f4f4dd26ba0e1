/** `agentalk contacts set-fields` and `clear-field`. */
import { Contacts } from "@agentalk/core/Contacts"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Connection from "../connection.ts"
import { exampleId, idArgument, printSuccess } from "../contactCommand.ts"
import { fieldFlags, toFields } from "../fieldFlags.ts"
import { UsageError } from "../usageError.ts"

const setFields = Command.make("set-fields", { id: idArgument, ...fieldFlags }, ({ id, ...flags }) =>
  Effect.gen(function* () {
    const fields = yield* toFields(flags)
    if (fields === undefined) return yield* new UsageError({ message: "set-fields requires --field or --field-json" })
    const contacts = yield* Contacts
    return yield* printSuccess("fields set", yield* contacts.updateFields(id, fields))
  })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription("Set custom fields of a contact. Other fields stay unchanged."),
  Command.withExamples([
    {
      command: `agentalk contacts set-fields ${exampleId} \\\n    --field city=Lisbon --field plan=pro`,
      description: "Set two fields"
    },
    { command: `agentalk contacts set-fields ${exampleId} \\\n    --field-json seats=5`, description: "Set a number" }
  ])
)

const keyArgument = Argument.String("key").pipe(
  Argument.withDescription("A custom field, or a built-in field such as email")
)

const clearField = Command.make("clear-field", { id: idArgument, key: keyArgument }, ({ id, key }) =>
  Effect.gen(function* () {
    const contacts = yield* Contacts
    yield* printSuccess("field cleared", yield* contacts.clearField(id, key))
  })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription("Clear one field of a contact"),
  Command.withExamples([
    { command: `agentalk contacts clear-field ${exampleId} email`, description: "Clear the e-mail address" }
  ])
)

export const fieldCommands = [setFields, clearField] as const
