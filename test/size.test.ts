import { assert, describe, it } from "@effect/vitest"
import { measure, type Program } from "./size/measure.ts"

const kilobyte = 1000
const minute = 60_000

/** The size limits in KB of gzip, slightly above the measured sizes. A limit should only be raised on purpose. */
const budgets: ReadonlyArray<readonly [Program, number]> = [
  ["tag", 5.5],
  ["fetchClient", 68],
  ["everything", 450]
]

describe("the size of a bundled program", () => {
  it.each(budgets)(
    "%s is at most %d KB after gzip",
    async (program, budget) => {
      const { gzip } = await measure(program)
      assert.isAtMost(gzip, budget * kilobyte)
      // A much smaller bundle means that parts of the program are missing.
      assert.isAbove(gzip, budget * kilobyte * 0.8)
    },
    minute
  )

  it(
    "the client with fetch is at most 15% larger than a bare HttpApiClient",
    async () => {
      const [client, bare] = await Promise.all([measure("fetchClient"), measure("bareHttpApi")])
      assert.isAtMost(client.gzip / bare.gzip, 1.15)
    },
    minute
  )
})
