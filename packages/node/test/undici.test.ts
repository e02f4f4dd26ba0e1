import { assert, describe, it } from "@effect/vitest"
import { Agent, buildConnector } from "undici"
import { loadParts, loadUndici } from "../src/internal/undici.ts"

describe("what a pool is made of", () => {
  it("is where it is thought to be", async () => {
    assert.deepStrictEqual(await loadParts(), { Agent, buildConnector })
  })

  it("is taken from the index of undici where it is not", async () => {
    const parts = await loadUndici(() => Promise.reject(new Error("no such module")))
    assert.strictEqual(parts.Agent, Agent)
    assert.strictEqual(parts.buildConnector, buildConnector)
  })
})
