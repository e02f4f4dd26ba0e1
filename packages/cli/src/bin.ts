#!/usr/bin/env node
/** The `agentalk` binary. */
import { enableCompileCache } from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

// @effect-diagnostics-next-line processEnv:off -- nothing is loaded yet that could read it otherwise
const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache")

// Most of a short command is the compiling of its modules: what was compiled is kept, where only this user can write.
enableCompileCache(join(cache, "agentalk"))

const endEarly = () => {
  process.stderr.write("Interrupted before anything was done: run the command again.\n")
  process.exit(130)
}
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

for (const signal of signals) process.once(signal, endEarly)
await import("./internal/main.ts")
for (const signal of signals) process.removeListener(signal, endEarly)
