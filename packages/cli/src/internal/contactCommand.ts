/** What the commands that make one call share: the connection, the id, and how the contact is printed. */
import type { Contact } from "@agentalk/core/Contact"
import * as Argument from "effect/cli/Argument"
import * as Option from "effect/Option"
import { contactJson, contactLines } from "./contactView.ts"
import { print } from "./output.ts"
import { paint } from "./terminalText.ts"

export const id = Argument.String("id").pipe(Argument.withDescription("The id of the contact, a UUID"))

export const exampleId = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

export const done = (text: string) => `${paint("green", "✓")} ${text}`

/** Prints that a call succeeded, and the contact if the response included it. */
export const printContact = (text: string, contact: Option.Option<Contact>) =>
  print({ contact: Option.getOrNull(Option.map(contact, contactJson)) }, () => [
    done(text),
    ...Option.match(contact, { onNone: () => [], onSome: contactLines })
  ])
