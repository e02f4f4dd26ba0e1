/**
 * The schemas of client settings. Options and environment variables follow the same rules, which are checked when the
 * layer is built. Error messages do not contain the values.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { uuidPattern } from "./internal/wire/text.ts"

/**
 * The id of an organization: a UUID in upper or lower case, sent in lower case.
 *
 * @category schemas
 * @since 0.1.0
 */
export const OrganizationId = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(
      Schema.isPattern(new RegExp(`^${uuidPattern}$`), { message: "Expected the id of an organization: a UUID" })
    ),
    SchemaTransformation.toLowerCase()
  )
)

const parseUrl = (text: string): URL | undefined => {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" ||
  hostname.endsWith(".localhost") ||
  hostname === "[::1]" ||
  /^127\.\d+\.\d+\.\d+$/.test(hostname)

const makeBaseUrl = (isPlainHttpAllowed: boolean) =>
  Schema.String.check(
    Schema.makeFilter<string>((text) => {
      const url = parseUrl(text)
      if (url === undefined || !/^https?:$/.test(url.protocol)) {
        return "Expected an absolute https URL, such as https://api.agentalk.io"
      }
      // Tests the text instead of the `URL`, because a `URL` does not show whether the text ends with a single `?` or
      // `#`.
      if (url.username !== "" || url.password !== "" || /[?#]/.test(text)) {
        return "Expected a URL without credentials, query and fragment"
      }
      return (
        url.protocol === "https:" ||
        isPlainHttpAllowed ||
        isLoopback(url) ||
        "Expected https: plain http is accepted for loopback only, because it exposes the token to the network"
      )
    })
  ).pipe(
    Schema.decodeTo(
      Schema.String,
      SchemaTransformation.transform({
        decode: (text) => new URL(text).href.replace(/\/+$/, ""),
        encode: (url) => url
      })
    )
  )

/**
 * The default base URL of the API.
 *
 * @category configuration
 * @since 0.1.0
 */
export const defaultBaseUrl = "https://api.agentalk.io"

/**
 * The base URL of the API: https, or plain http on loopback. If it has a path, all requests are sent below that path.
 * Trailing slashes are removed.
 *
 * @category schemas
 * @since 0.1.0
 */
export const BaseUrl = makeBaseUrl(false)

/**
 * Like `BaseUrl`, but accepts plain http to any host, which exposes the token and every contact to the network.
 *
 * @category schemas
 * @since 0.1.0
 */
export const InsecureBaseUrl = makeBaseUrl(true)
