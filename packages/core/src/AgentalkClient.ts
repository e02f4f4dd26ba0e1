/**
 * How the seven operations are done: makes `Contacts` from any `HttpClient`, by the routes and the payloads of the
 * contract.
 *
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { Contacts } from "./Contacts.ts"
import { defaultBudget, makeBudget } from "./internal/budget.ts"
import { missingAddress, missingContact } from "./internal/failure.ts"
import * as Inputs from "./internal/inputs.ts"
import { makeCredentials } from "./internal/credentials.ts"
import { CurrentOrganization, makePerform } from "./internal/perform.ts"
import * as Policy from "./internal/policy.ts"
import * as Read from "./internal/read.ts"
import { bare, pathOf, queryOf, withBody } from "./internal/requests.ts"
import type * as Retry from "./Retry.ts"
import { ApiToken, BaseUrl, defaultBaseUrl, InsecureBaseUrl, OrganizationId } from "./Settings.ts"

/**
 * An organization API token: a value, an effect that gives the present one, or a source that can renew it.
 *
 * **Details**
 *
 * An effect runs before every attempt, so a token can rotate without a restart; cache it where it is dear. When the
 * API refuses the token (401) and the effect then gives another one, the call is repeated once with that. Where the
 * effect is cached, give a source: its `refresh` runs after a 401 only, and once for all calls that were refused
 * together.
 *
 * @category configuration
 * @since 0.1.0
 */
export type Token = Redacted.Redacted | Effect.Effect<Redacted.Redacted, unknown> | TokenSource

/**
 * A token that is obtained when it is needed, and renewed when the API has refused it.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface TokenSource {
  /** The present token. Runs before every attempt. */
  readonly current: Effect.Effect<Redacted.Redacted, unknown>
  /** Another token, after the present one was refused; from then on `current` should give it, too. */
  readonly refresh: Effect.Effect<Redacted.Redacted, unknown>
}

/**
 * The options of a client.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface Options {
  /** The organization API token, `{orgId}.{secret}`; see `Token`. */
  readonly token: Token
  /** Where the API lives. Default: `https://api.agentalk.io`. Plain http is accepted for loopback only. */
  readonly baseUrl?: string | URL | undefined
  /** The organization that calls are for, sent as `X-Organization-ID`. Default: none, so that of the token. */
  readonly organization?: string | undefined
  /** How long one attempt may take: connecting, headers and body. Default: 30 seconds. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** How long a whole call may take, with all its attempts and waits. Default: 2 minutes. */
  readonly deadline?: Duration.Input | undefined
  /** When a failed attempt is made again. Default: `Retry.defaultPolicy`. */
  readonly retry?: Retry.Policy | undefined
  /**
   * How many tokens the client has for retries: each takes 5, one after a timeout 10. They come back when the retry
   * succeeds, and a call that succeeds at once gives one. At 0 nothing is retried. Default: 500.
   */
  readonly retryBudget?: number | undefined
  /** The largest response body that is read. Default: 10 MiB. */
  readonly maxBodySize?: ByteSize.Input | undefined
  /** Accepts plain http to any host, which shows the token and every contact to the network. Default: `false`. */
  readonly dangerouslyAllowPlainHttp?: boolean | undefined
}

const defaultMaxBodySize = ByteSize.fromInputUnsafe("10 MiB")

const invalid = (option: string, issue: SchemaIssue.Issue): Config.ConfigError =>
  new Config.ConfigError(new Schema.SchemaError(new SchemaIssue.Pointer([option], issue)))

const checkOption = <S extends Schema.ConstraintDecoder<unknown>>(option: string, schema: S, value: unknown) =>
  Effect.fromResult(Result.mapError(SchemaParser.decodeUnknownResult(schema)(value), (issue) => invalid(option, issue)))

const checkInput = <A>(option: string, parse: () => A, expected: string) =>
  Effect.try({
    try: parse,
    catch: () => invalid(option, new SchemaIssue.InvalidValue({ message: `Expected ${expected}` }))
  })

const checkDuration = (option: string, input: Duration.Input | undefined) =>
  checkInput(option, () => (input === undefined ? Infinity : Duration.toMillis(input)), "a duration")

const checkLimit = (option: string, input: Duration.Input | undefined) =>
  Effect.flatMap(checkDuration(option, input), (millis) =>
    millis > 0
      ? Effect.void
      : Effect.fail(invalid(option, new SchemaIssue.InvalidValue({ message: "Expected a duration above zero" })))
  )

const atLeast = (minimum: number) =>
  Schema.Int.check(
    Schema.isGreaterThanOrEqualTo(minimum, { message: `Expected a whole number of at least ${minimum}` })
  )

