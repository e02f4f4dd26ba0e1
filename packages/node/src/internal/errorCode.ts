import * as Predicate from "effect/Predicate"

const codePattern = /^[A-Z][A-Z0-9_]*$/

const maxDepth = 8

/** Returns the first error code of an error, its aggregated errors or its causes. */
export const errorCodeOf = (error: unknown, depth = 0): string | undefined => {
  if (depth > maxDepth) return undefined
  if (Predicate.hasProperty(error, "code") && typeof error.code === "string" && codePattern.test(error.code)) {
    return error.code
  }
  if (Predicate.hasProperty(error, "errors") && Array.isArray(error.errors)) {
    for (const inner of error.errors) {
      const code = errorCodeOf(inner, depth + 1)
      if (code !== undefined) return code
    }
  }
  return Predicate.hasProperty(error, "cause") ? errorCodeOf(error.cause, depth + 1) : undefined
}
