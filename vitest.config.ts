import { defineConfig } from "vitest/config"

// Type tests are experimental, so the version of vitest is pinned. This hides the notice about them.
process.env["VITEST_DISABLE_EXPERIMENTAL_LOG"] = "1"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts", "examples/src/*.test.ts"],
    // Tests have no global state, so workers share the loaded modules. Otherwise most of the time is spent on loading Effect.
    isolate: false,
    // No test measures speed, so the timeout allows for a busy machine.
    testTimeout: 30_000,
    coverage: {
      include: ["packages/*/src/**"],
      // The entry points of the process (signals, pipes and exit status) run only in child processes.
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
