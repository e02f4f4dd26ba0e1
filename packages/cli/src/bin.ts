#!/usr/bin/env node
/** The `agentalk` binary. */
import { enableCompileCache } from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

// @effect-diagnostics-next-line processEnv:off -- no module that reads configuration is loaded yet
const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache")

// Compiling the modules takes most of the time of a short command. The default cache is in the folder for temporary
// files, where other users could write code that this process would run.
enableCompileCache(join(cache, "agentalk"))

const exitEarly = () => {
  process.stderr.write("Interrupted: nothing was sent. Run the command again.\n")
  process.exit(130)
}
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

for (const signal of signals) process.once(signal, exitEarly)
await import("./internal/main.ts")
for (const signal of signals) process.removeListener(signal, exitEarly)
