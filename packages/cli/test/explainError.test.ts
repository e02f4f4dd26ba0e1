import * as Errors from "@agentalk/core/AgentalkError"
import { Operation } from "@agentalk/core/Operations"
import { FileFault } from "@agentalk/import/ContactFile"
import { ImportStopped } from "@agentalk/import/Import"
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { explainError, ImportFailed } from "../src/internal/explainError.ts"
import { toLines } from "../src/internal/explanation.ts"
import { UsageError } from "../src/internal/usageError.ts"

const call = { operation: "upsert", outcome: "unknown", message: "Contacts.upsert: it failed." } as const
const answered = { ...call, status: 400, requestId: "req-7" }
const retryAfter = Duration.millis(1_500)
const issues = Array.from({ length: 6 }, (_, n) => ({ path: ["tags", n], message: "Bad." }))

const notFoundAdvice = (operation: Errors.AgentalkError["operation"]) =>
  explainError(new Errors.NotFound({ ...answered, operation, status: 404 }))?.advice ?? ""

describe("the explanation of an API error", () => {
  it.each<readonly [error: Errors.AgentalkError, status: number, advice: RegExp]>([
    [new Errors.Validation({ ...call, source: "client", issues: [] }), 2, /^Correct this value/],
    [new Errors.Validation({ ...answered, source: "server", issues }), 1, /^The API refused these values/],
    [new Errors.Unauthorized(call), 1, /AGENTALK_API_TOKEN/],
    [new Errors.Forbidden(answered), 1, /--organization/],
    [new Errors.NotFound({ ...answered, operation: "delete" }), 1, /^Check the contact id\. .*search/],
    [new Errors.RateLimited({ ...answered, retryAfter }), 1, /^Run the command again in 2s\.$/],
    [new Errors.RateLimited(call), 1, /^Wait a little/],
    [new Errors.CircuitOpen({ ...call, retryAfter }), 1, /^Run the command again in 2s\.$/],
    [new Errors.ServerFault(answered), 1, /Try again later/],
    [new Errors.Timeout({ ...call, limit: "attempt" }), 1, /--timeout/],
    [new Errors.TransportFailure(call), 1, /network.*doctor/],
    [new Errors.UnexpectedResponse(answered), 1, /base URL/]
  ])("has an exit status and advice: %s", (error, status, advice) => {
    const explanation = explainError(error)!
    assert.strictEqual(explanation.status, status)
    const [first, second, ...more] = toLines(explanation, false)
    assert.match(first ?? "", new RegExp(`^${error._tag}: ${error.message}`))
    assert.match(second ?? "", advice)
    assert.deepStrictEqual(more, [])
    const [, , third] = toLines(explanation, true)
    assert.match(third ?? "", /^outcome unknown, 1 attempt in 0, retries stopped by not-retryable/)
  })

  it("names every parameter of the operation that found nothing", () => {
    assert.match(notFoundAdvice("clearField"), /^Check the contact id and the field key\. /)
    assert.match(notFoundAdvice("removeTag"), /^Check the contact id and the tag id or name\. /)
    for (const operation of Operation.literals) assert.notInclude(notFoundAdvice(operation), "{")
  })

  it("contains at most five issues of the API, and none of an input that was not sent", () => {
    const server = explainError(new Errors.Validation({ ...answered, source: "server", issues }))!.message
    assert.include(server, "[tags.0: Bad.; tags.1: Bad.; tags.2: Bad.; tags.3: Bad.; tags.4: Bad.]")
    const client = explainError(new Errors.Validation({ ...call, source: "client", issues }))!.message
    assert.notInclude(client, "Bad.")
  })

  it("shows details with --verbose and with --json", () => {
    const error = new Errors.ServerFault({ ...answered, status: 503, attempts: 3, elapsed: Duration.seconds(2) })
    const details = "outcome unknown, 3 attempts in 2s, retries stopped by not-retryable, status 503, request id req-7"
    assert.strictEqual(toLines(explainError(error)!, true)[2], details)
    const reset = new Errors.TransportFailure({ ...call, code: "ECONNRESET" })
    assert.strictEqual(explainError(reset)?.details?.["code"], "ECONNRESET")
  })
})

describe("the explanation of another error", () => {
  it("advises to read the help after wrong usage", () => {
    const usage = explainError(new UsageError({ message: "x" }))!
    assert.strictEqual(usage.status, 2)
    assert.deepStrictEqual(toLines(usage, true), ["UsageError: x", "Run the command with --help to see its usage."])
  })

  it.effect("names the setting of a configuration error", () =>
    Effect.gen(function* () {
      const invalid = yield* Effect.flip(Config.Int("N").parse(ConfigProvider.fromUnknown({ N: "x" })))
      assert.match(
        toLines(explainError(invalid)!, false).join("|"),
        /^ConfigError: N: [^|\n]*\|Correct.*`agentalk doctor`/
      )
      const issue = new SchemaIssue.Pointer(["N"], new SchemaIssue.MissingKey(undefined))
      const missing = new Config.ConfigError(new Schema.SchemaError(issue))
      assert.include(explainError(missing)!, { message: "N is not set", advice: "Set N." })
      const nested = Config.nested(Config.Int("N"), "A")
      const path = yield* Effect.flip(nested.parse(ConfigProvider.fromUnknown({ A: { N: "x" } })))
      assert.match(explainError(path)!.message, /^A\.N: /)
      const unreadable = new Config.ConfigError(new ConfigProvider.SourceError({ message: "The file is locked." }))
      assert.include(explainError(unreadable)!, { message: "The file is locked.", advice: "Correct this setting." })
    })
  )

  it("says how to resume an import that failed", () => {
    const error = new Errors.TransportFailure({ ...call, code: "ECONNRESET" })
    const stopped = new ImportStopped({ error, line: 7, message: "Stopped." })
    assert.deepInclude(explainError(stopped), { status: 1, tag: "TransportFailure", message: "Stopped." })
    const full = new FileFault({ kind: "system", message: "Full.", advice: "Make room." })
    assert.deepInclude(explainError(new ImportFailed({ cause: full, advice: "Resume." })), {
      tag: "FileFault",
      advice: "Make room. Resume."
    })
    const { advice = "" } = explainError(new ImportFailed({ cause: stopped, advice: "Resume." })) ?? {}
    assert.match(advice, /doctor.* Resume\.$/)
  })

  it("does not exist for a defect", () => {
    assert.isUndefined(explainError(new Error("boom")))
    assert.isUndefined(explainError(undefined))
  })
})
