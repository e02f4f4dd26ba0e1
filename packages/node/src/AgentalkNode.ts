/**
 * The Contacts API, ready to use on Node: the client of `@agentalk/core` over undici, set up from the environment.
 *
 * | Variable | Meaning | Default |
 * | --- | --- | --- |
 * | `AGENTALK_API_TOKEN` | The organization API token, `{orgId}.{secret}` | required |
 * | `AGENTALK_BASE_URL` | Where the API lives | `https://api.agentalk.io` |
 * | `AGENTALK_ORGANIZATION_ID` | The organization that calls are for, a UUID | that of the token |
 * | `AGENTALK_RATE_LIMIT` | The most requests of an organization, such as `10/s` or `600/min` | what the API says |
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
 * The options of a client on Node: those of `AgentalkClient`, and those of its connection pool.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options extends AgentalkClient.Options {
  /** The connection pool. Default: see `UndiciHttpClient.Options`. */
  readonly pool?: UndiciHttpClient.Options | undefined
  /** The most requests that each organization makes, in this process. Default: what the API says, and no more. */
  readonly rateLimit?: RateLimit.Quota | undefined
}

/** What a variable holds, by a schema whose message tells what is expected; `undefined` where it is not set. */
const variable = <A>(name: string, schema: Schema.ConstraintDecoder<A>): Config.Config<A | undefined> =>
  Config.String(name).pipe(
    Config.withDefault(""),
    // Deployments often set a variable to nothing instead of leaving it out.
    Config.mapEffect((text) => (text.trim() === "" ? Effect.undefined : decode(name, schema, text)))
  )

const required = <A>(name: string, schema: Schema.ConstraintDecoder<A>, expected: string): Config.Config<A> =>
  Config.mapEffect(variable(name, schema), (value) =>
    value === undefined
      ? Effect.fail(invalid(name, new SchemaIssue.MissingKey({ messageMissingKey: `Not set: ${expected}` })))
      : Effect.succeed(value)
  )

const invalid = (name: string, issue: SchemaIssue.Issue): Config.ConfigError =>
  new Config.ConfigError(new Schema.SchemaError(new SchemaIssue.Pointer([name], issue)))

const decode = <A>(name: string, schema: Schema.ConstraintDecoder<A>, text: string) =>
  Effect.mapError(SchemaParser.decodeUnknownEffect(schema)(text), (issue) => invalid(name, issue))

/**
 * The options that the environment gives. A variable that is missing or malformed fails with a `ConfigError` that
 * names it and never its value.
 *
 * @category configuration
 * @since 0.1.0
 */
export const environment: Config.Config<Options> = Config.all({
  token: Config.map(
    required("AGENTALK_API_TOKEN", ApiToken, "it takes an organization API token, {orgId}.{secret}"),
    (token) => Redacted.make(token)
  ),
  baseUrl: variable("AGENTALK_BASE_URL", BaseUrl),
  organization: variable("AGENTALK_ORGANIZATION_ID", OrganizationId),
  rateLimit: variable("AGENTALK_RATE_LIMIT", RateLimit.QuotaFromString)
})

/**
 * `Contacts` over a connection pool of its own, which is closed with the layer's scope.
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
 * Like `layerOptions`, with options from configuration.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Config.Wrap<Options>): Layer.Layer<Contacts, Config.ConfigError> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layerOptions))

/**
 * `Contacts` as the environment says: see the table above.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Contacts, Config.ConfigError> = layerConfig(environment)
