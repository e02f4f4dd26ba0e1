/**
 * Retries, timeouts, a rate limit and a circuit breaker: set for a client, then changed for the calls in one effect. The
 * sandbox returns scripted 503 responses to show the difference.
 */
import { CircuitBreaker, Contacts, Faults, Retry, Sandbox, TimeLimit } from "@agentalk/core"
import { AgentalkNode, SandboxServer } from "@agentalk/node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"

// #region policies
// For all calls of a client.
const layerContacts = (options: AgentalkNode.Options) =>
  AgentalkNode.layerOptions({
    ...options,
    attemptTimeout: "5 seconds",
    deadline: "20 seconds",
    retry: { attempts: 5, baseDelay: "50 millis" },
    rateLimit: { limit: 600, window: "1 minute" }
  }).pipe(Layer.provide(CircuitBreaker.layer({ failures: 10, openDuration: "30 seconds" })))

// For the calls in one effect: a single attempt of at most one second.
const rename = Effect.fn("rename")(
  function* (phone: string, firstName: string) {
    const contacts = yield* Contacts
    return yield* contacts.upsert({ phone, firstName })
  },
  Retry.withPolicy(Retry.none),
  TimeLimit.withLimits({ attempt: "1 second" })
)
// #endregion

const phone = "+12025550143"

const program = Effect.gen(function* () {
  const contacts = yield* Contacts
  const { requests, script } = yield* Sandbox.State
  yield* script(Faults.script({ times: 3, fault: Faults.status(503, { strikes: "before" }) }))

  yield* contacts.upsert({ phone, firstName: "Jane" })
  yield* Console.log(`upsert: ${(yield* requests).map(({ status }) => status).join(", ")}`)

  yield* script(Faults.script({ fault: Faults.status(503, { strikes: "before" }) }))
  yield* rename(phone, "Janet").pipe(
    Effect.catchTag("ServerFault", ({ attempts, retryStopped }) =>
      Console.log(`rename: failed after ${attempts} attempt, retryStopped: ${retryStopped}`)
    )
  )
})

const main = Effect.gen(function* () {
  const { url } = yield* SandboxServer.Address
  yield* Effect.provide(program, layerContacts({ token: Sandbox.token, baseUrl: url }))
}).pipe(Effect.provide(SandboxServer.layer))

NodeRuntime.runMain(main)
