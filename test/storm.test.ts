import { Contacts, Faults, Sandbox } from "@agentalk/core"
import { AgentalkNode, SandboxServer } from "@agentalk/node"
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import { fromContact, labelOf, PhoneModel, type Step } from "./StormModel.ts"

const client = (options: Partial<AgentalkNode.Options>) =>
  Layer.unwrap(
    Effect.map(SandboxServer.Address, ({ url }) =>
      AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl: url, ...options })
    )
  ).pipe(Layer.provideMerge(SandboxServer.layer))

const limit = "1 second"

/** Every call must end by itself, long before this. */
const endsByItself = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.timeoutOrElse(call, { duration: "30 seconds", orElse: () => Effect.die("a call did not end") })

/** Counts by name. */
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

// No 404: it would be a lie about a contact that is there, and a delete believes it.
const quick: ReadonlyArray<Faults.Fault> = [
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
// Each of these takes a whole attempt.
const silent: ReadonlyArray<Faults.Fault> = [...bothSides(Faults.hang), Faults.stall]

const kinds = ["upsert", "upsert", "delete", "updateFields", "clearField", "addTags", "removeTag", "search"] as const

const nextStep = Effect.fnUntraced(function* ({ id, isGone }: PhoneModel) {
  // What is known to be gone is mostly made anew, and sometimes asked for by its old id.
  const kind = isGone && (yield* Random.next) < 0.8 ? "upsert" : yield* Random.choice(kinds)
  const firstName = `Name ${yield* Random.nextIntBetween(1, 1000)}`
  const city = `City ${yield* Random.nextIntBetween(1, 1000)}`
  const tag = `tag${yield* Random.nextIntBetween(1, 4)}`
  const step: Step =
    kind === "search" || (kind !== "upsert" && id !== undefined)
      ? { kind, id: id ?? "", city, tag }
      : { kind: "upsert", firstName }
  return step
})

/** Makes a call, and tells the contact that the answer shows, if it shows one. */
const call = (contacts: Contacts["Service"], phone: string, step: Step) => {
  switch (step.kind) {
    case "upsert":
      return Effect.map(contacts.upsert({ phone, firstName: step.firstName }), ({ contact }) => Option.some(contact))
    case "delete":
      return Effect.as(contacts.delete(step.id), Option.none())
    case "updateFields":
      return contacts.updateFields(step.id, { city: step.city })
    case "clearField":
      return contacts.clearField(step.id, "city")
    case "addTags":
      return contacts.addTags(step.id, [step.tag])
    case "removeTag":
      return contacts.removeTag(step.id, step.tag)
    default:
      return Effect.map(contacts.search({ phone }), (page) => Option.fromUndefinedOr(page.contacts[0]))
  }
}

const fiberCount = 32
const phonesEach = 4
const stepsEach = 70

describe("the storm", () => {
  it.live.each(["first", "second"])(
    "leaves nothing but what is possible: %s seed",
    (seed) =>
      Effect.gen(function* () {
        const contacts = yield* Contacts
        const state = yield* Sandbox.State
        const strikes = new Tally()
        const chance = yield* Random.Random
        let requests = 0
        yield* state.script(() => {
          requests++
          const dice = chance.nextDoubleUnsafe()
          if (dice > 0.35) return undefined
          const faults = dice < 0.012 ? silent : quick
          const fault = faults[Math.floor(chance.nextDoubleUnsafe() * faults.length)]
          if (fault !== undefined) strikes.add(fault.name)
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
            const known = model.get(phone)!
            const step = yield* nextStep(known)
            const result = yield* Effect.result(endsByItself(call(contacts, phone, step)))
            if (Result.isFailure(result)) {
              failures.add(labelOf(result.failure))
              known.end(step, result.failure.outcome)
              continue
            }
            successes.add(step.kind)
            known.end(step, "applied")
            const shown = Option.map(result.success, fromContact)
            if (Option.isSome(shown)) known.see(shown.value, `${step.kind} ${phone}`)
            else if (step.kind === "search") known.see(undefined, `search ${phone}`)
          }
        })
        yield* Effect.forEach(
          Array.from({ length: fiberCount }, (_, fiber) => fiber),
          (fiber) => Random.withSeed(work(fiber), `${seed} ${fiber}`),
          { concurrency: "unbounded" }
        )

        const left = new Map((yield* state.contacts()).map((contact) => [contact.phone, contact]))
        const certain = [...model.values()].filter(({ isCertain }) => isCertain).length
        for (const [phone, known] of model) known.see(fromContact(left.get(phone)), `in the end ${phone}`)
        assert.strictEqual(successes.total + failures.total, fiberCount * stepsEach)

        // The pool has survived: every connection of it works.
        yield* state.script(() => undefined)
        yield* Effect.forEach(model.keys(), (phone) => endsByItself(contacts.upsert({ phone })), { concurrency: 128 })

        yield* Console.log(
          [
            `\nThe storm, ${seed} seed: ${fiberCount} fibers, ${model.size} phones`,
            `  calls      ${successes.total + failures.total}, in ${requests} requests`,
            `  faults     ${strikes.total}: ${strikes.text}`,
            `  successes  ${successes.total}: ${successes.text}`,
            `  failures   ${failures.total}: ${failures.text}`,
            `  phones     ${certain} certain in the end, ${model.size - certain} with more than one possible state\n`
          ].join("\n")
        )
        // It was a storm, and the model was put to the test.
        assert.isAbove(strikes.size, 15)
        assert.isAbove(certain, model.size / 3)
        assert.isBelow(certain, model.size)
      }).pipe(
        Random.withSeed(seed),
        Effect.provide(
          client({
            attemptTimeout: limit,
            maxBodySize: "256 KiB",
            retry: { baseDelay: "1 millis", maxDelay: "5 millis" },
            retryBudget: 1_000_000
          })
        )
      ),
    60_000
  )

  it.live(
    "of retries ends with the budget, and the budget comes back with success",
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
        const search = endsByItself(contacts.search({ phone: "+15550000000" }))
        const calls = 500
        const exits = yield* Effect.forEach(
          Array.from({ length: calls }, () => Effect.exit(search)),
          (exit) => exit,
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
        yield* Console.log(`\nA spent budget: ${calls} calls to a server that only fails, ${calls + 50 / 5} requests\n`)
      }).pipe(Effect.provide(client({ retry: { baseDelay: 0 }, retryBudget: 50 }))),
    60_000
  )
})
