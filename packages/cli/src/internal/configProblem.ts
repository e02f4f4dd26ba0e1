import type { ConfigError } from "effect/Config"
import * as SchemaIssue from "effect/SchemaIssue"

/** The setting that a configuration error is about. */
export interface ConfigProblem {
  /** The name of the variable or the option; empty if the error names none. */
  readonly name: string
  readonly isMissing: boolean
  /** What was expected. It contains no value. */
  readonly message: string
}

const format = SchemaIssue.makeFormatterDefault()

const problemAt = (path: ReadonlyArray<PropertyKey>, issue: SchemaIssue.Issue): ConfigProblem => {
  switch (issue._tag) {
    case "Pointer":
      return problemAt([...path, ...issue.path], issue.issue)
    case "Composite":
      return problemAt(path, issue.issues[0])
    case "Encoding":
      return problemAt(path, issue.issue)
    default:
      return {
        name: path.map(String).join("."),
        isMissing: issue._tag === "MissingKey",
        message: format(issue)
      }
  }
}

/** Returns the first problem of a configuration error. */
export const configProblem = ({ cause }: ConfigError): ConfigProblem =>
  cause._tag === "SchemaError" ? problemAt([], cause.issue) : { name: "", isMissing: false, message: cause.message }
