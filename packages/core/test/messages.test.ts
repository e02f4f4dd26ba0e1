/** The complete text of error messages. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as AgentalkClient from "../src/AgentalkClient.ts"
import type { Operation } from "../src/Operations.ts"
import * as CircuitBreaker from "../src/CircuitBreaker.ts"
import * as RateLimit from "../src/RateLimit.ts"
import * as Retry from "../src/Retry.ts"
import type * as Attempts from "./Attempts.ts"
import { errorOf, scriptedContacts, refused, reset, stall, status, withRandom } from "./Attempts.ts"
import { type Answer, callOnce, id, json, text } from "./ScriptedApi.ts"

const jsonType = { "content-type": "application/json" }
const html = { "content-type": "text/html" }
const fiveIssues = { phone: "1", email: "2", tags: "3", name: "4", limit: "5" }
const mayHaveApplied = " The write may have taken effect."

describe("the message of one attempt", () => {
  it.effect.each<readonly [call: Operation, answer: Answer, message: string]>([
    ["delete", json(400, { detail: "No." }), "the API refused the input (400). See issues."],
    [
      "addTags",
      json(422, { non_field_errors: ["No."], tags: ["No."] }),
      "the API refused the input (422) (tags). See issues."
    ],
    [
      "addTags",
      json(409, fiveIssues),
      "the API refused the input (409) (phone, email, tags, name, limit). See issues."
    ],
    [
      "addTags",
      json(409, { ...fiveIssues, offset: "6" }),
      "the API refused the input (409) (phone, email, tags, name, limit, …). See issues."
    ],
    [
      "delete",
      status(401),
      "the API refused the token (401). Check that it is an organization API token, {orgId}.{secret}, and still valid."
    ],
    ["delete", status(403), "the token does not allow this call (403). Check which organization the token belongs to."],
    ["delete", status(404), "the contact, field or tag does not exist (404)."],
    ["search", status(404), "the API does not know this address (404). Check the base URL."],
    ["delete", status(408), `the API stopped waiting for the request (408).${mayHaveApplied}`],
    ["search", status(408), "the API stopped waiting for the request (408)."],
    ["delete", status(429), "too many requests (429)."],
    ["delete", status(429, { "retry-after-ms": "1499.5" }), "too many requests (429). The API asks to wait 1s 500ms."],
    ["delete", status(429, { "retry-after-ms": "10500" }), "too many requests (429). The API asks to wait 11s."],
    ["delete", status(501), `the API failed (501).${mayHaveApplied}`],
    [
      "delete",
      status(302),
      `the API responded with a redirect (302), which is not followed. Check the base URL.${mayHaveApplied}`
    ],
    ["delete", status(402), "the API responded with an undeclared status (402). Check the base URL."],
    ["delete", refused, "no connection could be made (ECONNREFUSED). Check the base URL and the network."],
    ["delete", reset, `the connection broke before a response arrived (ECONNRESET).${mayHaveApplied}`],
    ["delete", Effect.fail({ cause: null }), `the connection broke before a response arrived.${mayHaveApplied}`],
    ["delete", Effect.never, `no response within 30s.${mayHaveApplied}`],
    ["delete", stall, "the response did not end within 30s. The write took effect."],
    [
      "upsert",
      stall,
      "the response did not end within 30s. The write took effect. Find the contact with search({ phone })."
    ],
    ["search", stall, "the response did not end within 30s."],
    ["delete", text(200, "{", jsonType), "the response is not valid JSON. The write took effect."],
    [
      "delete",
      text(200, "<p>", html),
      `the response is not JSON, so it is probably not the API's own.${mayHaveApplied}`
    ],
    [
      "delete",
      json(200, { ok: false }),
      `the response has a success status (200) but reports a failure.${mayHaveApplied}`
    ],
    [
      "upsert",
      json(200, {}),
      "the response has an unexpected shape (id). The write took effect. Find the contact with search({ phone })."
    ]
  ])("%s %#", ([operation, answer, message]) =>
    Effect.gen(function* () {
      const error = yield* errorOf(callOnce(operation, () => answer))
      assert.strictEqual(error.message, `Contacts.${operation}: ${message}`)
    })
  )
})

/** The message of a delete that fails, without its prefix. */
const messageOf = (answers: ReadonlyArray<Attempts.AttemptResponse>, options?: Partial<AgentalkClient.Options>) =>
  Effect.flatMap(scriptedContacts(answers, options), ({ contacts }) => errorOf(contacts.delete(id))).pipe(
    withRandom(0.5),
    Effect.map(({ message }) => message.replace("Contacts.delete: ", ""))
  )

