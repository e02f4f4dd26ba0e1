/** The flags of `import` and `export` that say how a file is read or written. */
import * as Flag from "effect/cli/Flag"
import { toggle } from "./flags.ts"

export const formatFlag = Flag.Literals("format", ["csv", "ndjson"]).pipe(
  Flag.withMetavar("FORMAT"),
  Flag.withDescription("If its name does not tell it"),
  Flag.optional
)

export const typedFlag = (description: string) => toggle("typed", description)
