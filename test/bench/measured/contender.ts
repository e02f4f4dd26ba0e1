/** The process of one contender. It runs the requested blocks and responds with their cost. */
import type { Connect } from "../block.ts"
import type { Cost, BlockRequest } from "../processes.ts"

const [, , module = "", server = ""] = process.argv
const { connect } = (await import(`../contenders/${module}.ts`)) as { readonly connect: Connect }
const block = connect(server)

const run = async ({ calls, concurrency }: BlockRequest): Promise<Cost> => {
  // While other contenders run, this one loses connections and cached data. The raw contender runs every second block and
  // loses less. An unmeasured half block restores them, so that the comparison is fair.
  await block(calls / 2, concurrency)
  const began = process.cpuUsage()
  const started = performance.now()
  await block(calls, concurrency)
  const seconds = (performance.now() - started) / 1000
  const { system, user } = process.cpuUsage(began)
  return { cpu: (system + user) / calls, rate: calls / seconds, memory: process.resourceUsage().maxRSS / 1024 }
}

process.on("message", (request: BlockRequest) => void run(request).then((cost) => process.send?.(cost)))
process.on("disconnect", () => process.exit())
process.send?.("ready")
