/**
 * Compiles the schemas that every call uses: the inputs, and the contacts in responses.
 *
 * `AgentalkNode` does so by itself. Elsewhere the program decides, because the compiler adds about 10 KB to a bundle.
 * Runtimes that forbid `new Function`, such as Workers, return the same results a little slower.
 */
import * as Effect from "effect/Effect"
import * as Compiler from "effect/schema/SchemaJITCompiler"
import * as SchemaAST from "effect/SchemaAST"
import { operations } from "../../Operations.ts"
import { ParsedContact } from "./readers.ts"

/**
 * Compiles these schemas, each when it is first used. Only schemas of this SDK are compiled, never those of a program.
 * Run it before the first call, because a schema that was used before stays interpreted.
 */
export const enableJit: Effect.Effect<void> = Effect.sync(() => {
  const inputs = Object.values(operations).map(({ input }) => input)
  for (const { ast } of [ParsedContact, ...inputs]) Compiler.enable(SchemaAST.toType(ast))
})
