import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { Contacts } from "../src/Contacts.ts"
import * as Faults from "../src/Faults.ts"
import * as Retry from "../src/Retry.ts"
import * as Sandbox from "../src/Sandbox.ts"

const request = (values: Partial<Faults.Request> = {}): Faults.Request => ({
  index: 1,
  operation: "search",
  method: "GET",
  path: "/api/contacts/search?name=Jane",
  params: {},
  organization: Sandbox.organization,
  headers: {},
  body: undefined,
  ...values
})

const deleteRequest = request({ operation: "delete", method: "DELETE", path: "/api/contacts/1" })
const reset = Faults.reset({ strikes: "before" })
const hang = Faults.hang({ strikes: "after" })

/** The name of the fault that a script chooses for each request. */
const faultNames = (rules: ReadonlyArray<Faults.Rule>, requests: ReadonlyArray<Faults.Request>) => {
  const script = Faults.script(...rules)
  return requests.map((request) => script(request)?.name)
}

describe("Faults.script", () => {
  const cases: ReadonlyArray<readonly [match: string, rule: Omit<Faults.Rule, "fault">]> = [
    ["an operation", { operation: "delete" }],
    ["a method, in any case", { method: "delete" }],
    ["a part of the path", { path: "contacts/1" }],
    ["a pattern of the path", { path: /^\/api\/contacts\/\d+$/ }],
    ["all keys of the rule", { operation: "delete", method: "DELETE", path: /1$/ }]
  ]

  it.each(cases)("matches requests by %s", (_, rule) => {
    const requests = [request(), deleteRequest]
    assert.deepStrictEqual(faultNames([{ ...rule, fault: reset }], requests), [undefined, "reset"])
  })

  it("matches every request by a pattern with the g flag", () => {
    const rule = { path: /contacts/g, times: Infinity, fault: reset }
    assert.deepStrictEqual(faultNames([rule], [request(), request(), request()]), ["reset", "reset", "reset"])
  })

  it("does not match a request that matches only some keys of a rule", () => {
    const rule = { operation: "delete", method: "GET", fault: reset } as const
    assert.deepStrictEqual(faultNames([rule], [request(), deleteRequest]), [undefined, undefined])
  })

  it.each([
    [{}, [1]],
    [{ nth: 3 }, [3]],
    [{ times: 2 }, [1, 2]],
    [{ nth: 2, times: 2 }, [2, 3]],
    [{ nth: 2, times: Infinity }, [2, 3, 4]]
  ] as const)("with %j, strikes the matching requests %j", (rule, expected) => {
    const requests = [deleteRequest, request(), deleteRequest, request(), deleteRequest, deleteRequest]
    const names = faultNames([{ ...rule, operation: "delete", fault: reset }], requests)
    const deletes = names.filter((_, index) => requests[index] === deleteRequest)
    assert.deepStrictEqual(
      deletes.flatMap((name, index) => (name === undefined ? [] : [index + 1])),
      [...expected]
    )
    assert.isTrue(names.every((name, index) => name === undefined || requests[index] === deleteRequest))
  })

  it("uses the first rule that matches, and counts the request for the other rules as well", () => {
    const rules = [
      { times: 2, fault: reset },
      { nth: 2, times: 2, fault: hang }
    ]
    assert.deepStrictEqual(faultNames(rules, [request(), request(), request(), request()]), [
      "reset",
      "reset",
      "hang",
      undefined
    ])
  })
})

/** The result of an `upsert` with a fault, and the number of contacts after it. */
const upsertWith = (fault: Faults.Fault) =>
  Effect.gen(function* () {
    const { contacts, script } = yield* Sandbox.State
    yield* script(Faults.script({ fault }))
    const fiber = yield* Effect.forkChild(
      Effect.result((yield* Contacts).upsert({ phone: "+15551234567" })).pipe(Retry.withPolicy(Retry.none))
    )
    yield* TestClock.adjust("1 hour")
    const result = yield* Fiber.join(fiber)
    return { result, contacts: (yield* contacts()).length }
  }).pipe(Effect.provide(Sandbox.layer))

