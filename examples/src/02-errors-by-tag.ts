/**
 * Error handling. Handle the errors that you expect by tag. For all others, `outcome` says whether the write took
 * effect, and that decides the next step.
 */
import {
  AgentalkClient,
  type AgentalkError,
  Contacts,
  isAgentalkError,
  Sandbox,
  type UpsertInput
} from "@agentalk/core"
import { AgentalkNode } from "@agentalk/node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Data, Duration, Effect, Layer } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"

class OutOfStock extends Data.TaggedError("OutOfStock")<{ readonly item: string }> {}

const reserve = (item: string) => (item === "hat" ? Effect.fail(new OutOfStock({ item })) : Effect.void)

// #region outcome
/** The next step after a failed upsert. */
const nextStep = (error: AgentalkError): string =>
  ({
    // Nothing has changed. `isRetryable` says whether the same call may succeed later.
    "not-applied": `not written: ${error.isRetryable ? "queue it again" : "needs manual review"}`,
    // An upsert is safe to repeat because it sets a state instead of adding to it.
    unknown: "may have been written: search for the contact or repeat the upsert",
    // The write succeeded, and only the response was lost.
    applied: "written, but the response could not be read: continue and search for the id"
  })[error.outcome]
// #endregion

const order = Effect.fn("order")(
  function* (item: string, customer: UpsertInput) {
    yield* reserve(item)
    const contacts = yield* Contacts
    const { contact } = yield* contacts.upsert(customer)
    return `customer ${contact.id}`
  },
  // Each tag narrows the error type, so `issues` and `retryAfter` are available.
  Effect.catchTags({
    Validation: ({ issues }) => Effect.succeed(`please correct ${issues.map(({ path }) => path.join(".")).join(", ")}`),
    RateLimited: ({ retryAfter = Duration.minutes(1) }) => Effect.succeed(`try again in ${Duration.format(retryAfter)}`)
  }),
  // Handles every other error of this SDK. `OutOfStock` is not an SDK error, so the caller receives it.
  Effect.catchIf(isAgentalkError, (error) => Effect.succeed(`${error._tag}: ${nextStep(error)}`))
)

/** `Contacts` over an API that returns the same response to every call. */
const returning = (status: number, body: object, headers: Record<string, string> = {}) =>
  AgentalkClient.layer({ token: Sandbox.token }).pipe(
    Layer.provide(
      Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make((request) =>
          Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(body, { status, headers })))
        )
      )
    )
  )

const jane = { phone: "+12025550143", firstName: "Jane" }

const program = Effect.gen(function* () {
  const good = yield* Effect.provide(order("shoes", jane), Sandbox.layer)
  yield* Console.log(`success        ${good}`)

  const bad = yield* Effect.provide(order("shoes", { phone: "12" }), Sandbox.layer)
  yield* Console.log(`invalid phone  ${bad}`)

  for (const [label, api] of [
    ["no connection", AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl: "http://127.0.0.1:1" })],
    ["429", returning(429, { detail: "Slow down." }, { "retry-after": "90" })],
    ["403", returning(403, { detail: "Not your organization." })],
    ["501", returning(501, { detail: "Not yet." })],
    ["201, no id", returning(201, { success: true })]
  ] as const) {
    yield* Console.log(`${label.padEnd(14)} ${yield* Effect.provide(order("shoes", jane), api)}`)
  }

  yield* Effect.provide(order("hat", jane), Sandbox.layer)
}).pipe(
  Effect.catchTag("OutOfStock", ({ item }) =>
    Console.log(`OutOfStock: no ${item} left. This error is not from the SDK, so catchIf did not handle it.`)
  )
)

NodeRuntime.runMain(program)
