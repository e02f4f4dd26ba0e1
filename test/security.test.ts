import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")

describe("SECURITY.md", () => {
  const text = readFileSync(join(root, "SECURITY.md"), "utf8")
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)

  it("names an existing test file for each promise", () => {
    assert.isAbove(rows.length, 8)
    for (const row of rows) {
      const files = [...(row.split("|")[2] ?? "").matchAll(/`([^`]+\.\w+)`/g)].map(([, file = ""]) => file)
      assert.isNotEmpty(files, row)
      for (const file of files) assert.isTrue(existsSync(join(root, file)), file)
    }
  })
})
