/** Methods and headers that undici refuses to send. */
import type { Headers } from "effect/http/Headers"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const tokenList = /^[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*(?:,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*)*$/
const digits = /^\d+$/
const invalidCharacter = /[^\t\u0020-\u007e\u0080-\u00ff]/

/**
 * Returns the reason why undici refuses the method or a header of a request, or `undefined` if they are valid.
 *
 * Invalid requests must not reach undici. If undici 8.12 refuses a request, its pool counts the connection as busy
 * forever. A token with a stray line break would then block the whole pool after as many calls as it has connections.
 */
export const validateRequest = ({ headers, method }: HttpClientRequest): string | undefined => {
  if (!token.test(method) || method === "CONNECT") return "the method is invalid or not supported"
  if (validHeaders.has(headers)) return undefined
  const reason = validateHeaders(headers)
  if (reason === undefined && Object.isFrozen(headers)) validHeaders.add(headers)
  return reason
}

// Frozen headers cannot change, so they are validated only once.
const validHeaders = new WeakSet<Headers>()

const validateHeaders = (headers: Headers): string | undefined => {
  for (const name of Object.keys(headers)) {
    if (!token.test(name)) return "the name of a header contains characters that cannot be sent"
    const value = headers[name]
    if (value === undefined) continue
    switch (name) {
      case "content-length":
        if (!digits.test(value)) return "the header content-length is not a whole number"
        break
      case "connection":
        if (!tokenList.test(value)) return "the header connection is not a list of tokens"
        break
      case "expect":
      case "keep-alive":
      case "transfer-encoding":
      case "upgrade":
        return `the header ${name} is not supported`
      default:
        if (invalidCharacter.test(value)) return `the header ${name} contains characters that cannot be sent`
    }
  }
  return undefined
}
