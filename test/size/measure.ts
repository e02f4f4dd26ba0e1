/** What a program weighs as it is deployed: bundled with all that it imports, minified, compressed. */
import { isBuiltin } from "node:module"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"

/** The programs beside this file. */
export type Program = "bareHttpApi" | "everything" | "fetchClient" | "tag"

export interface Size {
  /** Bytes, minified. */
  readonly minified: number
  /** Bytes, minified and compressed by gzip at its best. */
  readonly gzip: number
}

/** The chunks of a program with all that it imports, minified. */
export const bundle = async (input: string, platform: "browser" | "node") => {
  const build = await rolldown({ input, platform, logLevel: "silent" })
  try {
    const { output } = await build.generate({ format: "esm", minify: true })
    const chunks = output.filter((file) => file.type === "chunk")
    // What is not found is left out with a warning, and would make the program lighter than it is.
    const own = new Set(chunks.map(({ fileName }) => fileName))
    const missing = chunks.flatMap(({ imports }) => imports).filter((name) => !own.has(name) && !isBuiltin(name))
    if (missing.length > 0) throw new Error(`${input} is not whole: ${missing.join(", ")}`)
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
