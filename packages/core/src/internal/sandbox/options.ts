/** The options of a sandbox and their defaults. */
import * as Redacted from "effect/Redacted"

/**
 * The organization of `token`.
 *
 * @category testing
 * @since 0.1.0
 */
export const organization = "5a4db0c5-0000-4000-8000-000000000000"

/**
 * The token that a sandbox accepts by default.
 *
 * @category testing
 * @since 0.1.0
 */
export const token: Redacted.Redacted = Redacted.make(`${organization}.sandbox`)

/**
 * The options of a sandbox.
 *
 * @category testing
 * @since 0.1.0
 */
export interface Options {
  /** The tokens that the sandbox accepts. Default: `token` alone. */
  readonly tokens?: ReadonlyArray<Redacted.Redacted> | undefined
  /** The organizations that `X-Organization-ID` may name, besides the token's own. Default: every UUID. */
  readonly organizations?: ReadonlyArray<string> | undefined
  /** The maximum number of contacts on one page of a search. A larger `limit` is reduced to it. Default: 100. */
  readonly maxPageSize?: number | undefined
}
