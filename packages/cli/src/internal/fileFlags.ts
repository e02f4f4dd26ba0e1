/** The flags that `import` and `export` share. */
import { Format } from "@agentalk/import/ContactFile"
import * as Flag from "effect/cli/Flag"
import { toggle } from "./flags.ts"

export const formatFlag = Flag.Literals("format", Format.literals).pipe(
  Flag.withMetavar("FORMAT"),
  Flag.withDescription("Format, if not in the file name"),
  Flag.optional
)

export const typedFlag = (description: string) => toggle("typed", description)
