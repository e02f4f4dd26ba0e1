/**
 * The demo: all operations over HTTP, and three failures. It starts a sandbox of the API on a free loopback port.
 * With `--live` and `AGENTALK_API_TOKEN` set, the same program calls the real API.
 */
import {
  type AgentalkError,
  type Contact,
  AgentalkClient,
  Contacts,
  defaultBaseUrl,
  isAgentalkError,
  Sandbox
} from "@agentalk/core"
import { AgentalkNode, SandboxServer, UndiciHttpClient } from "@agentalk/node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Data, Effect, Layer, Option, Redacted } from "effect"
import { styleText } from "node:util"

// This number is reserved for fiction, so it belongs to nobody.
const phone = "+1 202 555 0143"

class PhoneInUse extends Data.TaggedError("PhoneInUse") {}

// --- output -------------------------------------------------------------------------------------------------------

const { stdout } = process
const paint = (style: Parameters<typeof styleText>[0], text: string) => styleText(style, text, { stream: stdout })

const done = (code: string, result: string) =>
  Console.log(`  ${paint("green", "✓")} ${code}\n      ${paint("dim", result)}`)

const failed = (code: string, error: AgentalkError) =>
  Console.log(
    `  ${paint("yellow", "✗")} ${code}\n      ${paint("yellow", error._tag)} ${paint("dim", `(outcome: ${error.outcome})`)}\n      ${paint("dim", error.message)}`
  )

const describe = ({ email, fields = {}, firstName, lastName, phone, tags = [] }: Contact) =>
  [
    [firstName, lastName].filter(Boolean).join(" "),
    phone,
    email,
    tags.length > 0 && `tags ${tags.map((tag) => tag.name).join(", ")}`,
    Object.keys(fields).length > 0 && `fields ${JSON.stringify(fields)}`
  ]
    .filter(Boolean)
    .join(" · ")

const describeOption = Option.match({ onNone: () => "done", onSome: describe })

// --- the calls ----------------------------------------------------------------------------------------------------

const work = Effect.gen(function* () {
  const contacts = yield* Contacts

  const { contact, isNew } = yield* contacts.upsert({
    phone,
    firstName: "Jane",
    email: "jane@example.com",
    tags: ["vip"]
  })
  const { id } = contact
  yield* done(
    'upsert({ phone: "+1 202 555 0143", firstName: "Jane", email: …, tags: ["vip"] })',
    `${isNew ? "created" : "updated"} ${id}`
  )

  // If any of these calls fails, delete the contact.
  yield* Effect.gen(function* () {
    const again = yield* contacts.upsert({ phone, lastName: "Doe" })
    yield* done(
      'upsert({ phone: "+1 202 555 0143", lastName: "Doe" })',
      again.isNew ? "created" : "updated the same contact, because the phone number matches"
    )

    const tagged = yield* contacts.addTags(id, ["newsletter", "beta/2026"])
    yield* done('addTags(id, ["newsletter", "beta/2026"])', describeOption(tagged))

    const untagged = yield* contacts.removeTag(id, "beta/2026")
    yield* done('removeTag(id, "beta/2026")', describeOption(untagged))

    const filled = yield* contacts.updateFields(id, { city: "Lisbon", seats: 5 })
    yield* done('updateFields(id, { city: "Lisbon", seats: 5 })', describeOption(filled))

    const cleared = yield* contacts.clearField(id, "city")
    yield* done('clearField(id, "city")', describeOption(cleared))

    const page = yield* contacts.search({ phone, limit: 10 })
    yield* done(
      'search({ phone: "+1 202 555 0143", limit: 10 })',
      `${page.contacts.length} found${Option.match(page.total, { onNone: () => "", onSome: (total) => ` of ${total}` })}`
    )
  }).pipe(Effect.onError(() => Effect.ignore(contacts.delete(id))))

  yield* contacts.delete(id)
  yield* done("delete(id)", "deleted")

  yield* Console.log("\nEvery failure is a typed error. Handle it by its tag:\n")

  yield* contacts.delete(id).pipe(Effect.catchTag("NotFound", (error) => failed("delete(id), a second time", error)))

  yield* contacts
    .upsert({ phone: "12" })
    .pipe(Effect.catchTag("Validation", (error) => failed('upsert({ phone: "12" })', error)))
})

const workWithWrongToken = Effect.gen(function* () {
  const contacts = yield* Contacts
  yield* contacts
    .search({ phone })
    .pipe(Effect.catchTag("Unauthorized", (error) => failed("search({ phone }), with a wrong token", error)))
})

// --- the API: a sandbox or the real one ---------------------------------------------------------------------------

const wrongToken = Redacted.make("00000000-0000-4000-8000-000000000000.wrong")

const onSandbox = Effect.gen(function* () {
  const { url } = yield* SandboxServer.Address
  yield* Console.log(`A sandbox of the Contacts API listens on ${url}. No request leaves this machine.\n`)
  yield* Effect.provide(work, AgentalkNode.layerOptions({ token: Sandbox.token, baseUrl: url }))
  yield* Effect.provide(workWithWrongToken, AgentalkNode.layerOptions({ token: wrongToken, baseUrl: url }))
}).pipe(Effect.provide(SandboxServer.layer))

const onRealApi = Effect.gen(function* () {
  const options = yield* AgentalkNode.environment
  const baseUrl = options.baseUrl ?? defaultBaseUrl
  yield* Console.log(
    `${paint("yellow", "Live:")} this creates a contact with the fictitious number ${phone} at ${baseUrl}, then deletes it.\n`
  )
  const checked = Effect.gen(function* () {
    const contacts = yield* Contacts
    const { contacts: existing } = yield* contacts.search({ phone })
    if (existing.length > 0) return yield* new PhoneInUse()
    return yield* work
  })
  yield* Effect.provide(checked, AgentalkNode.layerOptions(options))
  yield* workWithWrongToken.pipe(
    Effect.provide(AgentalkClient.layer({ ...options, token: wrongToken }).pipe(Layer.provide(UndiciHttpClient.layer)))
  )
})

const isLive = process.argv.includes("--live")

const demo = Effect.gen(function* () {
  yield* Console.log(`\n${paint("bold", "Agentalk for Effect")}\n`)
  yield* isLive ? onRealApi : onSandbox
  yield* Console.log(
    isLive
      ? "\nDone."
      : "\nDone. The source is examples/src/demo.ts. To write your own program, start with examples/src/01-quick-start.ts.\n"
  )
})

const explain = (text: string) =>
  Effect.andThen(
    Console.error(`\n${text}\n`),
    Effect.sync(() => void (process.exitCode = 1))
  )

NodeRuntime.runMain(
  demo.pipe(
    Effect.catchTags({
      ConfigError: ({ message }) => explain(`--live requires a token in AGENTALK_API_TOKEN.\n${message}`),
      PhoneInUse: () => explain(`A contact with the number ${phone} already exists. Nothing was changed.`)
    }),
    Effect.catchIf(isAgentalkError, (error) => explain(`${error._tag}: ${error.message}`))
  )
)
