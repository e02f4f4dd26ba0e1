/** Where the credentials of an attempt come from: known once and for all, or obtained before each attempt. */
// @effect-diagnostics anyUnknownInErrorContext:off -- a user's effect may fail with anything; what it was is not kept
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import type { Token, TokenSource } from "../AgentalkClient.ts"
import { ApiToken } from "../Settings.ts"

/** What proves who calls. */
export interface Credential {
  /** The value of the `Authorization` header. */
  readonly header: string
  /** The organization of the token, in lower case. */
  readonly organization: string
  /** How many refreshes of its source there had been. */
  readonly generation?: number
}

/** Credentials that change; what they fail with says what went wrong. */
export interface Rotating {
  readonly current: Effect.Effect<Credential, string>
  /** After the API has refused a credential: another one, or the same where there is no other. */
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

const malformed = "the token that was obtained is not of the form {orgId}.{secret}"

const obtain = (token: Effect.Effect<Redacted.Redacted, unknown>): Effect.Effect<Credential, string> =>
  Effect.matchEffect(token, {
    onFailure: () => Effect.fail("the token could not be obtained"),
    onSuccess: (value) =>
      Option.match(decodeToken(Redacted.isRedacted(value) ? Redacted.value(value) : undefined), {
        onNone: () => Effect.fail(malformed),
        onSome: (text) => Effect.succeed(toCredential(text))
      })
  })

/** Credentials from a token that is what `check` wants it to be. */
export const makeCredentials = (
  token: Token,
  check: (text: unknown) => Effect.Effect<string, Config.ConfigError>
): Effect.Effect<Credentials, Config.ConfigError> => {
  if (Effect.isEffect(token)) {
    const current = obtain(token)
    return Effect.succeed({ current, renew: () => current })
  }
  // A caller without types may give a plain string, which would show up wherever the options do.
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
  // Of many calls that are refused at once, one refreshes; the others take what it got, be it nothing.
  const turn = Semaphore.makeUnsafe(1)
  return Effect.succeed({
    current,
    renew: (refused) =>
      turn.withPermit(
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
