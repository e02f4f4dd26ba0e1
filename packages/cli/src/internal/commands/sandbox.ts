/** `agentalk sandbox`: the API in memory on this machine. */
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

/** The values of the name attributes, in the order of the attributes table. */
const sampleNames = [
  ["Jane", "Ana", "Bo", "Chidi", "Dana", "Emeka", "Fatima", "Goran", "Hana", "Ivo"],
  ["Doe", "Silva", "Chen", "Okafor", "Novak", "Haddad", "Ito", "Larsen", "Costa", "Weber", "Kim"]
]
const sampleTags = ["vip", "newsletter", "beta"]

const nameAttributes = attributeNames.filter((name) => attributes[name].isName)

const pick = (texts: ReadonlyArray<string> = [], index: number): string => texts[index % texts.length] ?? ""

const sampleContacts = function* (count: number): Generator<UpsertInput> {
  for (let index = 0; index < count; index++) {
    const names = nameAttributes.map((_, position) => pick(sampleNames[position % sampleNames.length], index))
    yield {
      ...Object.fromEntries(nameAttributes.map((name, position) => [name, names[position]])),
      // No country has the code 999, so the number belongs to nobody.
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
    port: wholeNumber("port", "The port (default: a free port)", 0, 65_535).pipe(Flag.withDefault(0)),
    seed: wholeNumber("seed", "The number of sample contacts (default 0)", 0, 1_000_000).pipe(Flag.withDefault(0))
  },
  ({ port, seed }) =>
    Effect.gen(function* () {
      // Imported here, so that other commands start faster.
      const [Sandbox, SandboxServer] = yield* Effect.promise(() =>
        Promise.all([import("@agentalk/core/Sandbox"), import("@agentalk/node/SandboxServer")])
      )
      const context = yield* Effect.mapError(
        Layer.build(SandboxServer.layerOptions({ port })),
        () =>
          new UsageError({
            message: `the sandbox cannot listen on port ${port}`,
            advice: "Use another --port, or omit it to use a free port."
          })
      )
      const { url } = Context.get(context, SandboxServer.Address)
      yield* Effect.orDie(Context.get(context, Sandbox.State).seed(sampleContacts(seed)))
      const token = Redacted.value(Sandbox.token)
      yield* print({ url, token, contacts: seed }, () => [
        `A sandbox of the Contacts API is running at ${paint("bold", url)}${seed > 0 ? ` with ${formatNumber(seed)} contacts` : ""}.`,
        "No request leaves this machine. In another terminal, run:",
        "",
        `  export AGENTALK_BASE_URL=${url}`,
        `  export AGENTALK_API_TOKEN=${token}`,
        "  agentalk contacts search --name jane",
        "",
        paint("dim", "Press Ctrl-C to stop the sandbox.")
      ])
      return yield* Effect.never
    }).pipe(Effect.scoped)
).pipe(
  Command.withDescription("Run the API in memory on this machine, for tests"),
  Command.withExamples([
    { command: "agentalk sandbox --port 8080 --seed 1000", description: "With a thousand sample contacts" }
  ])
)
