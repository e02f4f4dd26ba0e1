import { fileURLToPath } from "node:url"
import { configDefaults, defineConfig } from "vitest/config"

// Stryker copies the repository and changes the copy; the links in node_modules lead out of it, so they are not taken.
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
    // Of the tests of the whole, those without sockets, processes and Redis.
    include: process.env["MUTATION_TESTS"]?.split(",") ?? [
      "packages/core/test/**/*.test.ts",
      "test/{contract,requests}.test.ts"
    ],
    // What a mutant costs is mostly loading the modules anew; Stryker switches mutants while they stay loaded.
    isolate: false,
    exclude: [...configDefaults.exclude, ...(process.env["MUTATION_EXCLUDE"]?.split(",") ?? [])],
    testTimeout: 30_000
  }
})
