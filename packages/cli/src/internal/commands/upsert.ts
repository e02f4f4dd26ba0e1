/** `agentalk contacts upsert`. */
import { Contacts } from "@agentalk/core/Contacts"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { attributeFlags } from "../attributeFlags.ts"
import * as Connection from "../connection.ts"
import { successLine } from "../contactCommand.ts"
import { contactJson, contactLines } from "../contactView.ts"
import { fieldFlags, toFields } from "../fieldFlags.ts"
import { print } from "../output.ts"

export const upsert = Command.make(
  "upsert",
  { attributes: attributeFlags, ...fieldFlags },
  ({ attributes, ...flags }) =>
    Effect.gen(function* () {
      const fields = yield* toFields(flags)
      const contacts = yield* Contacts
      const { contact, isNew } = yield* contacts.upsert({ ...attributes, fields })
      yield* print({ contact: contactJson(contact), isNew }, () => [
        successLine(isNew ? "created" : "updated"),
        ...contactLines(contact)
      ])
    })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription(
    "Create a contact, or update the contact with the same phone number.\n  Omitted values stay unchanged."
  ),
  Command.withShortDescription("Create a contact, or update the contact with the same phone number"),
  Command.withExamples([
    {
      command: 'agentalk contacts upsert --phone "+1 202 555 0143" --first-name Jane --tag vip',
      description: "Create or update a contact"
    }
  ])
)
