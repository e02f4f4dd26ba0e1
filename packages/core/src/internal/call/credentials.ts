/** The credentials of attempts: a fixed token, or a token that is obtained before each attempt. */
// @effect-diagnostics anyUnknownInErrorContext:off -- a user's effect may fail with any error, which is dropped
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { ApiToken, type Token, type TokenSource } from "../../Token.ts"

/** A token, ready to be sent. */
export interface Credential {
  /** The value of the `Authorization` header. */
  readonly header: string
  /** The organization of the token, in lower case. */
  readonly organization: string
  /** The number of refreshes before this credential was obtained. Only credentials of a `TokenSource` have it. */
  readonly generation?: number
}

/** Credentials that may change. The effects fail with a message. */
export interface Rotating {
  readonly current: Effect.Effect<Credential, string>
  /** Called after the API refused a credential. Returns a new credential, or the refused one if there is no new one. */
  readonly renew: (refused: Credential) => Effect.Effect<Credential, string>
}

/** A credential that never changes, or one that is obtained before each attempt. */
export type Credentials = Credential | Rotating

export const isRotating = (credentials: Credentials): credentials is Rotating => "current" in credentials

const toCredential = (token: string): Credential => ({
  header: `Bearer ${token}`,
  organization: token.slice(0, token.indexOf(".")).toLowerCase()
})

const decodeToken = Schema.decodeUnknownOption(ApiToken)

const malformed = "the token that was obtained does not have the form {orgId}.{secret}"

const obtain = (token: Effect.Effect<Redacted.Redacted, unknown>): Effect.Effect<Credential, string> =>
  Effect.matchEffect(token, {
    onFailure: () => Effect.fail("the token could not be obtained"),
    onSuccess: (value) =>
      Option.match(decodeToken(Redacted.isRedacted(value) ? Redacted.value(value) : undefined), {
        onNone: () => Effect.fail(malformed),
        onSome: (text) => Effect.succeed(toCredential(text))
      })
  })

/** Makes credentials from the `token` option; `check` validates a fixed token. */
export const makeCredentials = (
  token: Token,
  check: (text: unknown) => Effect.Effect<string, Config.ConfigError>
): Effect.Effect<Credentials, Config.ConfigError> => {
  if (Effect.isEffect(token)) {
    const current = obtain(token)
    return Effect.succeed({ current, renew: () => current })
  }
  // Untyped code may pass a plain string. It is refused, because the token would appear when the options are printed.
  if (Redacted.isRedacted(token)) return Effect.map(check(Redacted.value(token)), toCredential)
  if (!isSource(token)) return Effect.map(check(undefined), toCredential)
  let generation = 0
  const current: Effect.Effect<Credential, string> = Effect.map(obtain(token.current), (credential) => ({
    ...credential,
    generation
  }))
  let last = current
  const remember = (refreshed: Effect.Effect<Credential, string>) => {
    generation++
    last = refreshed
    return last
  }
  const refresh = Effect.matchEffect(obtain(token.refresh), {
    onSuccess: (credential) => remember(Effect.succeed(credential)),
    onFailure: (error) => remember(Effect.fail(error))
  })
  // If several calls are refused together, one of them refreshes the token. The others use its result, even a failure.
  const refreshing = Semaphore.makeUnsafe(1)
  return Effect.succeed({
    current,
    renew: (refused) =>
      refreshing.withPermit(
        Effect.suspend(() =>
          generation > (refused.generation ?? 0)
            ? last
            : Effect.filterOrElse(
                current,
                (known) => known.header !== refused.header,
                () => refresh
              )
        )
      )
  })
}

const isSource = (token: unknown): token is TokenSource =>
  Predicate.hasProperty(token, "current") &&
  Effect.isEffect(token.current) &&
  Predicate.hasProperty(token, "refresh") &&
  Effect.isEffect(token.refresh)
