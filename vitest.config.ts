import { defineConfig } from "vitest/config"

// Type tests are marked experimental, so vitest's version is pinned; its notice would be the first line a newcomer reads.
process.env["VITEST_DISABLE_EXPERIMENTAL_LOG"] = "1"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts", "examples/src/*.test.ts"],
    // Most of a run was loading Effect anew for every file. Tests own no global state, so workers keep it loaded.
    isolate: false,
    // For a machine that does other things besides: no test is about how fast it is.
    testTimeout: 30_000,
    coverage: {
      include: ["packages/*/src/**"],
      // The wiring of a process of its own (its signals, pipes and exit status), which only a child can run.
      exclude: ["packages/cli/src/bin.ts", "packages/cli/src/internal/main.ts"],
      reporter: [["text", { skipFull: true }], "text-summary"],
      reportsDirectory: "node_modules/.cache/coverage",
      thresholds: {
        "packages/core/src/**": { lines: 95, branches: 95, functions: 95, statements: 95 },
        "packages/node/src/**": { lines: 95, branches: 95, functions: 95, statements: 95 },
        "packages/import/src/**": { lines: 95, branches: 95, functions: 95, statements: 95 },
        "packages/cli/src/**": { lines: 95, branches: 95, functions: 95, statements: 95 }
      }
    },
    typecheck: {
      enabled: true,
      checker: "tsc",
      include: ["packages/*/test/**/*.test-d.ts", "test/**/*.test-d.ts"],
      tsconfig: "test/tsconfig.types.json"
    }
  }
})
