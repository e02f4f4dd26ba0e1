/** Reads the issues in an error response. Servers describe them in many shapes. */
import type { Issue } from "../../Issue.ts"
import { isObject, type JsonObjectLike } from "./json.ts"
import type { Redactor } from "./redaction.ts"
import { maxIssues } from "./schemaIssues.ts"

const maxDepth = 8

// Keys that describe the whole problem. They never name a field of the request.
const envelopeKeys: ReadonlySet<string> = new Set([
  "code",
  "error",
  "error_code",
  "errorCode",
  "instance",
  "ok",
  "requestId",
  "request_id",
  "status",
  "statusCode",
  "status_code",
  "success",
  "timestamp",
  "title",
  "traceId",
  "trace_id",
  "type"
])

const placeKeys = ["field", "path", "param", "name", "loc", "pointer", "attr"]
const messageKeys = ["message", "detail", "msg", "reason", "description", "title", "error"]

// Keys that group issues. They are not part of a path.
const groupKeys: ReadonlySet<string> = new Set([
  "__all__",
  "detail",
  "details",
  "error",
  "errors",
  "invalid-params",
  "invalid_params",
  "message",
  "non_field_errors"
])

type Path = ReadonlyArray<string | number>

/** Reads the place of an issue from a JSON pointer, a dotted path or a list of keys. */
const toPath = (place: unknown): Path | undefined => {
  if (typeof place === "string") {
    return place
      .replace(/^#/, "")
      .split(/[./]/)
      .filter((part) => part !== "")
  }
  return Array.isArray(place) && place.every((part) => typeof part === "string" || typeof part === "number")
    ? place
    : undefined
}

interface Problem {
  readonly message: string
  readonly place: Path
}

/** Reads a problem object (`{field, message}`, RFC 9457 problem details). */
const toProblem = (value: JsonObjectLike): Problem | undefined => {
  const message = messageKeys.map((key) => value[key]).find((found) => typeof found === "string")
  if (typeof message !== "string") return undefined
  const source = isObject(value["source"]) ? value["source"] : value
  return {
    message,
    place: placeKeys.map((key) => toPath(source[key])).find((found) => found !== undefined) ?? []
  }
}

/** Whether a key looks like the name of a field. Any other key may be a value, such as a phone number. */
const looksLikeKey = (part: string): boolean => /^[a-z_][\w-]{0,63}$/i.test(part)

/**
 * Reads the issues of an error body. It knows the bodies of Django REST Framework (`{"phone": ["..."]}`,
 * `non_field_errors`, `detail`, nested), `{error}`, `{message}`, `{errors: [...]}`, RFC 9457 problem details and short
 * plain text. The paths of issues contain the keys of the contract unchanged. Any other key is redacted if it contains
 * a value of the request or does not look like a key.
 */
export const issuesFromBody = (
  body: unknown,
  redactor: Redactor,
  contractKeys: ReadonlySet<string>
): ReadonlyArray<Issue> => {
  const issues: Array<Issue> = []
  const isPersonal = (part: string): boolean =>
    !looksLikeKey(part) || (!contractKeys.has(part) && redactor.mentions(part))
  const add = (path: Path, message: string): void => {
    if (message.trim() === "") return
    issues.push({
      path: path.map((part) => (typeof part === "string" && isPersonal(part) ? redactor.text(part) : part)),
      message: redactor.text(message)
    })
  }
  const walk = (value: unknown, path: Path, depth: number): void => {
    if (depth > maxDepth || issues.length >= maxIssues) return
    if (typeof value === "string") add(path, value)
    else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        const isPositional = isObject(item) && toProblem(item) === undefined
        walk(item, isPositional ? [...path, index] : path, depth + 1)
      }
    } else if (isObject(value)) walkObject(value, path, depth)
  }
  const walkObject = (value: JsonObjectLike, path: Path, depth: number): void => {
    const problem = toProblem(value)
    const before = issues.length
    for (const key of Object.keys(value)) {
      const inner = value[key]
      // If the object is a problem, its texts describe it and are not issues of their own.
      if (typeof inner !== "object" && (problem !== undefined || envelopeKeys.has(key))) continue
      if (problem !== undefined && (key === "source" || (placeKeys.includes(key) && Array.isArray(inner)))) continue
      walk(inner, groupKeys.has(key) ? path : [...path, key], depth + 1)
    }
    if (issues.length === before && problem !== undefined) add([...path, ...problem.place], problem.message)
  }
  walk(body, [], 0)
  return issues
}
