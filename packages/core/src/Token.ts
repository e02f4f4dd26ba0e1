/**
 * The organization API token: its format, and how a client obtains it.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { uuidPattern } from "./internal/wire/text.ts"

const tokenPattern = new RegExp(`^${uuidPattern}\\.[\\x21-\\x7e]+$`, "i")
const jwtPattern = /^[\w-]+\.[\w-]+\.[\w-]*$/

/**
 * An organization API token, `{orgId}.{secret}`, where `orgId` is a UUID. White space around it is stripped, because a
 * token file usually ends with a newline. A JWT is refused, because the API does not accept it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ApiToken = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(
      Schema.makeFilter<string>((token) => {
        if (tokenPattern.test(token)) return true
        return jwtPattern.test(token)
          ? "Expected an organization API token, {orgId}.{secret}; this looks like a JWT, which the API does not accept"
          : "Expected an organization API token: {orgId}.{secret}, where orgId is a UUID"
      })
    ),
    SchemaTransformation.trim()
  )
)

/**
 * An organization API token: a value, an effect that returns the current one, or a source that can refresh it.
 *
 * **Details**
 *
 * An effect runs before every attempt, so a token can rotate without a restart. If the API refuses the token (401), the
 * effect runs again. If it then returns another token, the attempt is repeated with that token, once per call.
 *
 * If obtaining a token is expensive, pass a `TokenSource` whose `current` returns a cached token. Its `refresh` runs
 * only after a 401. If several calls are refused at the same time, `refresh` runs once for all of them.
 *
 * @category configuration
 * @since 0.1.0
 */
export type Token = Redacted.Redacted | Effect.Effect<Redacted.Redacted, unknown> | TokenSource

/**
 * A token that is obtained before each attempt and refreshed after the API refused it.
 *
 * @category configuration
 * @since 0.1.0
 */
export interface TokenSource {
  /** Returns the current token. Runs before every attempt. */
  readonly current: Effect.Effect<Redacted.Redacted, unknown>
  /** Returns a new token after the API refused the current one. From then on, `current` should return the new token. */
  readonly refresh: Effect.Effect<Redacted.Redacted, unknown>
}
