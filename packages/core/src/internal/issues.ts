/**
 * What is wrong with an input or an answer, as `Issue`s: from schemas, and from the many shapes in which servers say it.
 */
import * as SchemaIssue from "effect/SchemaIssue"
import type { Issue } from "../AgentalkError.ts"
import { mask, type Redactor } from "./redact.ts"
import { isObject } from "./wire.ts"

const maxIssues = 50
const maxDepth = 8

// Input is never reported: the parser keeps rejected values out of its issues unless told otherwise.
const format = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    switch (issue._tag) {
      case "MissingKey":
        return "Required"
      case "UnexpectedKey":
        return "Unknown key"
      default:
        return SchemaIssue.defaultLeafHook(issue)
    }
  }
})

/** The issues of a schema. */
export const fromSchema = (issue: SchemaIssue.Issue, under: Issue["path"] = []): ReadonlyArray<Issue> =>
  format(issue)
    .issues.slice(0, maxIssues)
    .map(({ message, path = [] }) => ({
      path: [
        ...under,
        ...path.map((segment) => {
          const key = typeof segment === "object" ? segment.key : segment
          // Where people are the keys of an object, a key is one of them.
          return typeof key === "number" ? key : mask(String(key))
        })
      ],
      message
    }))

// What tells about the problem as a whole, and so is no field of the request.
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

const whereKeys = ["field", "path", "param", "name", "loc", "pointer", "attr"]
const whatKeys = ["message", "detail", "msg", "reason", "description", "title", "error"]

// What only groups the issues, and so is no part of their paths.
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

const contractKeys: ReadonlySet<string> = new Set([
  "phone",
  "firstName",
  "first_name",
  "lastName",
  "last_name",
  "email",
  "tags",
  "fields",
  "name",
  "limit",
  "offset",
  "id",
  "contact_id",
  "field_key",
  "tag_id_or_name",
  "body",
  "query"
])

/** Where an issue is, as JSON pointers, dotted paths and lists of keys say it. */
const toPath = (where: unknown): Path | undefined => {
  if (typeof where === "string") {
    return where
      .replace(/^#/, "")
      .split(/[./]/)
      .filter((part) => part !== "")
  }
  return Array.isArray(where) && where.every((part) => typeof part === "string" || typeof part === "number")
    ? where
    : undefined
}

/** What a problem object says (`{field, message}`, problem details), if it is one. */
const sayingOf = (value: Readonly<Record<string, unknown>>): { what: string; where: Path } | undefined => {
  const what = whatKeys.map((key) => value[key]).find((found) => typeof found === "string")
  if (typeof what !== "string") return undefined
  const source = isObject(value["source"]) ? value["source"] : value
  return { what, where: whereKeys.map((key) => toPath(source[key])).find((found) => found !== undefined) ?? [] }
}

// A key that cannot be a field's may be somebody's phone number.
const looksLikeKey = (part: string): boolean => /^[a-z_][\w-]{0,63}$/i.test(part)

/**
 * The issues that an error body tells: Django REST Framework's (`{"phone": ["..."]}`, `non_field_errors`, `detail`,
 * nested), `{error}`, `{message}`, `{errors: [...]}`, RFC 9457 problem details and short plain text. An HTML page
 * tells none.
 */
export const fromBody = (body: unknown, redactor: Redactor): ReadonlyArray<Issue> => {
  const issues: Array<Issue> = []
  // A key of the contract says where; any other may be a value that the server has put into its place.
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
        const isPositional = isObject(item) && sayingOf(item) === undefined
        walk(item, isPositional ? [...path, index] : path, depth + 1)
      }
    } else if (isObject(value)) walkObject(value, path, depth)
  }
  const walkObject = (value: Readonly<Record<string, unknown>>, path: Path, depth: number): void => {
    const saying = sayingOf(value)
    const before = issues.length
    for (const key of Object.keys(value)) {
      const inner = value[key]
      // Beside a sentence, text is about the problem; without one, it is the problem.
      if (typeof inner !== "object" && (saying !== undefined || envelopeKeys.has(key))) continue
      if (saying !== undefined && (key === "source" || (whereKeys.includes(key) && Array.isArray(inner)))) continue
      walk(inner, groupKeys.has(key) ? path : [...path, key], depth + 1)
    }
    if (issues.length === before && saying !== undefined) add([...path, ...saying.where], saying.what)
  }
  walk(body, [], 0)
  return issues
}
