/**
 * Compiles the schemas that every call uses: the inputs, and the contacts in responses.
 *
 * `AgentalkNode` compiles them by default. On other platforms the program decides, because the compiler adds about 10
 * KB to a bundle. If a runtime forbids `new Function`, as Workers do, nothing is compiled: the results are the same, a
 * little slower.
 */
import * as Effect from "effect/Effect"
import * as Compiler from "effect/schema/SchemaJITCompiler"
import * as SchemaAST from "effect/SchemaAST"
import { operations } from "../../Operations.ts"
import { ParsedContact } from "../wire/readers.ts"

/**
 * Enables the compiler for these schemas only, never for the schemas of the program. Each schema is compiled at its
 * first use. Run this before the first call, because a schema that was used before stays interpreted.
 */
export const enableJit: Effect.Effect<void> = Effect.sync(() => {
  const inputs = Object.values(operations).map(({ input }) => input)
  for (const { ast } of [ParsedContact, ...inputs]) Compiler.enable(SchemaAST.toType(ast))
})
