/** What undici would refuse to send. */
import type { Headers } from "effect/http/Headers"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const tokens = /^[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*(?:,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*)*$/
const digits = /^\d+$/
const unsendable = /[^\t\u0020-\u007e\u0080-\u00ff]/

/**
 * What undici would refuse, and why.
 *
 * It must not come to that: in undici 8.12 a pool counts a connection as busy for ever once a request was refused on
 * it, so that a token with a stray line break would stop the whole pool after as many calls as it has connections.
 */
export const findUnsendable = ({ headers, method }: HttpClientRequest): string | undefined => {
  if (!token.test(method) || method === "CONNECT") return "the method cannot be sent"
  if (sendable.has(headers)) return undefined
  const found = findUnsendableHeader(headers)
  if (found === undefined && Object.isFrozen(headers)) sendable.add(headers)
  return found
}

// Headers that cannot change are looked at once.
const sendable = new WeakSet<Headers>()

const findUnsendableHeader = (headers: Headers): string | undefined => {
  for (const name of Object.keys(headers)) {
    if (!token.test(name)) return "the name of a header cannot be sent"
    const value = headers[name]
    if (value === undefined) continue
    switch (name) {
      case "content-length":
        if (!digits.test(value)) return "the header content-length is no number"
        break
      case "connection":
        if (!tokens.test(value)) return "the header connection is malformed"
        break
      case "expect":
      case "keep-alive":
      case "transfer-encoding":
      case "upgrade":
        return `the header ${name} is not supported`
      default:
        if (unsendable.test(value)) return `the header ${name} has characters that cannot be sent`
    }
  }
  return undefined
}