const before = { strikes: "before" } as const
const after = { strikes: "after" } as const

describe("a fault", () => {
  it.effect.each([
    [Faults.status(503, before), "status 503", "ServerFault unknown", 0],
    [Faults.status(503, after), "status 503", "ServerFault unknown", 1],
    [Faults.status(408, after), "status 408", "Timeout unknown", 1],
    [Faults.status(400, before), "status 400", "Validation not-applied", 0],
    [Faults.status(499, before), "status 499", "UnexpectedResponse not-applied", 0],
    [Faults.reset(before), "reset", "TransportFailure unknown", 0],
    [Faults.reset(after), "reset", "TransportFailure unknown", 1],
    [Faults.hang(before), "hang", "Timeout unknown", 0],
    [Faults.hang(after), "hang", "Timeout unknown", 1],
    [Faults.slow("1 minute", before), "slow by 1m", "Timeout unknown", 0],
    [Faults.slow("1 minute", after), "slow by 1m", "Timeout unknown", 1],
    [Faults.slow("1 second", before), "slow by 1s", "success", 1],
    [Faults.slow("1 second", after), "slow by 1s", "success", 1],
    [Faults.cut, "cut", "UnexpectedResponse applied", 1],
    [Faults.stall, "stall", "Timeout applied", 1],
    [Faults.garbage, "garbage", "UnexpectedResponse applied", 1],
    [Faults.huge(100_000_000), "huge", "UnexpectedResponse applied", 1],
    [Faults.html(after), "html 200", "UnexpectedResponse unknown", 1],
    [Faults.html({ ...before, status: 502 }), "html 502", "ServerFault unknown", 0],
    [Faults.redirect("https://example.com", before), "redirect", "UnexpectedResponse unknown", 0]
  ] as const)("has the documented effect on a call: %s", ([fault, name, expected, count]) =>
    Effect.gen(function* () {
      const { contacts, result } = yield* upsertWith(fault)
      const outcome = Result.match(result, {
        onSuccess: () => "success",
        onFailure: (error) => `${error._tag} ${error.outcome}`
      })
      assert.deepStrictEqual([fault.name, outcome, contacts], [name, expected, count])
    })
  )

  it.effect("reset fails with the code of a real reset", () =>
    Effect.gen(function* () {
      const { result } = yield* upsertWith(Faults.reset(before))
      const error = Result.isFailure(result) ? result.failure : undefined
      assert.strictEqual(error?._tag === "TransportFailure" && error.code, "ECONNRESET")
    })
  )

  it.effect("status sends its headers", () =>
    Effect.gen(function* () {
      const { result } = yield* upsertWith(Faults.status(429, { ...before, headers: { "retry-after": "7" } }))
      const error = Result.isFailure(result) ? result.failure : undefined
      assert.deepStrictEqual(error?._tag === "RateLimited" && error.retryAfter, Duration.seconds(7))
    })
  )

  it.effect.each([
    [{ phone: ["Too long."] }, [{ path: ["phone"], message: "Too long." }]],
    [undefined, [{ path: [], message: "A scripted fault." }]]
  ] as const)("status sends its body, or a default body: %j", ([body, issues]) =>
    Effect.gen(function* () {
      const { result } = yield* upsertWith(Faults.status(400, { ...before, body }))
      const error = Result.isFailure(result) ? result.failure : undefined
      assert.deepStrictEqual(error?._tag === "Validation" && error.issues, issues)
    })
  )

  it.each([400, 404, 499])("status %d throws if it strikes after the operation", (code) => {
    assert.throws(() => Faults.status(code, after), `status ${code} cannot strike after the operation`)
  })

  it.each([200, 399, 408, 500])("status %d can strike after the operation", (code) => {
    assert.strictEqual(Faults.status(code, after).strikes, "after")
  })
})
