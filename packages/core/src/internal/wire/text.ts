/**
 * Whether a string contains no lone surrogate, so that it has a UTF-8 form. `encodeURIComponent` throws on the others.
 * `String.prototype.isWellFormed` is missing on the oldest runtimes that core supports.
 */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

/** The digits of a phone number. Two phone numbers are equal if their digits are equal. */
export const digitsOf = (phone: string): string => phone.replace(/[^0-9]+/g, "")
