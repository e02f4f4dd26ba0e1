/** Converts the issues that a schema reports to `Issue`s without values. */
import * as SchemaIssue from "effect/SchemaIssue"
import type { Issue } from "../../Issue.ts"
import { mask } from "./redaction.ts"

/** The maximum number of issues in one error. */
export const maxIssues = 50

// By default, Effect's parser does not put rejected values into its issues.
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

/** Converts the issues of a schema; `parent` is the path of the decoded value. */
export const fromSchema = (issue: SchemaIssue.Issue, parent: Issue["path"] = []): ReadonlyArray<Issue> =>
  format(issue)
    .issues.slice(0, maxIssues)
    .map(({ message, path = [] }) => ({
      path: [
        ...parent,
        ...path.map((segment) => {
          const key = typeof segment === "object" ? segment.key : segment
          // A key may be personal data, such as a phone number that indexes an object.
          return typeof key === "number" ? key : mask(String(key))
        })
      ],
      message
    }))
