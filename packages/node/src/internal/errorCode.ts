import * as Predicate from "effect/Predicate"

const codePattern = /^[A-Z][A-Z0-9_]*$/

/** The first code of an error, of those that it gathers, or of its causes. */
export const codeOf = (error: unknown, depth = 0): string | undefined => {
  if (depth > 8) return undefined
  if (Predicate.hasProperty(error, "code") && typeof error.code === "string" && codePattern.test(error.code)) {
    return error.code
  }
  if (Predicate.hasProperty(error, "errors") && Array.isArray(error.errors)) {
    for (const each of error.errors) {
      const found = codeOf(each, depth + 1)
      if (found !== undefined) return found
    }
  }
  return Predicate.hasProperty(error, "cause") ? codeOf(error.cause, depth + 1) : undefined
}
