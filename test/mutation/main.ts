/**
 * Changes the source of the core in small ways, one at a time, and looks whether a test fails: `pnpm mutation` for all
 * of it, which takes hours, `pnpm mutation src/Retry.ts src/internal/wire.ts` for some files. What was tried before and
 * has not changed is not tried again.
 *
 * What is computed as a module loads, such as a schema, is left out (`ignoreStatic`): each such mutant would need all
 * tests anew. Messages are not left out: a survivor in one is for whoever reads the list to judge.
 *
 * `MUTATION_TESTS` names globs of the only tests to run, `MUTATION_EXCLUDE` of tests to leave out, for a file that they
 * have nothing to do with.
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
