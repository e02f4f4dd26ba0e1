import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { Agent, buildConnector } from "undici"
import { loadModules, loadUndici } from "../src/internal/undici.ts"

describe("what a pool is made of", () => {
  it.effect("is where it is thought to be", () =>
    Effect.map(loadModules, (parts) => assert.deepStrictEqual(parts, { Agent, buildConnector }))
  )

  it.effect("is taken from the index of undici where it is not", () =>
    Effect.map(loadUndici(Effect.fail(new Cause.UnknownError("no such module"))), (parts) => {
      assert.strictEqual(parts.Agent, Agent)
      assert.strictEqual(parts.buildConnector, buildConnector)
    })
  )
})
