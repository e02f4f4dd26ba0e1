/** Calls an operation by its name, for code that handles all operations in the same way. */
import type * as Effect from "effect/Effect"
import type { AgentalkError } from "../AgentalkError.ts"
import type { Contacts } from "../Contacts.ts"
import type { Operation } from "../Operations.ts"
import { factsOf } from "./operation.ts"

/** Calls the method of an operation. It takes either the whole input, or the values of the input as arguments. */
export const callOperation = (
  contacts: Contacts["Service"],
  operation: Operation,
  input: Readonly<Record<string, unknown>>
): Effect.Effect<unknown, AgentalkError> => {
  const { argumentNames } = factsOf(operation)
  const method = contacts[operation] as (...values: ReadonlyArray<unknown>) => Effect.Effect<unknown, AgentalkError>
  return argumentNames === undefined ? method(input) : method(...argumentNames.map((name) => input[name]))
}
