/** `agentalk doctor`: checks what a call needs, one after the other, and says how to mend what is wrong. */
import type { AgentalkError } from "@agentalk/core/AgentalkError"
import { Contacts } from "@agentalk/core/Contacts"
import { defaultBaseUrl } from "@agentalk/core/Settings"
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as AgentalkNode from "@agentalk/node/AgentalkNode"
import * as Connection from "../connection.ts"
import { endIf, status } from "../exitStatus.ts"
import { explain } from "../explanation.ts"
import { print } from "../output.ts"
import { paint, wrap } from "../terminalText.ts"
import { variables } from "../variables.ts"

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly text: string
  /** How to mend it. */
  readonly mend?: string
}

const isSet = (name: string) =>
  Config.String(name).pipe(
    Config.withDefault(""),
    Effect.map((text) => text.trim() !== ""),
    Effect.orElseSucceed(() => false)
  )

/** The flags and variables that are given, never their values. A flag wins over its variable. */
const sources = Effect.gen(function* () {
  const given: Array<string> = []
  for (const { name, setting } of variables) {
    if (setting !== undefined && Option.isSome(yield* setting)) given.push(`--${setting.id}`)
    else if (yield* isSet(name)) given.push(name)
  }
  return given
})

const codes: Readonly<Record<string, string>> = {
  ENOTFOUND: "This host name is not known: check the base URL for typing errors, and the name service (DNS).",
  EAI_AGAIN: "The name service (DNS) does not answer: check the network.",
  ECONNREFUSED: "Nothing listens at this address: check the base URL and its port, or start the server.",
  ENETUNREACH: "There is no way to this address: check the network.",
  EHOSTUNREACH: "There is no way to this address: check the network.",
  ERR_SSL_WRONG_VERSION_NUMBER: "The server speaks plain http at this port: check the base URL and its port.",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "The server speaks plain http at this port: check the base URL and its port.",
  ECONNRESET: "The connection was cut: a proxy or firewall may stand between."
}

const networkAdvice = (error: AgentalkError): string => {
  const code = error._tag === "TransportFailure" ? error.code : undefined
  if (code === undefined) return explain(error)?.advice ?? ""
  return (
    codes[code] ??
    (/CERT|SSL|TLS|SELF_SIGNED/.test(code)
      ? "The certificate is not trusted: a proxy may stand between; NODE_EXTRA_CA_CERTS names further authorities."
      : `The code is ${code}: check the network and the base URL.`)
  )
}

/** What is wrong, and how to mend it; not by running this command. */
const told = (error: unknown) => {
  const { advice = "", message = "", tag = "" } = explain(error) ?? {}
  return { text: `${tag}: ${message}`, mend: advice }
}

const isReached = ({ _tag }: AgentalkError): boolean => _tag !== "TransportFailure" && _tag !== "Timeout"

/** Asks the API for one contact: a search changes nothing, and nobody has this number. */
const reach = (options: AgentalkNode.Options) =>
  Effect.gen(function* () {
    const contacts = yield* Contacts
    const started = yield* Clock.currentTimeMillis
    const result = yield* Effect.result(contacts.search({ phone: "+999999999999999", limit: 1 }))
    const millis = (yield* Clock.currentTimeMillis) - started
    const url = options.baseUrl ?? defaultBaseUrl
    const checks: Array<Check> = []
    if (Result.isFailure(result) && !isReached(result.failure)) {
      const { _tag, message } = result.failure
      checks.push({ name: "network", ok: false, text: `${_tag}: ${message}`, mend: networkAdvice(result.failure) })
      return checks
    }
    checks.push({ name: "network", ok: true, text: `${String(url)} answers, in ${millis} ms` })
    if (Result.isSuccess(result)) {
      checks.push({ name: "access", ok: true, text: "the API accepts the token, and a search works" })
    } else {
      checks.push({ name: "access", ok: false, ...told(result.failure) })
    }
    return checks
  }).pipe(
    Effect.provide(
      AgentalkNode.layerOptions({
        ...options,
        retry: { attempts: 1 },
        deadline: options.deadline ?? Duration.seconds(10)
      })
    )
  )

const examine = Effect.gen(function* () {
  const checks: Array<Check> = [{ name: "node", ok: true, text: `Node ${process.version}` }]
  const options = yield* Effect.result(Connection.options)
  if (Result.isFailure(options)) return [...checks, { name: "settings", ok: false, ...told(options.failure) }]
  checks.push({ name: "settings", ok: true, text: `well formed: ${(yield* sources).join(", ")}` })
  const reached = yield* Effect.result(reach(options.success))
  if (Result.isSuccess(reached)) return [...checks, ...reached.success]
  return [...checks, { name: "settings", ok: false, ...told(reached.failure) }]
})

export const doctor = Command.make("doctor", {}, () =>
  Effect.gen(function* () {
    const checks = yield* examine
    const isWell = checks.every(({ ok }) => ok)
    yield* print({ ok: isWell, checks }, (width) => [
      ...checks.flatMap(({ mend = "", name, ok, text }) => {
        const margin = " ".repeat(12)
        const [first = "", ...rest] = wrap(text, width - margin.length)
        return [
          `${ok ? paint("green", "✓") : paint("red", "✗")} ${name.padEnd(9)} ${first}`,
          ...rest.map((line) => margin + line),
          ...(mend === "" ? [] : wrap(mend, width - margin.length).map((line) => margin + paint("yellow", line)))
        ]
      }),
      "",
      isWell ? "All is well." : "Mend the line marked ✗ and run `agentalk doctor` again."
    ])
    yield* endIf(!isWell, checks.some(({ name, ok }) => name === "settings" && !ok) ? status.usage : status.refused)
  })
).pipe(
  Command.withDescription("Check settings and network, and say how to mend what is wrong"),
  Command.withExamples([{ command: "agentalk doctor", description: "Check the present environment" }])
)
