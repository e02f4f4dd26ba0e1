/**
 * Errors by tag: the ones you expect have a name, and for the rest `outcome` says what became of the write. A writer
 * needs no more than that to decide what to do next.
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
/** What a writer does next, whatever went wrong. */
const nextStep = (error: AgentalkError): string =>
  ({
    // Nothing has changed, so all that matters is whether later is better.
    "not-applied": `nothing was written: ${error.isRetryable ? "queue it again" : "put it aside for a person"}`,
    // An upsert may be repeated, for it sets a state rather than add to one.
    unknown: "it may have been written: look with search, or repeat the upsert",
    // Not a failure to its caller: only the answer was lost.
    applied: "it was written, but the answer was unreadable: go on, and search for the id"
  })[error.outcome]
// #endregion

const order = Effect.fn("order")(
  function* (item: string, customer: UpsertInput) {
    yield* reserve(item)
    const contacts = yield* Contacts
    const { contact } = yield* contacts.upsert(customer)
    return `customer ${contact.id}`
  },
  // The errors that have an answer of their own, by tag: `issues` and `retryAfter` are there, typed.
  Effect.catchTags({
    Validation: ({ issues }) => Effect.succeed(`please correct ${issues.map(({ path }) => path.join(".")).join(", ")}`),
    RateLimited: ({ retryAfter = Duration.minutes(1) }) => Effect.succeed(`come back in ${Duration.format(retryAfter)}`)
  }),
  // All others of this SDK in one place. `OutOfStock` is not of this SDK, so it goes on to the caller.
  Effect.catchIf(isAgentalkError, (error) => Effect.succeed(`${error._tag}: ${nextStep(error)}`))
)

/** Contacts at an API that gives every call the same answer. */
const answering = (status: number, body: object, headers: Record<string, string> = {}) =>
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
  yield* Console.log(`all is well    ${good}`)

  const bad = yield* Effect.provide(order("shoes", { phone: "12" }), Sandbox.layer)
  yield* Console.log(`a bad phone    ${bad}`)

  for (const [what, api] of [
    ["no connection", AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl: "http://127.0.0.1:1" })],
    ["429", answering(429, { detail: "Slow down." }, { "retry-after": "90" })],
    ["403", answering(403, { detail: "Not your organization." })],
    ["501", answering(501, { detail: "Not yet." })],
    ["201, no id", answering(201, { success: true })]
  ] as const) {
    yield* Console.log(`${what.padEnd(14)} ${yield* Effect.provide(order("shoes", jane), api)}`)
  }

  yield* Effect.provide(order("hat", jane), Sandbox.layer)
}).pipe(
  Effect.catchTag("OutOfStock", ({ item }) =>
    Console.log(`no ${item} in stock: no error of this SDK, so it came through to us`)
  )
)

NodeRuntime.runMain(program)
