import { registerHooks } from "node:module"

const stub = new URL("../measured/noTelemetry.ts", import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context)
    return /\/core\/src\/internal\/call\/(telemetry|metrics)\.ts$/.test(found.url) ? { ...found, url: stub } : found
  }
})

/** The default client with a stub in place of its telemetry modules: no metrics, and no check for a tracer. */
export const { connect } = await import("./agentalk.ts")
