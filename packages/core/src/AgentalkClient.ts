/**
 * The client of the Contacts API. It makes the `Contacts` service from any `HttpClient`.
 *
 * On Node, use `AgentalkNode` of `@agentalk/node`, which also provides an `HttpClient`.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { Contacts } from "./Contacts.ts"
import { makeMethods } from "./internal/call/methods.ts"
import * as Policy from "./internal/call/policy.ts"
import { CurrentOrganization, type Options, resolveSettings } from "./internal/call/settings.ts"
import type { Operation } from "./Operations.ts"

export type { Options } from "./internal/call/settings.ts"

/**
 * Makes the `Contacts` service from the `HttpClient` in the context. An invalid option fails with a `ConfigError` that
 * names the option, not its value.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<Contacts["Service"], Config.ConfigError, HttpClient.HttpClient> =>
  Effect.map(
    resolveSettings(options),
    // `satisfies` names an operation of the table that has no method in `Contacts`.
    (settings) => Contacts.of(makeMethods(settings)) satisfies Readonly<Record<Operation, unknown>>
  )

/**
 * Provides `Contacts` from the `HttpClient` in the context. An invalid option fails with a `ConfigError`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Contacts, Config.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(Contacts, make(options))

/**
 * Like `layer`, but reads options from configuration, such as environment variables.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<Contacts, Config.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(Contacts, Effect.flatMap(Config.unwrap(options), make))

/**
 * Sets the organization of the calls in an effect, sent as `X-Organization-ID`. If the value is not a UUID, these calls
 * fail with `Validation` and send nothing.
 *
 * @category configuration
 * @since 0.1.0
 */
export const withOrganization: Policy.With<string> = Policy.makeWith(
  CurrentOrganization,
  // Untyped code may pass `undefined`. Then the calls must fail, rather than use the organization of the token.
  (_, organization) => (typeof organization === "string" ? organization : "")
)
