import { assert, describe, it } from "@effect/vitest"
import { makeIsNewId } from "../src/internal/stream/paging.ts"

describe("makeIsNewId", () => {
  it.each([1, 2, 16_000_000])("recognizes every earlier id with at most %d ids per set", (maxSize) => {
    const isNewId = makeIsNewId(maxSize)
    const ids = ["a", "b", "c", "d", "e"]
    assert.deepStrictEqual(
      [...ids, ...ids].map((id) => isNewId(id)),
      [...ids.map(() => true), ...ids.map(() => false)]
    )
  })
})
