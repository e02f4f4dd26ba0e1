import { type AgentalkError, type CallError, Contacts, isAgentalkError } from "@agentalk/core"
import { Data, Effect } from "effect"
import { describe, expectTypeOf, it } from "vitest"

class Other extends Data.TaggedError("Other") {}

const program = Effect.gen(function* () {
  const contacts = yield* Contacts
  yield* contacts.search({ name: "Jane" })
  return yield* new Other()
})

describe("isAgentalkError", () => {
  it("keeps the errors of other code in the error channel", () => {
    const handled = program.pipe(
      Effect.catchIf(isAgentalkError, (error) => {
        expectTypeOf(error).toEqualTypeOf<CallError>()
        return Effect.void
      })
    )
    expectTypeOf<Effect.Error<typeof handled>>().toEqualTypeOf<Other>()
  })

  it("narrows to the remaining errors after some tags are caught", () => {
    const handled = program.pipe(
      Effect.catchTags({ Validation: () => Effect.void, RateLimited: () => Effect.void }),
      Effect.catchIf(isAgentalkError, (error) => {
        expectTypeOf(error).toEqualTypeOf<Exclude<CallError, { _tag: "Validation" | "RateLimited" }>>()
        return Effect.void
      })
    )
    expectTypeOf<Effect.Error<typeof handled>>().toEqualTypeOf<Other>()
  })

  it("narrows unknown to AgentalkError", () => {
    expectTypeOf(isAgentalkError<unknown>).guards.toEqualTypeOf<AgentalkError>()
  })
})
