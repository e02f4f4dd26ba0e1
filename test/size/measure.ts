/** Measures the size of a deployed program: bundled with all its imports, minified and compressed. */
import { isBuiltin } from "node:module"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"

/** The programs beside this file. */
export type Program = "bareHttpApi" | "everything" | "fetchClient" | "tag"

export interface Size {
  /** Bytes, minified. */
  readonly minified: number
  /** Bytes, minified and compressed by gzip at level 9. */
  readonly gzip: number
}

/** Bundles a program with all its imports, and returns the minified chunks. */
export const bundle = async (input: string, platform: "browser" | "node") => {
  const build = await rolldown({ input, platform, logLevel: "silent" })
  try {
    const { output } = await build.generate({ format: "esm", minify: true })
    const chunks = output.filter((file) => file.type === "chunk")
    // The bundler omits unresolved imports with a warning, which would make the program look smaller.
    const own = new Set(chunks.map(({ fileName }) => fileName))
    const missing = chunks.flatMap(({ imports }) => imports).filter((name) => !own.has(name) && !isBuiltin(name))
    if (missing.length > 0) throw new Error(`The bundle of ${input} has unresolved imports: ${missing.join(", ")}`)
    return chunks
  } finally {
    await build.close()
  }
}

export const measure = async (program: Program): Promise<Size> => {
  const platform = program === "everything" ? "node" : "browser"
  const chunks = await bundle(join(import.meta.dirname, `${program}.ts`), platform)
  const code = chunks.map((chunk) => Buffer.from(chunk.code))
  return {
    minified: code.reduce((total, { length }) => total + length, 0),
    gzip: code.reduce((total, chunk) => total + gzipSync(chunk, { level: 9 }).length, 0)
  }
}
