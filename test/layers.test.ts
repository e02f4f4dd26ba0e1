import { Contacts, Sandbox } from "@agentalk/core"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpClient } from "effect/http"

// A layer can give more than its type says, and that takes the place of what a program has, without a word.
it.effect("Sandbox.layer leaves the HttpClient of a program alone", () => {
  const own = HttpClient.make(() => Effect.die("not to be called"))
  return Effect.gen(function* () {
    const contacts = yield* Contacts
    yield* contacts.upsert({ phone: "+12025550143" })
    assert.lengthOf(yield* (yield* Sandbox.State).contacts(), 1)
    assert.strictEqual(yield* HttpClient.HttpClient, own)
  }).pipe(Effect.provide(Sandbox.layer), Effect.provideService(HttpClient.HttpClient, own))
})
