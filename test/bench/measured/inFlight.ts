/**
 * What a call under way keeps in memory: the heap with so many of them unanswered, less the heap before. It answers when
 * asked to begin, and again when the calls have ended. Needs `--expose-gc`.
 */
import type { Connect } from "../block.ts"

const [, , module = "", server = "", count = "10000"] = process.argv
const { connect } = (await import(`../contenders/${module}.ts`)) as { readonly connect: Connect }
const calls = Number(count)

const settled = () => new Promise((resolve) => setTimeout(resolve, 500))

const kept = async (): Promise<number> => {
  // The heap is at rest after a few: what a collection frees may hold more.
  for (let n = 0; n < 5; n++) {
    await settled()
    globalThis.gc?.()
  }
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

const warm = connect(server)
await warm(20_000, 64)
const block = connect(`${server}/held`)
const before = await kept()
const all = block(calls, calls)
const bytes = ((await kept()) - before) / calls
process.on("message", () => void all.then(() => process.send?.(bytes)))
process.on("disconnect", () => process.exit())
process.send?.("under way")
