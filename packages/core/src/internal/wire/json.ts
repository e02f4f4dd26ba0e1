/** JSON values: recognizing objects, parsing text, and setting keys safely. */
import * as Result from "effect/Result"

/** An object whose values are unknown. */
export type JsonObjectLike = Readonly<Record<string, unknown>>

/** Whether a value is an object and not an array. */
export const isObject = (u: unknown): u is JsonObjectLike => typeof u === "object" && u !== null && !Array.isArray(u)

/** Parses JSON. The parser's own error is dropped, because it contains a part of the text. */
export const parseJson = (text: string): Result.Result<unknown, void> => {
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return Result.fail(undefined)
  }
}

/** Sets a key. Plain assignment to `__proto__` would set the prototype instead of a key. */
export const setKey = (target: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[key] = value
  }
}
