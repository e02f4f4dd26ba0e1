import { fileURLToPath } from "node:url"
import { configDefaults, defineConfig } from "vitest/config"

// Stryker mutates a copy of the repository. The links in node_modules lead to the original, so imports use these aliases.
const source = (path: string): string => fileURLToPath(new URL(`../../packages/core/src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@agentalk\/core$/, replacement: source("index.ts") },
      { find: /^@agentalk\/core\/(.+)$/, replacement: source("$1.ts") }
    ]
  },
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    // The tests without sockets, processes and Redis.
    include: process.env["MUTATION_TESTS"]?.split(",") ?? [
      "packages/core/test/**/*.test.ts",
      "test/{contract,requests}.test.ts"
    ],
    // Loading the modules is the largest cost of a mutant. Stryker can switch mutants while the modules stay loaded.
    isolate: false,
    exclude: [...configDefaults.exclude, ...(process.env["MUTATION_EXCLUDE"]?.split(",") ?? [])],
    testTimeout: 30_000
  }
})
