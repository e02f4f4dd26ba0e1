import { registerHooks } from "node:module"

const standIn = new URL("../measured/untold.ts", import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context)
    return /\/core\/src\/internal\/call\/(telemetry|metrics)\.ts$/.test(found.url) ? { ...found, url: standIn } : found
  }
})

/** The default without its telemetry, which cannot be switched off: no metrics, and nothing that looks for a tracer. */
export const { connect } = await import("./agentalk.ts")
