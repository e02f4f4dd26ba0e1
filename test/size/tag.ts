/** Code that uses only the service tag, as most modules of an application do. */
import { Contacts } from "@agentalk/core/Contacts"
import * as Effect from "effect/Effect"

export const program = Effect.flatMap(Contacts, (contacts) => contacts.upsert({ phone: "+15551234567" }))
