import { Contacts, Faults, Sandbox } from "@agentalk/core"
import { AgentalkNode, SandboxServer } from "@agentalk/node"
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import { factsOf } from "../packages/core/src/internal/operation.ts"
import { callOperation, contactsIn, type Input, pickInput } from "./OperationCalls.ts"
import { fromContact, labelOf, leftOut, modelled, PhoneModel, type PossibleState, type Step } from "./StormModel.ts"

const client = (options: Partial<AgentalkNode.Options>) =>
  Layer.unwrap(
    Effect.map(SandboxServer.Address, ({ url }) =>
      AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl: url, ...options })
    )
  ).pipe(Layer.provideMerge(SandboxServer.layer))

const attemptTimeout = "1 second"

/** Fails the test if a call hangs: the timeouts and retries of the client end every call much earlier. */
const failIfStuck = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.timeoutOrElse(call, {
    duration: "30 seconds",
    orElse: () => Effect.die("a call did not end within 30 seconds")
  })

/** Counts occurrences by name. */
class Tally extends Map<string, number> {
  add(name: string): void {
    this.set(name, (this.get(name) ?? 0) + 1)
  }
  get total(): number {
    return [...this.values()].reduce((sum, count) => sum + count, 0)
  }
  get text(): string {
    return [...this]
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ")
  }
}

const sides = ["before", "after"] as const
const bothSides = (make: (options: { readonly strikes: Faults.Side }) => Faults.Fault) =>
  sides.map((strikes) => make({ strikes }))

// 404 is left out. It would report an existing contact as missing, and `delete` treats a 404 on a retry as success.
const quickFaults: ReadonlyArray<Faults.Fault> = [
  ...[400, 401, 403, 409].map((code) => Faults.status(code, { strikes: "before" })),
  Faults.status(429, { strikes: "before", headers: { "retry-after-ms": "5" } }),
  ...[408, 500, 501, 502, 503, 504].flatMap((code) => bothSides((options) => Faults.status(code, options))),
  ...bothSides(Faults.reset),
  ...bothSides(Faults.html),
  ...bothSides((options) => Faults.html({ ...options, status: 502 })),
  ...bothSides((options) => Faults.redirect("/elsewhere", options)),
  ...bothSides((options) => Faults.slow("20 millis", options)),
  Faults.cut,
  Faults.garbage,
  Faults.huge(300_000)
]
// Each of these lasts for a whole attempt timeout, so the script uses them rarely.
const timeoutFaults: ReadonlyArray<Faults.Fault> = [...bothSides(Faults.hang), Faults.stall]

// `upsert` is listed twice, so that more contacts exist.
const choices = [...modelled, "upsert" as const]

const nextStep = Effect.fnUntraced(function* (phone: string, { id, isAbsent }: PhoneModel) {
  // An absent contact is usually created. Sometimes a step uses its old id, which must change nothing.
  const chosen = isAbsent && (yield* Random.next) < 0.8 ? "upsert" : yield* Random.choice(choices)
  const operation = factsOf(chosen).namesContact && id === undefined ? "upsert" : chosen
  const firstName = `Name ${yield* Random.nextIntBetween(1, 1000)}`
  const city = `City ${yield* Random.nextIntBetween(1, 1000)}`
  const tag = `tag${yield* Random.nextIntBetween(1, 4)}`
  const values = {
    id: id ?? "",
    phone,
    firstName,
    fields: { city },
    key: "city",
    tags: [tag],
    tagIdOrName: tag
  } as const
  return { operation, values } satisfies Step
})

/**
 * Returns the states that a successful step shows: the contact in its response, or that a search by phone found none. A
 * search may also return contacts of other phones.
 */
const statesIn = ({ operation, values }: Step, input: Input, result: unknown): ReadonlyArray<PossibleState> => {
  const { isReadOnly, namesContact } = factsOf(operation)
  const contacts = contactsIn(operation, result)
  if (!isReadOnly || namesContact) return contacts.map(fromContact)
  const own = contacts.filter(({ phone }) => phone === values.phone)
  return own.length === 0 && "phone" in input ? [undefined] : own.map(fromContact)
}

const fiberCount = 32
const phonesEach = 4
const stepsEach = 70

