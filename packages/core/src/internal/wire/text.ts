/** Rules for text that several modules share. */

/** A UUID in lower case, as the source of a regular expression. */
export const uuidPattern = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

/**
 * Whether a string contains no lone surrogate. A string with one cannot be encoded as UTF-8, and `encodeURIComponent`
 * throws on it. `String.prototype.isWellFormed` is missing on the oldest runtimes that core supports.
 */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

/** The digits of a phone number. Two phone numbers are equal if their digits are equal. */
export const digitsOf = (phone: string): string => phone.replace(/[^0-9]+/g, "")

/** The token in the value of an `Authorization` header. */
export const tokenOf = (authorization: string): string => authorization.replace(/^Bearer /i, "")
