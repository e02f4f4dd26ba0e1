import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { Agent, buildConnector } from "undici"
import { loadModules, loadUndici } from "../src/internal/undici.ts"

describe("the modules of undici for a connection pool", () => {
  it.effect("are at the expected paths", () =>
    Effect.map(loadModules, (modules) => assert.deepStrictEqual(modules, { Agent, buildConnector }))
  )

  it.effect("are loaded from the index of undici if the paths have changed", () =>
    Effect.map(loadUndici(Effect.fail(new Cause.UnknownError("no such module"))), (modules) => {
      assert.strictEqual(modules.Agent, Agent)
      assert.strictEqual(modules.buildConnector, buildConnector)
    })
  )
})
