/**
 * Makes functions of the schemas through which every call goes: inputs, and the contacts in answers.
 *
 * `AgentalkNode` does so by itself. Elsewhere it is left to the program, for the compiler adds about 10 KB to a bundle,
 * and runtimes that forbid `new Function`, as workers do, go on without it: a little slower, with the same results.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Compiler from "effect/schema/SchemaJITCompiler"
import * as SchemaAST from "effect/SchemaAST"
import { schemas } from "./internal/inputs.ts"
import { Received } from "./internal/read.ts"

/**
 * Compiles these schemas, each when it is first used. Only the schemas of this SDK are compiled, never a program's own.
 * To be done before the first call: a schema that has been used stays as it is.
 *
 * @category constructors
 * @since 0.1.0
 */
export const enable: Effect.Effect<void> = Effect.sync(() => {
  for (const { ast } of [Received, ...Object.values(schemas)]) Compiler.enable(SchemaAST.toType(ast))
})
