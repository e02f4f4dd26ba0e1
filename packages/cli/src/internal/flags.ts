/** Constructors of flags. */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { UsageError } from "./usageError.ts"

/** A flag that takes text. */
export const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))

/** A flag that takes no value, and is off by default. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

/** Splits `KEY=VALUE` at its first equals sign. */
export const parsePair = (flag: string, pair: string) => {
  const at = pair.indexOf("=")
  return at > 0
    ? Effect.succeed([pair.slice(0, at), pair.slice(at + 1)] as const)
    : Effect.fail(new UsageError({ message: `--${flag}: Expected KEY=VALUE` }))
}
