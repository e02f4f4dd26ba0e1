/** Checks the error of any response against a second, independent implementation of the error table. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { type AgentalkError, isAgentalkError, type Outcome } from "../src/AgentalkError.ts"
import { Operation } from "../src/Operations.ts"
import { hostileText, oneOf } from "./AnyInput.ts"
import { anyJson, prototypeKeys } from "./AnyJson.ts"
import { isReadOnly, namesContact } from "./OperationTable.ts"
import { callOnce, text } from "./ScriptedApi.ts"

// A word that occurs nowhere else, so that a test can detect text of a response in a message.
const word = "Quetzalcoatl"

const tagOf = (operation: Operation, status: number): AgentalkError["_tag"] => {
  if ([400, 409, 413, 415, 422].includes(status)) return "Validation"
  if (status === 401) return "Unauthorized"
  if (status === 403) return "Forbidden"
  if ((status === 404 || status === 410) && namesContact(operation)) return "NotFound"
  if (status === 408) return "Timeout"
  if (status === 429) return "RateLimited"
  return status >= 500 ? "ServerFault" : "UnexpectedResponse"
}

const outcomeOf = (operation: Operation, status: number): Outcome =>
  isReadOnly(operation) || (status >= 400 && status < 500 && status !== 408) ? "not-applied" : "unknown"

const mediaTypes = ["application/json", "APPLICATION/JSON; charset=utf-8", "application/problem+json", "text/html"]

/** All strings in a JSON value. A message must not contain them. */
const textsOf = (json: unknown): ReadonlyArray<string> => {
  if (typeof json === "string") return [json]
  return typeof json === "object" && json !== null ? Object.values(json).flatMap(textsOf) : []
}

const headerValue = Arbitrary.map(hostileText, (value) => value.replace(/[^\x20-\x7e]/g, "").trim())

const response = {
  operation: Operation,
  headers: Arbitrary.map(
    Arbitrary.array(
      Arbitrary.all([
        oneOf(
          "retry-after",
          "retry-after-ms",
          "x-request-id",
          "request-id",
          "x-ratelimit-remaining",
          "x-ratelimit-reset",
          "ratelimit",
          "location",
          "content-encoding"
        ),
        Arbitrary.flatMap(oneOf("0", "-1", "1e400", "Infinity", "2", word, "any"), (value) =>
          value === "any" ? headerValue : Arbitrary.Constant(value)
        )
      ]),
      { maxLength: 4 }
    ),
    (entries) => Object.fromEntries(entries)
  ),
  type: oneOf(...mediaTypes, "text/plain", "", "application/jsonp", "application/octet-stream"),
  body: Arbitrary.flatMap(oneOf("json", "text", "cut"), (kind) =>
    Arbitrary.map(Arbitrary.all([anyJson, hostileText]), ([json, any]) => {
      if (kind === "text") return { json: undefined, text: `${word} ${any}` }
      const body = JSON.stringify({ detail: word, json })
      return kind === "cut" ? { json: undefined, text: body.slice(0, -1) } : { json, text: body }
    })
  )
}

const withType = (type: string, headers: Readonly<Record<string, string>>): Record<string, string> =>
  type === "" ? headers : { ...headers, "content-type": type }

/** The error of a call with this response, or undefined if the call succeeds. Asserts that there is no defect. */
const errorOf = (
  operation: Operation,
  status: number,
  body: string,
  headers: Record<string, string>
): Effect.Effect<AgentalkError | undefined> =>
  Effect.map(
    Effect.exit(
      callOnce(operation, () => {
        const isEmpty = status === 204 || status === 205 || status === 304
        const answer = text(isEmpty || status < 200 || status > 599 ? 200 : status, isEmpty ? null : body, headers)
        // A server can send statuses that the `Response` constructor rejects.
        return Object.defineProperty(answer, "status", { value: status })
      })
    ),
    (exit) => {
      if (Exit.isSuccess(exit)) return undefined
      const [reason, ...others] = exit.cause.reasons
      assert.deepStrictEqual(others, [])
      assert.isTrue(reason !== undefined && Cause.isFailReason(reason), Cause.pretty(exit.cause))
      assert.isTrue(isAgentalkError((reason as Cause.Fail<unknown>).error))
      return (reason as Cause.Fail<AgentalkError>).error
    }
  )

/** Asserts the properties of every error that a response causes. */
const assertSound = (error: AgentalkError, operation: Operation, status: number, json: unknown): void => {
  assert.deepInclude(error, { operation, status, attempts: 1 })
  assert.isTrue(error.message.startsWith(`Contacts.${operation}: `))
  assert.strictEqual(error.message.includes("may have taken effect"), error.outcome === "unknown")
  assert.notInclude(error.message, word)
  // Short strings can occur in any message by coincidence.
  for (const string of textsOf(json)) if (string.length > 12) assert.notInclude(error.message, string)
  if (!namesContact(operation)) assert.notStrictEqual(error._tag, "NotFound")
}

describe("any response", () => {
  const before = prototypeKeys()
  // Every status with a meaning of its own, and any other status.
  const failing = Schema.Union([
    Schema.Literals([302, 400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 500, 501, 503, 599, 600]),
    Schema.Int.check(Schema.isBetween({ minimum: 300, maximum: 999 }))
  ])

  it.effect.prop(
    "that is not a success fails with the error of its status",
    { ...response, status: failing },
    ({ body, headers, operation, status, type }) =>
      Effect.gen(function* () {
        const error = yield* errorOf(operation, status, body.text, withType(type, headers))
        assert.isDefined(error)
        assert.strictEqual(error._tag, status > 599 ? "UnexpectedResponse" : tagOf(operation, status))
        assert.strictEqual(error.outcome, outcomeOf(operation, status))
        assertSound(error, operation, status, body.json)
        assert.deepStrictEqual(prototypeKeys(), before)
      }),
    { arbitrary: { runs: 400 } }
  )

  it.effect.prop(
    "with a 2xx status returns a value, or fails with UnexpectedResponse: applied if its content type is JSON",
    { ...response, status: Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 299 })) },
    ({ body, headers, operation, status, type }) =>
      Effect.gen(function* () {
        const error = yield* errorOf(operation, status, body.text, withType(type, headers))
        if (error === undefined) return
        assert.strictEqual(error._tag, "UnexpectedResponse")
        assertSound(error, operation, status, body.json)
        // An empty 204 or 205 comes from the API itself. A body without a content type counts as JSON if it parses.
        const isFromApi = status === 204 || status === 205 || (/json/i.test(type) && type !== "application/jsonp")
        if (isReadOnly(operation)) assert.strictEqual(error.outcome, "not-applied")
        else if (type !== "") assert.strictEqual(error.outcome, isFromApi ? "applied" : "unknown")
      }),
    { arbitrary: { runs: 400 } }
  )
})