describe("the storm", () => {
  it.live.each(["first", "second"])(
    "leaves every contact in a state that the outcomes of its calls allow (%s seed)",
    (seed) =>
      Effect.gen(function* () {
        const contacts = yield* Contacts
        const state = yield* Sandbox.State
        const faultCounts = new Tally()
        const random = yield* Random.Random
        let requests = 0
        yield* state.script(() => {
          requests++
          const draw = random.nextDoubleUnsafe()
          if (draw > 0.35) return undefined
          const faults = draw < 0.012 ? timeoutFaults : quickFaults
          const fault = faults[Math.floor(random.nextDoubleUnsafe() * faults.length)]
          if (fault !== undefined) faultCounts.add(fault.name)
          return fault
        })

        const successes = new Tally()
        const failures = new Tally()
        const model = new Map<string, PhoneModel>()
        const work = Effect.fnUntraced(function* (fiber: number) {
          const phones = Array.from(
            { length: phonesEach },
            (_, index) => `+1555${String(fiber * 10 + index).padStart(7, "0")}`
          )
          for (const phone of phones) model.set(phone, new PhoneModel())
          for (let count = 0; count < stepsEach; count++) {
            const phone = yield* Random.choice(phones)
            const phoneModel = model.get(phone)!
            const step = yield* nextStep(phone, phoneModel)
            const { operation, values } = step
            const input = pickInput(operation, { ...values }, "`nextStep` in test/storm.test.ts")
            const result = yield* Effect.result(failIfStuck(callOperation(contacts, operation, input)))
            if (Result.isFailure(result)) {
              failures.add(labelOf(result.failure))
              phoneModel.applyOutcome(step, result.failure.outcome)
              continue
            }
            successes.add(operation)
            phoneModel.applyOutcome(step, "applied")
            for (const shown of statesIn(step, input, result.success)) {
              phoneModel.observe(shown, `${operation} ${phone}`)
            }
          }
        })
        yield* Effect.forEach(
          Array.from({ length: fiberCount }, (_, fiber) => fiber),
          (fiber) => Random.withSeed(work(fiber), `${seed} ${fiber}`),
          { concurrency: "unbounded" }
        )

        const remaining = new Map((yield* state.contacts()).map((contact) => [contact.phone, contact]))
        const certain = [...model.values()].filter(({ isCertain }) => isCertain).length
        for (const [phone, phoneModel] of model)
          phoneModel.observe(fromContact(remaining.get(phone)), `at the end, ${phone}`)
        assert.strictEqual(successes.total + failures.total, fiberCount * stepsEach)

        // Every connection of the pool still works.
        yield* state.script(() => undefined)
        yield* Effect.forEach(model.keys(), (phone) => failIfStuck(contacts.upsert({ phone })), { concurrency: 128 })

        yield* Console.log(
          [
            `\nThe storm, ${seed} seed: ${fiberCount} fibers, ${model.size} phones`,
            `  calls      ${successes.total + failures.total}, in ${requests} requests`,
            `  faults     ${faultCounts.total}: ${faultCounts.text}`,
            `  successes  ${successes.total}: ${successes.text}`,
            `  failures   ${failures.total}: ${failures.text}`,
            `  left out   ${leftOut.join(", ") || "no operation"}`,
            `  phones     ${certain} with one possible state at the end, ${model.size - certain} with several\n`
          ].join("\n")
        )
        // The run proves something only if many kinds of faults occurred and the model followed most outcomes.
        assert.isAbove(faultCounts.size, 15)
        assert.isAbove(certain, model.size / 3)
        assert.isBelow(certain, model.size)
      }).pipe(
        Random.withSeed(seed),
        Effect.provide(
          client({
            attemptTimeout,
            maxBodySize: "256 KiB",
            retry: { baseDelay: "1 millis", maxDelay: "5 millis" },
            retryBudget: 1_000_000
          })
        )
      ),
    60_000
  )

  it.live(
    "stops retrying when the retry budget is spent, and retries again after successful calls",
    () =>
      Effect.gen(function* () {
        const contacts = yield* Contacts
        const state = yield* Sandbox.State
        let requests = 0
        let isDown = true
        const fault = Faults.status(500, { strikes: "before" })
        yield* state.script(() => {
          requests++
          return isDown ? fault : undefined
        })
        const search = failIfStuck(contacts.search({ phone: "+15550000000" }))
        const calls = 500
        const exits = yield* Effect.forEach(
          Array.from({ length: calls }, () => Effect.exit(search)),
          (call) => call,
          { concurrency: 50 }
        )
        assert.isTrue(exits.every(Exit.isFailure))
        assert.strictEqual(requests, calls + 50 / 5)
        const error = yield* Effect.flip(search)
        assert.deepInclude(error, { _tag: "ServerFault", attempts: 1, retryStopped: "budget" })

        isDown = false
        yield* Effect.replicateEffect(search, 5)
        isDown = true
        assert.strictEqual((yield* Effect.flip(search)).attempts, 2)
        yield* Console.log(
          `\nRetry budget: ${calls} calls to a server that always fails made ${calls + 50 / 5} requests\n`
        )
      }).pipe(Effect.provide(client({ retry: { baseDelay: 0 }, retryBudget: 50 }))),
    60_000
  )
})
