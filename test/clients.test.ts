/** The same calls over every client that can carry them: nobody's answers differ, and nobody hangs. */
import { AgentalkClient, Contacts, Faults, Retry, Sandbox, TimeLimit } from "@agentalk/core"
import { SandboxServer, UndiciHttpClient } from "@agentalk/node"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"

const clients = {
  "our own, on undici": UndiciHttpClient.layer,
  "ours behind a middleware": Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.mapRequest((request) => request)
    )
  ).pipe(Layer.provide(UndiciHttpClient.layer)),
  fetch: FetchHttpClient.layer,
  "Effect's undici": NodeHttpClient.layerUndici,
  "Effect's node:http": NodeHttpClient.layerNodeHttp
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

const allSeven = Effect.gen(function* () {
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
  it.live("does all seven operations as the sandbox in memory does", () =>
    Effect.gen(function* () {
      const expected = yield* Effect.provide(allSeven, Sandbox.layer)
      assert.deepStrictEqual(yield* overSocket(layerClient, allSeven), expected)
    })
  )

  it.live.each(faults)("$fault.name gives $tag, $outcome", ({ fault, outcome, tag }) =>
    overSocket(
      layerClient,
      Effect.gen(function* () {
        const contacts = yield* Contacts
        const state = yield* Sandbox.State
        yield* state.script(Faults.script({ method: "POST", fault }))
        const upsert = contacts.upsert({ phone })
        // Only what never ends is cut short: a busy machine may take its time for the rest, and for the head of an answer.
        const isEndless = tag === "Timeout"
        const error = yield* Effect.flip(isEndless ? TimeLimit.withLimits({ attempt: "5 seconds" })(upsert) : upsert)
        assert.deepStrictEqual([error._tag, error.outcome], [tag, outcome])
        // The pool has survived it, and a redirect has led nowhere.
        yield* contacts.search({ phone })
        const paths = (yield* state.requests).map((request) => request.path.split("?")[0])
        assert.deepStrictEqual(paths, ["/api/contacts", "/api/contacts/search"])
      })
    )
  )

  it.live("says that nothing was sent where no connection was made", () =>
    Effect.gen(function* () {
      // By now it listens no more.
      const { url: baseUrl } = yield* Effect.provide(SandboxServer.Address, SandboxServer.layer)
      const contacts = yield* AgentalkClient.make({ token: Sandbox.token, baseUrl, retry: Retry.none })
      const error = yield* Effect.flip(contacts.upsert({ phone }))
      assert.deepStrictEqual([error._tag, error.outcome], ["TransportFailure", "not-applied"])
    }).pipe(Effect.provide(layerClient))
  )
})
