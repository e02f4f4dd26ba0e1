import { AgentalkClient, Sandbox } from "@agentalk/core"
import { AgentalkNode, SandboxServer } from "@agentalk/node"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { operationNames } from "../packages/core/src/internal/operation.ts"
import { blocks, clientOptions, formatTable, observe, type Row, rows } from "./FaultMatrix.ts"

const onSocket = Layer.unwrap(
  Effect.map(SandboxServer.Address, ({ url }) => AgentalkNode.layerOptions({ ...clientOptions, baseUrl: url }))
).pipe(Layer.provideMerge(SandboxServer.layer))

const inMemory = AgentalkClient.layer({ ...clientOptions, baseUrl: "http://localhost" }).pipe(
  Layer.provideMerge(Sandbox.layerHttpClient)
)

const timeout = 30_000

for (const block of blocks) {
  const assertCells = (row: Row, cells: Effect.Success<ReturnType<typeof observe>>) => {
    const expected = block.expected(row)
    for (const operation of operationNames) assert.strictEqual(cells[operation], expected[operation], operation)
  }

  describe.concurrent(`the fault matrix on a socket, ${block.name}`, () => {
    const table = new Map<string, Effect.Success<ReturnType<typeof observe>>>()
    afterAll(() => {
      const sorted = new Map(rows.flatMap(({ name }) => [[name, table.get(name)!] as const]))
      Effect.runSync(Console.log(`\n${formatTable(`The fault matrix on a socket: ${block.name}`, sorted)}\n`))
    })

    it.live.each(rows)(
      "$name: every operation ends as expected",
      (row) =>
        Effect.gen(function* () {
          const cells = yield* observe(row, block)
          table.set(row.name, cells)
          assertCells(row, cells)
        }).pipe(Effect.provide(onSocket)),
      timeout
    )
  })

  describe(`the fault matrix in memory, ${block.name}`, () => {
    it.effect.each(rows)("$name: every operation ends as expected", (row) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(observe(row, block))
        yield* TestClock.adjust("5 minutes")
        assertCells(row, yield* Fiber.join(fiber))
      }).pipe(Effect.provide(inMemory))
    )
  })
}