/**
 * Makes `Contacts` over the `HttpClient` of the context. A wrong option fails as a `ConfigError` that names it and not
 * its value.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Contacts["Service"], Config.ConfigError, HttpClient.HttpClient> {
  const httpClient = yield* HttpClient.HttpClient
  const baseUrl = yield* checkOption(
    "baseUrl",
    options.dangerouslyAllowPlainHttp === true ? InsecureBaseUrl : BaseUrl,
    yield* checkInput("baseUrl", () => String(options.baseUrl ?? defaultBaseUrl), "a URL")
  )
  const organization =
    options.organization === undefined
      ? undefined
      : yield* checkOption("organization", OrganizationId, options.organization)
  const { attemptTimeout, deadline, maxBodySize, retry, retryBudget = defaultBudget } = options
  yield* checkLimit("attemptTimeout", attemptTimeout)
  yield* checkLimit("deadline", deadline)
  yield* checkOption("retry", Schema.UndefinedOr(Schema.Record(Schema.String, Schema.Unknown)), retry)
  yield* checkOption("retry.attempts", atLeast(1), retry?.attempts ?? 1)
  yield* checkDuration("retry.baseDelay", retry?.baseDelay)
  yield* checkDuration("retry.maxDelay", retry?.maxDelay)
  yield* checkDuration("retry.maxRetryAfter", retry?.maxRetryAfter)
  yield* checkOption("retryBudget", atLeast(0), retryBudget)
  const maxBodyBytes = yield* checkInput(
    "maxBodySize",
    () =>
      ByteSize.toNumberUnsafe(maxBodySize === undefined ? defaultMaxBodySize : ByteSize.fromInputUnsafe(maxBodySize)),
    "a size in bytes"
  )
  const credentials = yield* makeCredentials(options.token, (text) => checkOption("token", ApiToken, text))
  const perform = makePerform({
    built: yield* Effect.context(),
    baseUrl,
    organization,
    credentials,
    limits: { attempt: attemptTimeout, deadline },
    retry,
    budget: makeBudget(retryBudget),
    maxBodyBytes,
    httpClient
  })

  const contactsPath = pathOf("upsert", {})
  const upsert = perform({
    operation: "upsert",
    check: Inputs.upsert,
    encode: (input) => withBody("upsert", contactsPath, input),
    read: () => Read.upserted,
    onMissing: missingAddress
  })
  const remove = perform({
    operation: "delete",
    check: Inputs.contact,
    encode: ({ id }) => bare("delete", pathOf("delete", { contact_id: id })),
    read: () => Read.nothing,
    onMissing: missingContact,
    doneBefore: { value: undefined }
  })
  const updateFields = perform({
    operation: "updateFields",
    check: Inputs.contactFields,
    encode: ({ fields, id }) => withBody("updateFields", pathOf("updateFields", { contact_id: id }), { fields }),
    read: ({ id }) => Read.contact(id),
    onMissing: missingContact
  })
  const clearField = perform({
    operation: "clearField",
    check: Inputs.contactField,
    encode: ({ id, key }) => bare("clearField", pathOf("clearField", { contact_id: id, field_key: key })),
    read: ({ id }) => Read.contact(id),
    onMissing: missingContact
  })
  const addTags = perform({
    operation: "addTags",
    check: Inputs.contactTags,
    encode: ({ id, tags }) => withBody("addTags", pathOf("addTags", { contact_id: id }), { tags }),
    read: ({ id }) => Read.contact(id),
    onMissing: missingContact
  })
  const removeTag = perform({
    operation: "removeTag",
    check: Inputs.contactTag,
    encode: ({ id, tagIdOrName }) =>
      bare("removeTag", pathOf("removeTag", { contact_id: id, tag_id_or_name: tagIdOrName })),
    read: ({ id }) => Read.contact(id),
    onMissing: missingContact
  })
  const search = perform({
    operation: "search",
    check: Inputs.search,
    encode: (query) => bare("search", pathOf("search", {}) + queryOf(query)),
    read: () => Read.page,
    onMissing: missingAddress
  })

  return Contacts.of({
    upsert,
    delete: (id) => remove({ id }),
    updateFields: (id, fields) => updateFields({ id, fields }),
    clearField: (id, key) => clearField({ id, key }),
    addTags: (id, tags) => addTags({ id, tags }),
    removeTag: (id, tagIdOrName) => removeTag({ id, tagIdOrName }),
    search
  })
})

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
 * Makes the calls in an effect for one organization, sent as `X-Organization-ID`. What is not a UUID fails these calls
 * with `Validation`, before anything is sent.
 *
 * @category configuration
 * @since 0.1.0
 */
export const withOrganization: Policy.With<string> = Policy.makeWith(
  CurrentOrganization,
  // A caller without types may have none at hand; that must not fall back to another organization.
  (_, organization) => (typeof organization === "string" ? organization : "")
)
