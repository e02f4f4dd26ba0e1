/** Runs the same calls over every supported `HttpClient`. The results must be equal, and no call may hang. */
import { AgentalkClient, Contacts, Faults, Retry, Sandbox, TimeLimit } from "@agentalk/core"
import { SandboxServer, UndiciHttpClient } from "@agentalk/node"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"

const clients = {
  UndiciHttpClient: UndiciHttpClient.layer,
  "UndiciHttpClient behind a middleware": Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.mapRequest((request) => request)
    )
  ).pipe(Layer.provide(UndiciHttpClient.layer)),
  FetchHttpClient: FetchHttpClient.layer,
  "NodeHttpClient.layerUndici": NodeHttpClient.layerUndici,
  "NodeHttpClient.layerNodeHttp": NodeHttpClient.layerNodeHttp
}

const overSocket = <A, E>(
  layerClient: Layer.Layer<HttpClient.HttpClient>,
  effect: Effect.Effect<A, E, Contacts | Sandbox.State>
) =>
  Effect.gen(function* () {
    const { url } = yield* SandboxServer.Address
    const contacts = AgentalkClient.layer({
      token: Sandbox.token,
      baseUrl: url,
      maxBodySize: "1 MiB",
      retry: Retry.none
    })
    return yield* Effect.provide(effect, Layer.provide(contacts, layerClient))
  }).pipe(Effect.provide(SandboxServer.layer))

const phone = "+12025550143"

const allOperations = Effect.gen(function* () {
  const contacts = yield* Contacts
  const { contact, isNew } = yield* contacts.upsert({ phone, firstName: "Jane", tags: ["a/b %2F ü"] })
  yield* contacts.addTags(contact.id, ["x"])
  yield* contacts.removeTag(contact.id, "a/b %2F ü")
  yield* contacts.updateFields(contact.id, { city: "Lisbon", seats: 5 })
  yield* contacts.clearField(contact.id, "seats")
  const page = yield* contacts.search({ phone: "+1202" })
  const { id: _, ...found } = page.contacts[0] ?? contact
  yield* contacts.delete(contact.id)
  const missing = yield* Effect.flip(contacts.delete(contact.id))
  return { isNew, found, missing: [missing._tag, missing.outcome, missing.message] }
})

const faults = [
  { fault: Faults.hang({ strikes: "before" }), tag: "Timeout", outcome: "unknown" },
  { fault: Faults.stall, tag: "Timeout", outcome: "applied" },
  { fault: Faults.cut, tag: "UnexpectedResponse", outcome: "applied" },
  { fault: Faults.huge(4 * 1024 * 1024), tag: "UnexpectedResponse", outcome: "applied" },
  { fault: Faults.reset({ strikes: "before" }), tag: "TransportFailure", outcome: "unknown" },
  { fault: Faults.redirect("/elsewhere", { strikes: "before" }), tag: "UnexpectedResponse", outcome: "unknown" },
  { fault: Faults.html({ strikes: "after" }), tag: "UnexpectedResponse", outcome: "unknown" }
] as const

describe.concurrent.each(Object.entries(clients))("%s", (_, layerClient) => {
  it.live("returns the same results as the in-memory sandbox for every operation", () =>
    Effect.gen(function* () {
      const expected = yield* Effect.provide(allOperations, Sandbox.layer)
      assert.deepStrictEqual(yield* overSocket(layerClient, allOperations), expected)
    })
  )

  it.live.each(faults)("fails with $tag and outcome $outcome after the fault: $fault.name", ({ fault, outcome, tag }) =>
    overSocket(
      layerClient,
      Effect.gen(function* () {
        const contacts = yield* Contacts
        const state = yield* Sandbox.State
        yield* state.script(Faults.script({ method: "POST", fault }))
        const upsert = contacts.upsert({ phone })
        // Only faults that never end get a short attempt timeout, because other responses may be slow on a busy machine.
        const isEndless = tag === "Timeout"
        const error = yield* Effect.flip(isEndless ? TimeLimit.withLimits({ attempt: "5 seconds" })(upsert) : upsert)
        assert.deepStrictEqual([error._tag, error.outcome], [tag, outcome])
        // The pool still works, and the client did not follow the redirect.
        yield* contacts.search({ phone })
        const paths = (yield* state.requests).map((request) => request.path.split("?")[0])
        assert.deepStrictEqual(paths, ["/api/contacts", "/api/contacts/search"])
      })
    )
  )

  it.live("fails with the outcome not-applied if no connection is made", () =>
    Effect.gen(function* () {
      // The scope of the server has ended, so nothing listens on this address.
      const { url: baseUrl } = yield* Effect.provide(SandboxServer.Address, SandboxServer.layer)
      const contacts = yield* AgentalkClient.make({ token: Sandbox.token, baseUrl, retry: Retry.none })
      const error = yield* Effect.flip(contacts.upsert({ phone }))
      assert.deepStrictEqual([error._tag, error.outcome], ["TransportFailure", "not-applied"])
    }).pipe(Effect.provide(layerClient))
  )
})