/** The message of an upsert with an invalid input. */
const invalidMessage = (more: object) =>
  Effect.map(
    Effect.flip(
      callOnce(
        (contacts) => contacts.upsert({ phone: "x", ...more }),
        () => json(200, {})
      )
    ),
    ({ message }) => message
  )

describe("the message of a call", () => {
  it.effect("contains the number of attempts and the reason that retries stopped", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* messageOf([status(500)]), `the API failed (500).${mayHaveApplied} 3 attempts in 750ms.`)
      assert.strictEqual(
        yield* messageOf([status(500)], { retryBudget: 0 }),
        `the API failed (500). No further attempt was made, because the retry budget is spent.${mayHaveApplied}`
      )
      assert.strictEqual(
        yield* messageOf([status(429, { "retry-after": "61" })]),
        "too many requests (429). The API asks to wait 1m 1s. The wait is longer than the retry policy allows."
      )
      assert.strictEqual(
        yield* messageOf([Effect.never], { deadline: "5 seconds" }),
        `no response within 5s. The deadline left no time for another attempt.${mayHaveApplied}`
      )
    })
  )

  it.effect("that was rate limited names the API or the quota, and whether anything was sent", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([status(429, { "retry-after": "50" })])
      yield* Effect.exit(Retry.withPolicy(Retry.none)(contacts.delete(id)))
      const { message } = yield* Effect.flip(Retry.withPolicy(contacts.delete(id), { maxRetryAfter: "9 seconds" }))
      assert.strictEqual(
        message,
        "Contacts.delete: the API asked this organization to wait another 50s. Nothing was sent. The wait is longer than the retry policy allows."
      )
      const quota = RateLimit.layer({ limit: 1, window: "10 seconds" })
      assert.strictEqual(
        yield* Effect.provide(messageOf([status(500)], { deadline: "9 seconds" }), quota),
        `the rate limit allows the next request in 9s 750ms. The deadline left no time for another attempt.${mayHaveApplied}`
      )
    })
  )

  it.effect("that an open circuit breaker refused names the circuit breaker", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([status(500)])
      const once = Retry.withPolicy(Retry.none)(contacts.delete(id))
      yield* Effect.exit(once)
      assert.strictEqual(
        (yield* Effect.flip(once)).message,
        "Contacts.delete: the circuit breaker is open, because the API has been failing. Nothing was sent."
      )
    }).pipe(Effect.provide(CircuitBreaker.layer({ failures: 1 })))
  )

  it.effect("without a token states that the token could not be obtained", () =>
    Effect.gen(function* () {
      const message = yield* messageOf([status(500)], { token: Effect.fail("sealed") })
      assert.strictEqual(message, "the token could not be obtained. Nothing was sent.")
    })
  )

  it.effect("with an invalid input contains the first issue and the paths of the others", () =>
    Effect.gen(function* () {
      const first = yield* invalidMessage({})
      assert.match(first, /^Contacts\.upsert: the input was refused before sending: \w[^.]+ \(phone\)\.$/)
      assert.strictEqual(
        yield* invalidMessage({ email: "y", tags: [" "] }),
        `${first} See issues for 2 more (email, tags.0).`
      )
    })
  )
})
