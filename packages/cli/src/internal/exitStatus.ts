/** The exit status of the command. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Exit statuses besides 0: `refused` by the API or the network, `usage` or configuration, rows `left` out. */
export const status = { refused: 1, usage: 2, left: 3, interrupted: 130 } as const

/** A command ends with a status of its own, having said why. */
export class Ended extends Schema.TaggedError<Ended>("@agentalk/cli/Ended")("Ended", { status: Schema.Int }) {}

/** Ends the command with a status, if it must. */
export const endIf = (condition: boolean, status: number): Effect.Effect<void, Ended> =>
  condition ? Effect.fail(new Ended({ status })) : Effect.void
