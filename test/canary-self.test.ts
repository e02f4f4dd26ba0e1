/** Checks that the canary test can fail: it finds a leak that is planted in any of the searched places. */
import { ServerFault } from "@agentalk/core"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import { operationNames } from "../packages/core/src/internal/operation.ts"
import { canary, inputOf, leaksIn, leaksInAll, pieces, type Rule, errorTexts, token } from "./Canary.ts"
import { record } from "./CanaryRecorder.ts"

const { fieldKey, phone } = canary

const plantedLeaks: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
  "a span's name": Effect.withSpan(Effect.void, phone),
  "a span's attribute": Effect.withSpan(Effect.void, "a", { attributes: { [fieldKey]: 1 } }),
  "an attribute of the caller's span": Effect.annotateCurrentSpan("a", phone),
  "a span's event": Effect.withSpan(
    Effect.flatMap(Effect.currentSpan, (span) => Effect.sync(() => span.event("wait", 0n, { for: phone }))),
    "a"
  ),
  "a span's link": Effect.withSpan(
    Effect.flatMap(Effect.currentSpan, (span) =>
      Effect.sync(() => span.addLinks([{ span, attributes: { for: phone } }]))
    ),
    "a"
  ),
  "a span's exit": Effect.exit(Effect.withSpan(Effect.fail({ message: fieldKey }), "a")),
  "a span of another fiber": Effect.flatMap(Effect.forkChild(Effect.withSpan(Effect.void, phone)), (fiber) =>
    Effect.andThen(
      Effect.yieldNow,
      Effect.sync(() => fiber.pollUnsafe())
    )
  ),
  "a trace log": Effect.logTrace({ about: [phone] }),
  "a debug log's cause": Effect.logDebug("failed", Cause.die(new Error("broken", { cause: phone }))),
  "a log's annotation": Effect.annotateLogs(Effect.logDebug("failed"), { to: phone }),
  "a log's span": Effect.withLogSpan(Effect.logDebug("failed"), phone),
  "the console": Console.error({ a: { b: { c: { d: { e: phone } } } } }),
  "a counter's attribute": Metric.update(Metric.counter("a", { attributes: { who: phone } }), 1),
  "a counter's name": Metric.update(Metric.counter(`calls to ${phone}`), 1),
  "a metric's description": Metric.update(Metric.gauge("a", { description: phone }), 1),
  "a value that a metric counts": Metric.update(Metric.frequency("a"), fieldKey)
}

describe("the canary test", () => {
  it.effect.each(Object.entries(plantedLeaks))("finds a leak in %s", ([, plant]) =>
    Effect.gen(function* () {
      assert.isNotEmpty(leaksInAll((yield* record(plant)).telemetry))
    })
  )

  it.effect("finds no leak if none is planted", () =>
    Effect.map(record(Effect.logTrace("a message")), ({ telemetry }) => {
      assert.isNotEmpty(telemetry)
      assert.deepStrictEqual(leaksInAll(telemetry), [])
    })
  )

  it.effect("finds a leak in an error's message, request id, cause and hidden properties", () =>
    Effect.sync(() => {
      const call = { operation: "delete", outcome: "unknown", status: 500 } as const
      const leaky = [
        new ServerFault({ ...call, message: `no ${phone}` }),
        new ServerFault({ ...call, message: "a message", requestId: canary.secret }),
        new Error("a message", { cause: { request: { url: `/search?phone=${encodeURIComponent(phone)}` } } }),
        Object.defineProperty(new Error("a message"), "hidden", { value: { phone }, enumerable: false }),
        Object.assign(new Error("a message"), { [Symbol("hidden")]: new Map([[phone, 1]]) })
      ]
      for (const error of leaky) assert.isNotEmpty(leaksInAll(pieces("an error", "error", errorTexts(error))))
      const body = Redacted.make(phone)
      const safe = new ServerFault({ ...call, message: `no ${fieldKey}`, body })
      assert.deepStrictEqual(leaksInAll(pieces("an error", "error", errorTexts(safe))), [])
    })
  )
})

const found = (text: string, rule: Rule) => leaksIn({ where: "here", rule, text }).length > 0

describe("leaksIn", () => {
  const secret = Redacted.value(token)
  const texts: ReadonlyArray<readonly [text: string, rule: Rule]> = [
    [`call ${phone} now`, "error"],
    ["call +1.646.737.8899 now", "error"],
    ["call 6467378899 now", "error"],
    [`?phone=${encodeURIComponent("+16467378899")}`, "error"],
    [`?name=${new URLSearchParams({ name: canary.lastName })}`, "error"],
    [JSON.stringify({ text: JSON.stringify({ email: canary.email }) }), "error"],
    ["\\u0042rz\\u0119czyszczykiewicz is too long".replace("\\u0042", "B"), "error"],
    [canary.lastName.toUpperCase(), "error"],
    [`'${canary.lastName.slice(0, 9)}…' is too long`, "error"],
    [Buffer.from(`Bearer ${secret}`).toString("base64"), "token"],
    [Buffer.from(`a${secret}`).toString("base64url"), "token"],
    [Buffer.from(canary.email).toString("hex"), "error"],
    [secret, "token"],
    [canary.tokenOrganization.toUpperCase(), "token"],
    [`/api/contacts/${canary.id}/tags`, "error"],
    [`fields.${fieldKey}`, "telemetry"]
  ]
  it.each(texts)("finds a canary value in %j", (text, rule) => {
    assert.isTrue(found(text, rule))
  })

  it.each(operationNames)("finds every text in the input of %s", (operation) => {
    const texts = JSON.stringify(inputOf(operation), (key, value: unknown) => {
      if (typeof value === "string") assert.isTrue(found(value, "telemetry"), `${key} has no needle in test/Canary.ts`)
      return value
    })
    assert.notStrictEqual(texts, "{}")
  })

  it("ignores values that the rule of a text allows", () => {
    assert.isFalse(found(`fields.${fieldKey}`, "error"))
    assert.isFalse(found(phone, "token"))
    assert.isFalse(found("Contacts.upsert: the API refused the input (422) (phone, fields.city). See issues.", "error"))
  })
})
