/** The parts that commands for one contact share. */
import type { Contact } from "@agentalk/core/Contact"
import * as Argument from "effect/cli/Argument"
import * as Option from "effect/Option"
import { contactJson, contactLines } from "./contactView.ts"
import { print } from "./output.ts"
import { paint } from "./terminalText.ts"

/** The argument that names a contact. */
export const idArgument = Argument.String("id").pipe(Argument.withDescription("The id of the contact, a UUID"))

export const exampleId = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

/** The line that a successful command prints. */
export const successLine = (text: string) => `${paint("green", "✓")} ${text}`

/** Prints that a call succeeded, and the contact if the response included it. */
export const printSuccess = (text: string, contact: Option.Option<Contact>) =>
  print({ contact: Option.getOrNull(Option.map(contact, contactJson)) }, () => [
    successLine(text),
    ...Option.match(contact, { onNone: () => [], onSome: contactLines })
  ])
