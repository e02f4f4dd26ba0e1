/** The connection to the API, from the flags and the environment. A flag overrides its variable. */
import { ApiToken } from "@agentalk/core/Token"
import type { Quota } from "@agentalk/core/RateLimit"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { readFileSync, statSync } from "node:fs"
import * as AgentalkNode from "@agentalk/node/AgentalkNode"
import * as GlobalFlags from "./globalFlags.ts"
import { shellQuote } from "./shellQuote.ts"
import { UsageError } from "./usageError.ts"

/** The size limit of a token file in bytes. Tokens are much shorter. */
const maxTokenFileSize = 65_536

/** Reads the token from a file that only its owner can read. */
const readTokenFile = (path: string) =>
  Effect.try({
    try: () => statSync(path),
    catch: () =>
      new UsageError({
        message: "--token-file: the file does not exist or cannot be read",
        advice: "Correct the path, or omit this flag and set AGENTALK_API_TOKEN."
      })
  }).pipe(
    Effect.filterOrFail(
      (stats) => stats.isFile() && stats.size <= maxTokenFileSize,
      () => new UsageError({ message: "--token-file: the path is not a token file" })
    ),
    Effect.filterOrFail(
      // Windows has access lists instead of these permission bits.
      ({ mode }) => process.platform === "win32" || (mode & 0o077) === 0,
      () =>
        new UsageError({
          message: "--token-file: other users of this machine can read the file",
          advice: `Run \`chmod 600 ${shellQuote(path)}\`. If the machine has other users, they may know the token.`
        })
    ),
    Effect.flatMap(() =>
      Effect.try({
        try: () => readFileSync(path, "utf8"),
        catch: () => new UsageError({ message: "--token-file: the file cannot be read" })
      })
    ),
    Effect.flatMap((text) =>
      Effect.mapError(
        Schema.decodeEffect(ApiToken)(text),
        ({ message }) =>
          new UsageError({
            message: `--token-file: ${message}`,
            advice: "The file must contain only an organization API token."
          })
      )
    )
  )

/** The options of the client, from the flags and the environment. */
export const options = Effect.gen(function* () {
  const overrides: Record<string, string> = {}
  const baseUrl = yield* GlobalFlags.BaseUrl
  if (Option.isSome(baseUrl)) overrides["AGENTALK_BASE_URL"] = baseUrl.value
  const organization = yield* GlobalFlags.Organization
  if (Option.isSome(organization)) overrides["AGENTALK_ORGANIZATION_ID"] = organization.value
  const tokenFile = yield* GlobalFlags.TokenFile
  if (Option.isSome(tokenFile)) overrides["AGENTALK_API_TOKEN"] = yield* readTokenFile(tokenFile.value)
  const timeout = yield* GlobalFlags.Timeout
  const retries = yield* GlobalFlags.Retries
  const environment = yield* ConfigProvider.ConfigProvider
  const provider = ConfigProvider.orElse(ConfigProvider.fromUnknown(overrides), environment)
  const options: AgentalkNode.Options = {
    ...(yield* AgentalkNode.environment.parse(provider)),
    deadline: Option.getOrUndefined(timeout),
    retry: Option.isSome(retries) ? { attempts: retries.value + 1 } : undefined
  }
  return options
})

/** `Contacts` for a command, with a rate limit that overrides its variable. */
export const layerOptions = ({ rateLimit }: { readonly rateLimit?: Quota | undefined }) =>
  Layer.unwrap(
    Effect.map(options, (options) =>
      AgentalkNode.layerOptions(rateLimit === undefined ? options : { ...options, rateLimit })
    )
  )

/** `Contacts` for a command. */
export const layer = layerOptions({})
