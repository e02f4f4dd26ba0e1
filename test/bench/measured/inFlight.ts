/**
 * Measures the memory of a call under way: the heap with many calls that wait for a response, minus the heap before,
 * divided by their number. It sends a message when the calls are under way, and the result after the next message, when
 * the calls have ended. Requires `--expose-gc`.
 */
import type { Connect } from "../block.ts"

const [, , module = "", server = "", count = "10000"] = process.argv
const { connect } = (await import(`../contenders/${module}.ts`)) as { readonly connect: Connect }
const calls = Number(count)

const settle = () => new Promise((resolve) => setTimeout(resolve, 500))

const memoryInUse = async (): Promise<number> => {
  // One collection may make further objects collectable, so a few collections run.
  for (let n = 0; n < 5; n++) {
    await settle()
    globalThis.gc?.()
  }
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

const warm = connect(server)
await warm(20_000, 64)
const block = connect(`${server}/held`)
const before = await memoryInUse()
const all = block(calls, calls)
const bytes = ((await memoryInUse()) - before) / calls
process.on("message", () => void all.then(() => process.send?.(bytes)))
process.on("disconnect", () => process.exit())
process.send?.("under way")
