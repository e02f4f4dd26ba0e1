/**
 * The client of the Contacts API: makes `Contacts` from any `HttpClient`.
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

export type { Options } from "./internal/call/settings.ts"

/**
 * Makes `Contacts` over the `HttpClient` of the context. A wrong option fails as a `ConfigError` that names it and not
 * its value.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<Contacts["Service"], Config.ConfigError, HttpClient.HttpClient> =>
  Effect.map(resolveSettings(options), (settings) => Contacts.of(makeMethods(settings)))

/**
 * `Contacts` over the `HttpClient` of the context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Contacts, Config.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(Contacts, make(options))

/**
 * Like `layer`, with options from configuration.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<Contacts, Config.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(Contacts, Effect.flatMap(Config.unwrap(options), make))

/**
 * Makes the calls in an effect for one organization, sent as `X-Organization-ID`. A value that is not a UUID fails these
 * calls with `Validation`, before anything is sent.
 *
 * @category configuration
 * @since 0.1.0
 */
export const withOrganization: Policy.With<string> = Policy.makeWith(
  CurrentOrganization,
  // A caller without types may pass `undefined`. The calls must not fall back to another organization then.
  (_, organization) => (typeof organization === "string" ? organization : "")
)
