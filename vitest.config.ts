import { defineConfig } from "vitest/config"

// Type tests are marked experimental, so vitest's version is pinned; its notice would be the first line a newcomer reads.
process.env["VITEST_DISABLE_EXPERIMENTAL_LOG"] = "1"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts", "examples/src/*.test.ts"],
    // Most of a run was loading Effect anew for every file. Tests own no global state, so workers keep it loaded.
    isolate: false,
    typecheck: {
      enabled: true,
      checker: "tsc",
      include: ["packages/*/test/**/*.test-d.ts", "test/**/*.test-d.ts"],
      tsconfig: "test/tsconfig.types.json"
    }
  }
})
