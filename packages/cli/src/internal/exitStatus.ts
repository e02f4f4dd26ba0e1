/** The exit status of the command. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The exit statuses besides 0. */
export const exitStatus = {
  /** The API refused the request, the network failed, an import stopped, or a deletion was not confirmed. */
  failed: 1,
  /** Wrong usage or configuration, or a file cannot be read or written. */
  usage: 2,
  /** An import finished, and some rows are invalid or failed. */
  rowsFailed: 3,
  interrupted: 130
} as const

/** Ends the command with a status. The command has already printed the reason. */
export class Exit extends Schema.TaggedError<Exit>("@agentalk/cli/Exit")("Exit", { status: Schema.Int }) {}

/** Ends the command with a status if the condition holds. */
export const exitIf = (condition: boolean, status: number): Effect.Effect<void, Exit> =>
  condition ? Effect.fail(new Exit({ status })) : Effect.void
