/**
 * The Contacts API on Node: the client of `@agentalk/core` over an undici connection pool, configured by environment
 * variables or options.
 *
 * | Variable | Meaning | Default |
 * | --- | --- | --- |
 * | `AGENTALK_API_TOKEN` | The organization API token, `{orgId}.{secret}` | required |
 * | `AGENTALK_BASE_URL` | The URL of the API: https, or http on loopback | `https://api.agentalk.io` |
 * | `AGENTALK_ORGANIZATION_ID` | The id of the organization that calls use, a UUID | the organization of the token |
 * | `AGENTALK_RATE_LIMIT` | The rate limit of each organization: `10/s`, `600/min` or `5000/h` | none |
 *
 * A variable that is empty or blank counts as not set.
 *
 * @since 0.1.0
 */
import * as AgentalkClient from "@agentalk/core/AgentalkClient"
import type { Contacts } from "@agentalk/core/Contacts"
import * as RateLimit from "@agentalk/core/RateLimit"
import { BaseUrl, OrganizationId } from "@agentalk/core/Settings"
import { ApiToken } from "@agentalk/core/Token"
import { enableJit } from "@agentalk/core/unstable"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as UndiciHttpClient from "./UndiciHttpClient.ts"

/**
 * The options of a client on Node: the options of `AgentalkClient`, the connection pool and a rate limit.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options extends AgentalkClient.Options {
  /** The options of the connection pool. Default: the defaults of `UndiciHttpClient.Options`. */
  readonly pool?: UndiciHttpClient.Options | undefined
  /**
   * The rate limit of each organization in this process. Default: none. The client always waits if the API asks it to:
   * see `RateLimit`.
   */
  readonly rateLimit?: RateLimit.Quota | undefined
}

/** Reads a variable and decodes it with a schema. The value is `undefined` if the variable is not set or blank. */
const variable = <A>(name: string, schema: Schema.ConstraintDecoder<A>): Config.Config<A | undefined> =>
  Config.String(name).pipe(
    Config.withDefault(""),
    // Deployments often set a variable to an empty text instead of omitting it.
    Config.mapEffect((text) => (text.trim() === "" ? Effect.undefined : decode(name, schema, text)))
  )

const required = <A>(name: string, schema: Schema.ConstraintDecoder<A>, expected: string): Config.Config<A> =>
  Config.mapEffect(variable(name, schema), (value) =>
    value === undefined
      ? Effect.fail(invalid(name, new SchemaIssue.MissingKey({ messageMissingKey: `Not set. Set it to ${expected}` })))
      : Effect.succeed(value)
  )

const invalid = (name: string, issue: SchemaIssue.Issue): Config.ConfigError =>
  new Config.ConfigError(new Schema.SchemaError(new SchemaIssue.Pointer([name], issue)))

const decode = <A>(name: string, schema: Schema.ConstraintDecoder<A>, text: string) =>
  Effect.mapError(SchemaParser.decodeUnknownEffect(schema)(text), (issue) => invalid(name, issue))

/**
 * Reads the options from the environment variables. Fails with a `ConfigError` if a variable is invalid or a required
 * one is not set. The error names the variable and does not contain its value.
 *
 * @category configuration
 * @since 0.1.0
 */
export const environment: Config.Config<Options> = Config.all({
  token: Config.map(required("AGENTALK_API_TOKEN", ApiToken, "an organization API token, {orgId}.{secret}"), (token) =>
    Redacted.make(token)
  ),
  baseUrl: variable("AGENTALK_BASE_URL", BaseUrl),
  organization: variable("AGENTALK_ORGANIZATION_ID", OrganizationId),
  rateLimit: variable("AGENTALK_RATE_LIMIT", RateLimit.QuotaFromString)
})

/**
 * Provides `Contacts` with its own connection pool. The pool closes with the layer's scope.
 *
 * If a client option is invalid, the layer fails with a `ConfigError` that names the option. An invalid
 * `rateLimit` is a defect, and so is an invalid `pool`: see `UndiciHttpClient.layerOptions`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOptions = ({ pool, rateLimit, ...options }: Options): Layer.Layer<Contacts, Config.ConfigError> =>
  AgentalkClient.layer(options).pipe(
    Layer.provide(UndiciHttpClient.layerOptions(pool ?? {})),
    Layer.provide(rateLimit === undefined ? Layer.empty : RateLimit.layer(rateLimit)),
    Layer.provide(Layer.effectDiscard(enableJit))
  )

/**
 * Provides `Contacts` like `layerOptions`, with options from a `Config`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Config.Wrap<Options>): Layer.Layer<Contacts, Config.ConfigError> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layerOptions))

/**
 * Provides `Contacts` with the options from the environment variables that the module documentation lists.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Contacts, Config.ConfigError> = layerConfig(environment)
