/**
 * Tests of the nightly job. They use the sandbox for normal behaviour, scripted faults and virtual time for an outage, and
 * a stub for a refused token.
 */
import { Contacts, Faults, Sandbox, Unauthorized } from "@agentalk/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { type Customer, Customers, sync } from "./08-nightly-sync.ts"

const jane: Customer = { id: "customer 1", phone: "+12025550143", name: "Jane", plan: "pro" }
const joe: Customer = { id: "customer 2", phone: "+12025550199", name: "Joe", plan: "free" }

const syncOf = (...customers: ReadonlyArray<Customer>) =>
  Effect.provideService(sync, Customers, { changed: Effect.succeed(customers) })

describe("the nightly sync", () => {
  it.effect("replaces the lead tag with customer and keeps the other data", () =>
    Effect.gen(function* () {
      const state = yield* Sandbox.State
      yield* state.seed([{ phone: jane.phone, lastName: "Doe", tags: ["lead", "vip"], fields: { plan: "none" } }])

      assert.deepStrictEqual(yield* syncOf(jane, joe), { saved: 2, refused: [] })

      const found = (yield* state.contacts()).map(({ fields, firstName, lastName, tags }) => [
        firstName,
        lastName,
        tags?.map(({ name }) => name),
        fields
      ])
      assert.deepStrictEqual(found, [
        ["Jane", "Doe", ["vip", "customer"], { plan: "pro" }],
        ["Joe", undefined, ["customer"], { plan: "free" }]
      ])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("reports a customer with invalid data and continues with the next", () =>
    Effect.gen(function* () {
      const report = yield* syncOf({ ...jane, phone: "see e-mail" }, joe)

      assert.deepStrictEqual(report, { saved: 1, refused: [{ customer: "customer 1", problems: ["phone"] }] })
      assert.lengthOf(yield* (yield* Sandbox.State).contacts(), 1)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  // #region outage
  it.effect("retries until an outage ends", () =>
    Effect.gen(function* () {
      const { contacts, requests, script } = yield* Sandbox.State
      yield* script(Faults.script({ operation: "upsert", times: 7, fault: Faults.status(503, { strikes: "before" }) }))

      const fiber = yield* Effect.forkChild(syncOf(jane))
      yield* TestClock.adjust("1 hour") // takes milliseconds
      assert.deepStrictEqual(yield* Fiber.join(fiber), { saved: 1, refused: [] })

      assert.lengthOf(yield* contacts(), 1)
      const upserts = (yield* requests).filter(({ operation }) => operation === "upsert")
      // Two calls of three failed attempts, then a call that succeeds on its second attempt.
      assert.deepStrictEqual(
        upserts.map(({ status }) => status),
        [503, 503, 503, 503, 503, 503, 503, 201]
      )
      assert.nestedPropertyVal(upserts[0], "body.fields.plan", "pro")
    }).pipe(Effect.provide(Sandbox.layer))
  )
  // #endregion

  it.effect("creates one contact if only the responses are lost", () =>
    Effect.gen(function* () {
      const { contacts, script } = yield* Sandbox.State
      yield* script(Faults.script({ operation: "upsert", times: 3, fault: Faults.reset({ strikes: "after" }) }))

      const fiber = yield* Effect.forkChild(syncOf(jane))
      yield* TestClock.adjust("1 hour")

      assert.strictEqual((yield* Fiber.join(fiber)).saved, 1)
      assert.lengthOf(yield* contacts(), 1)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("fails if the outage lasts all night", () =>
    Effect.gen(function* () {
      const { contacts, script } = yield* Sandbox.State
      yield* script(Faults.script({ times: Infinity, fault: Faults.hang({ strikes: "before" }) }))

      const fiber = yield* Effect.forkChild(Effect.flip(syncOf(jane, joe)))
      yield* TestClock.adjust("8 hours")

      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Timeout")
      assert.deepStrictEqual(yield* contacts(), [])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("fails at once if the token is refused", () => {
    let calls = 0
    // Calling a method that the mock omits is a defect.
    const contacts = Layer.mock(Contacts, {
      upsert: () =>
        Effect.suspend(() => {
          calls++
          return Effect.fail(new Unauthorized({ operation: "upsert", outcome: "not-applied", message: "refused" }))
        })
    })
    return Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(syncOf(jane, joe)))._tag, "Unauthorized")
      assert.strictEqual(calls, 1)
    }).pipe(Effect.provide(contacts))
  })
})
