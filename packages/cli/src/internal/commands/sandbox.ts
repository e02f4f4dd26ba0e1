/** `agentalk sandbox`: the API on this machine, to try things out on. */
import type { UpsertInput } from "@agentalk/core/Contact"
import { attributeNames, attributes } from "@agentalk/core/unstable"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { wholeNumber } from "../flags.ts"
import { formatNumber } from "../numbers.ts"
import { print } from "../output.ts"
import { paint } from "../terminalText.ts"
import { UsageError } from "../usageError.ts"

const nameAttributes = attributeNames.filter((name) => attributes[name].isName)

// The lengths have no common divisor, so that many contacts have different names.
const sampleNames = [
  ["Jane", "Ana", "Bo", "Chidi", "Dana", "Emeka", "Fatima", "Goran", "Hana", "Ivo"],
  ["Doe", "Silva", "Chen", "Okafor", "Novak", "Haddad", "Ito", "Larsen", "Costa", "Weber", "Kim"]
]
const sampleTags = ["vip", "newsletter", "beta"]

const pick = (texts: ReadonlyArray<string> = [], index: number): string => texts[index % texts.length] ?? ""

// No country has the code 999, so the numbers belong to nobody.
const seedContacts = function* (count: number): Generator<UpsertInput> {
  for (let index = 0; index < count; index++) {
    const names = nameAttributes.map((_, place) => pick(sampleNames[place % sampleNames.length], index))
    yield {
      ...Object.fromEntries(nameAttributes.map((name, place) => [name, names[place]])),
      phone: `+999${String(index).padStart(9, "0")}`,
      email: `${names.join(".")}.${index}@example.com`.toLowerCase(),
      tags: index % 4 === 3 ? [] : [pick(sampleTags, index % 4)],
      fields: { city: index % 2 === 0 ? "Lisbon" : "Porto" }
    }
  }
}

export const sandbox = Command.make(
  "sandbox",
  {
    port: wholeNumber("port", "The port to listen on (default: any that is free)", 0, 65_535).pipe(Flag.withDefault(0)),
    seed: wholeNumber("seed", "How many made-up contacts it begins with", 0, 1_000_000).pipe(Flag.withDefault(0))
  },
  ({ port, seed }) =>
    Effect.gen(function* () {
      // Loaded here, so that no other command waits for a server.
      const [Sandbox, SandboxServer] = yield* Effect.promise(() =>
        Promise.all([import("@agentalk/core/Sandbox"), import("@agentalk/node/SandboxServer")])
      )
      const context = yield* Effect.mapError(
        Layer.build(SandboxServer.layerOptions({ port })),
        () =>
          new UsageError({
            message: `the sandbox cannot listen on port ${port}`,
            advice: "Name another port with --port, or none for any that is free."
          })
      )
      const { url } = Context.get(context, SandboxServer.Address)
      yield* Effect.orDie(Context.get(context, Sandbox.State).seed(seedContacts(seed)))
      const token = Redacted.value(Sandbox.token)
      yield* print({ url, token, contacts: seed }, () => [
        `A sandbox of the Contacts API listens on ${paint("bold", url)}${seed > 0 ? ` with ${formatNumber(seed)} contacts` : ""}.`,
        "Nothing leaves this machine. In another terminal:",
        "",
        `  export AGENTALK_BASE_URL=${url}`,
        `  export AGENTALK_API_TOKEN=${token}`,
        "  agentalk contacts search --name jane",
        "",
        paint("dim", "Ctrl-C stops it.")
      ])
      return yield* Effect.never
    }).pipe(Effect.scoped)
).pipe(
  Command.withDescription("Serve the API from memory on this machine, to try things out"),
  Command.withExamples([
    { command: "agentalk sandbox --port 8080 --seed 1000", description: "With a thousand made-up contacts" }
  ])
)
