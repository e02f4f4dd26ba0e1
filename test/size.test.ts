import { assert, describe, it } from "@effect/vitest"
import { measure, type Program } from "./size/measure.ts"

const kilobyte = 1000
const minute = 60_000

/** What a program may weigh, in KB of gzip: a little more than it does. To raise one is a decision, not an accident. */
const budgets: ReadonlyArray<readonly [Program, number]> = [
  ["tag", 5.5],
  ["fetchClient", 68],
  ["everything", 450]
]

describe("size", () => {
  it.each(budgets)(
    "%s weighs no more than %d KB",
    async (program, budget) => {
      const { gzip } = await measure(program)
      assert.isAtMost(gzip, budget * kilobyte)
      // A bundle that lost its parts would pass as well.
      assert.isAbove(gzip, budget * kilobyte * 0.8)
    },
    minute
  )

  it(
    "the client with fetch weighs little more than a bare HttpApiClient",
    async () => {
      const [client, bare] = await Promise.all([measure("fetchClient"), measure("bareHttpApi")])
      assert.isAtMost(client.gzip / bare.gzip, 1.15)
    },
    minute
  )
})
