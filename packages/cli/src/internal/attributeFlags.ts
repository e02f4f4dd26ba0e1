/** The flags of `agentalk contacts upsert` for the built-in attributes, derived from the attributes table of core. */
import type { UpsertInput } from "@agentalk/core/Contact"
import { type Attribute, attributeNames, attributes } from "@agentalk/core/unstable"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import * as SchemaAST from "effect/SchemaAST"
import { text } from "./flags.ts"

const flagOf = (attribute: Attribute): Flag.Flag<UpsertInput[Attribute]> => {
  const { contract, flag } = attributes[attribute]
  const single = text(flag.name, flag.metavar, flag.description)
  if (SchemaAST.isArrays(contract.ast)) {
    return single.pipe(
      Flag.atLeast(0),
      Flag.map((values) => (values.length === 0 ? undefined : values))
    )
  }
  return SchemaAST.isOptional(contract.ast) ? Flag.map(Flag.optional(single), Option.getOrUndefined) : single
}

/** One flag per attribute. Its value is `undefined` if the flag is omitted. */
export const attributeFlags = Object.fromEntries(attributeNames.map((name) => [name, flagOf(name)])) as {
  readonly [K in Attribute]: Flag.Flag<UpsertInput[K]>
}
