/**
 * Mutation testing of the core package: makes small changes to the source, one at a time, and checks that a test fails.
 *
 *   pnpm mutation                                              all files, which takes hours
 *   pnpm mutation src/Retry.ts src/internal/wire/contact.ts    some files
 *
 * Mutants that were tested before are tested again only if their code or tests have changed. Code that runs when a module
 * loads, such as a schema, is not mutated (`ignoreStatic`), because each such mutant would need a run of all tests.
 * Messages are mutated, so the reader of the report decides whether a surviving message matters.
 *
 * `MUTATION_TESTS` sets the globs of the tests to run. `MUTATION_EXCLUDE` sets the globs of tests to leave out. Both are
 * lists separated by commas.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"

const root = join(import.meta.dirname, "../..")

const files = process.argv.slice(2).map((file) => join("packages/core", file))
const chosen = files.length === 0 ? [] : ["--mutate", files.join(",")]

const { status } = spawnSync(
  process.execPath,
  [
    join(import.meta.dirname, "node_modules/@stryker-mutator/core/bin/stryker.js"),
    "run",
    "test/mutation/stryker.config.json",
    ...chosen
  ],
  { cwd: root, stdio: "inherit" }
)
process.exitCode = status ?? 1
