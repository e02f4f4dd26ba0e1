/** `agentalk contacts upsert`. */
import { Contacts } from "@agentalk/core/Contacts"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { done, withContacts } from "../contactCommand.ts"
import { contactJson, contactLines } from "../contactView.ts"
import { fieldFlags, parseFields } from "../fieldFlags.ts"
import { text } from "../flags.ts"
import { print } from "../output.ts"

export const upsert = Command.make(
  "upsert",
  {
    phone: text("phone", "PHONE", "The phone number, with its country code"),
    firstName: text("first-name", "NAME", "The first name").pipe(Flag.optional),
    lastName: text("last-name", "NAME", "The last name").pipe(Flag.optional),
    email: text("email", "E-MAIL", "The e-mail address").pipe(Flag.optional),
    tags: text("tag", "TAG", "A tag to assign; may be repeated").pipe(Flag.atLeast(0)),
    ...fieldFlags
  },
  ({ email, firstName, lastName, phone, tags, ...flags }) =>
    Effect.gen(function* () {
      const fields = yield* parseFields(flags)
      const contacts = yield* Contacts
      const { contact, isNew } = yield* contacts.upsert({
        phone,
        firstName: Option.getOrUndefined(firstName),
        lastName: Option.getOrUndefined(lastName),
        email: Option.getOrUndefined(email),
        tags: tags.length === 0 ? undefined : tags,
        fields
      })
      yield* print({ contact: contactJson(contact), isNew }, () => [
        done(isNew ? "created" : "updated"),
        ...contactLines(contact)
      ])
    }).pipe(withContacts)
).pipe(
  Command.withDescription(
    "Create a contact, or update the one with the same phone number.\n  What is left out stays as it is."
  ),
  Command.withExamples([
    {
      command: 'agentalk contacts upsert --phone "+1 202 555 0143" --first-name Jane --tag vip',
      description: "Create or update a contact"
    }
  ])
)
