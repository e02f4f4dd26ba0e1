/**
 * Whether a string holds no lone surrogate (it has a UTF-8 form). `String.prototype.isWellFormed` is younger than the
 * oldest runtimes that core supports, and `encodeURIComponent` throws on exactly these strings.
 */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)
