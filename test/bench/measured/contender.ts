/** One contender in a process of its own: makes the blocks that it is asked for, and tells what they cost. */
import type { Connect } from "../block.ts"
import type { Cost, Order } from "../processes.ts"

const [, , module = "", server = ""] = process.argv
const { connect } = (await import(`../contenders/${module}.ts`)) as { readonly connect: Connect }
const block = connect(server)

const run = async ({ calls, concurrency }: Order): Promise<Cost> => {
  // While others had their turns, connections were closed and caches lost: a contender that rests pays for them again,
  // and the raw one, whose turn is every second, would not. So half a block is run before it is measured.
  await block(calls / 2, concurrency)
  const began = process.cpuUsage()
  const started = performance.now()
  await block(calls, concurrency)
  const seconds = (performance.now() - started) / 1000
  const { system, user } = process.cpuUsage(began)
  return { cpu: (system + user) / calls, rate: calls / seconds, memory: process.resourceUsage().maxRSS / 1024 }
}

process.on("message", (order: Order) => void run(order).then((cost) => process.send?.(cost)))
process.on("disconnect", () => process.exit())
process.send?.("ready")
