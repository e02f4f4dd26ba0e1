/**
 * The settings of a client as schemas: options and environment variables are checked by the same rules, when the
 * layer is built. No message holds a value.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

const guid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
const tokenPattern = new RegExp(`^${guid}\\.[\\x21-\\x7e]+$`, "i")
const jwtPattern = /^[\w-]+\.[\w-]+\.[\w-]*$/

/**
 * An organization API token: `{orgId}.{secret}`, where `orgId` is a UUID. White space around it is stripped, for
 * files end in a newline. A JWT is refused, as the API refuses it.
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
 * The id of an organization: a UUID in upper or lower case, sent in lower case.
 *
 * @category schemas
 * @since 0.1.0
 */
export const OrganizationId = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(
      Schema.isPattern(new RegExp(`^${guid}$`), { message: "Expected the id of an organization: a UUID" })
    ),
    SchemaTransformation.toLowerCase()
  )
)

const parse = (text: string): URL | undefined => {
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
      const url = parse(text)
      if (url === undefined || !/^https?:$/.test(url.protocol)) {
        return "Expected an absolute https URL, such as https://api.agentalk.io"
      }
      // A lone ? or # is no query and no fragment to `URL`, and would swallow the path that comes behind it.
      if (url.username !== "" || url.password !== "" || /[?#]/.test(text)) {
        return "Expected a URL without credentials, query and fragment"
      }
      return (
        url.protocol === "https:" ||
        isPlainHttpAllowed ||
        isLoopback(url) ||
        "Expected https: plain http, which shows the token to the network, is for loopback only"
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
 * Where the API lives, unless a client is told otherwise.
 *
 * @category configuration
 * @since 0.1.0
 */
export const defaultBaseUrl = "https://api.agentalk.io"

/**
 * Where the API lives: https, or plain http on loopback. A path is kept as a prefix, without its trailing slash.
 *
 * @category schemas
 * @since 0.1.0
 */
export const BaseUrl = makeBaseUrl(false)

/**
 * Like `BaseUrl`, with plain http to any host, which shows the token and every contact to the network between.
 *
 * @category schemas
 * @since 0.1.0
 */
export const InsecureBaseUrl = makeBaseUrl(true)
