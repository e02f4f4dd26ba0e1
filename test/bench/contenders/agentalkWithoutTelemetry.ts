import { registerHooks } from "node:module"

const stub = new URL("../measured/noTelemetry.ts", import.meta.url).href

const pattern = /\/core\/src\/internal\/call\/(telemetry|metrics)\.ts$/
const replaced = new Set<string>()

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context)
    if (!pattern.test(found.url)) return found
    replaced.add(found.url)
    return { ...found, url: stub }
  }
})

/** The default client with a stub in place of its telemetry modules: no metrics, and no check for a tracer. */
export const { connect } = await import("./agentalk.ts")

// Without this check, the contender would measure the default client if these modules moved.
if (replaced.size !== 2) {
  throw new Error(
    `Expected to replace telemetry.ts and metrics.ts, but found ${replaced.size} of them. Adjust the pattern.`
  )
}
