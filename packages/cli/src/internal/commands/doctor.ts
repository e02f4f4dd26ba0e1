/** `agentalk doctor`: checks the settings, the network and the token, and says how to fix a failed check. */
import type { AgentalkError } from "@agentalk/core/AgentalkError"
import { Contacts } from "@agentalk/core/Contacts"
import { defaultBaseUrl } from "@agentalk/core/Settings"
import * as AgentalkNode from "@agentalk/node/AgentalkNode"
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Connection from "../connection.ts"
import { exitIf, exitStatus } from "../exitStatus.ts"
import { explainError } from "../explainError.ts"
import { print } from "../output.ts"
import { paint, wrap } from "../terminalText.ts"
import { variables } from "../variables.ts"

interface Check {
  readonly name: "node" | "settings" | "network" | "access"
  readonly ok: boolean
  readonly text: string
  /** How to fix a failed check. */
  readonly fix?: string
}

const isSet = (name: string) =>
  Config.String(name).pipe(
    Config.withDefault(""),
    Effect.map((text) => text.trim() !== ""),
    Effect.orElseSucceed(() => false)
  )

/** The names of the flags and variables in use, without their values. */
const usedSettings = Effect.gen(function* () {
  const names: Array<string> = []
  for (const { name, setting } of variables) {
    if (setting !== undefined && Option.isSome(yield* setting)) names.push(`--${setting.id}`)
    else if (yield* isSet(name)) names.push(name)
  }
  return names
})

const plainHttpFix = "The server uses plain http on this port. Check the base URL and its port."

/** How to fix a connection that failed, by the code of the error. */
const networkFixes: Readonly<Record<string, string>> = {
  ENOTFOUND: "The host name is unknown. Check the base URL and the name service (DNS).",
  EAI_AGAIN: "The name service (DNS) did not respond. Check the network.",
  ECONNREFUSED: "Nothing listens at this address. Check the base URL and its port, or start the server.",
  ENETUNREACH: "There is no route to this address. Check the network.",
  EHOSTUNREACH: "There is no route to this address. Check the network.",
  ERR_SSL_WRONG_VERSION_NUMBER: plainHttpFix,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: plainHttpFix,
  ECONNRESET: "The connection was closed. A proxy or a firewall may be the cause."
}

const certificateFix =
  "The certificate is not trusted. If a proxy is the cause, set NODE_EXTRA_CA_CERTS to a file with its certificates."

const networkFixOf = (error: AgentalkError): string => {
  const code = error._tag === "TransportFailure" ? error.code : undefined
  if (code === undefined) return explainError(error)?.advice ?? ""
  const isCertificate = /CERT|SSL|TLS|SELF_SIGNED/.test(code)
  return (
    networkFixes[code] ??
    (isCertificate ? certificateFix : `The error code is ${code}. Check the network and the base URL.`)
  )
}

// The hint to run `agentalk doctor` is omitted.
const failedCheck = (name: Check["name"], error: unknown): Check => {
  const { advice = "", message = "", tag = "" } = explainError(error) ?? {}
  return { name, ok: false, text: `${tag}: ${message}`, fix: advice }
}

const hasResponse = ({ _tag }: AgentalkError): boolean => _tag !== "TransportFailure" && _tag !== "Timeout"

// No contact has this number, because no country has the code 999.
const probe = { phone: "+999999999999999", limit: 1 }

/** Checks the connection with a search, because a search changes nothing. */
const checkConnection = (options: AgentalkNode.Options) =>
  Effect.gen(function* () {
    const contacts = yield* Contacts
    const started = yield* Clock.currentTimeMillis
    const result = yield* Effect.result(contacts.search(probe))
    const millis = (yield* Clock.currentTimeMillis) - started
    const url = String(options.baseUrl ?? defaultBaseUrl)
    if (Result.isFailure(result) && !hasResponse(result.failure)) {
      return [{ ...failedCheck("network", result.failure), fix: networkFixOf(result.failure) }]
    }
    const network: Check = { name: "network", ok: true, text: `${url} responded in ${millis} ms` }
    const access: Check = Result.isSuccess(result)
      ? { name: "access", ok: true, text: "the API accepts the token" }
      : failedCheck("access", result.failure)
    return [network, access]
  }).pipe(
    Effect.provide(
      AgentalkNode.layerOptions({
        ...options,
        retry: { attempts: 1 },
        deadline: options.deadline ?? Duration.seconds(10)
      })
    )
  )

/** Runs the checks in order. A failed check ends them, because the later checks depend on it. */
const runChecks = Effect.gen(function* () {
  const node: Check = { name: "node", ok: true, text: `Node ${process.version}` }
  const options = yield* Effect.result(Connection.options)
  if (Result.isFailure(options)) return [node, failedCheck("settings", options.failure)]
  const settings: Check = { name: "settings", ok: true, text: `valid: ${(yield* usedSettings).join(", ")}` }
  const connection = yield* Effect.result(checkConnection(options.success))
  return Result.isSuccess(connection)
    ? [node, settings, ...connection.success]
    : [node, failedCheck("settings", connection.failure)]
})

const indentation = 12

const checkLines = ({ fix, name, ok, text }: Check, width: number): ReadonlyArray<string> => {
  const margin = " ".repeat(indentation)
  const [first = "", ...rest] = wrap(text, width - indentation)
  const fixLines = fix === undefined ? [] : wrap(fix, width - indentation)
  return [
    `${ok ? paint("green", "✓") : paint("red", "✗")} ${name.padEnd(indentation - 3)} ${first}`,
    ...rest.map((line) => margin + line),
    ...fixLines.map((line) => margin + paint("yellow", line))
  ]
}

export const doctor = Command.make("doctor", {}, () =>
  Effect.gen(function* () {
    const checks = yield* runChecks
    const failed = checks.find(({ ok }) => !ok)
    yield* print({ ok: failed === undefined, checks }, (width) => [
      ...checks.flatMap((check) => checkLines(check, width)),
      "",
      failed === undefined ? "All checks passed." : "Fix the failed check and run `agentalk doctor` again."
    ])
    yield* exitIf(failed !== undefined, failed?.name === "settings" ? exitStatus.usage : exitStatus.failed)
  })
).pipe(
  Command.withDescription("Check the settings and the connection to the API"),
  Command.withExamples([{ command: "agentalk doctor", description: "Check the current environment" }])
)
