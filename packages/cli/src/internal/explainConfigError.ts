/** Explanations of configuration errors. */
import type { ConfigError } from "effect/Config"
import * as SchemaIssue from "effect/SchemaIssue"
import { exitStatus } from "./exitStatus.ts"
import type { Explanation } from "./explanation.ts"
import { variables } from "./variables.ts"

/** The first problem of a configuration error. */
interface Problem {
  /** The name of the variable or the option; empty if the error names none. */
  readonly name: string
  readonly isMissing: boolean
  /** What was expected. It contains no value. */
  readonly message: string
}

const format = SchemaIssue.makeFormatterDefault()

const problemAt = (path: ReadonlyArray<PropertyKey>, issue: SchemaIssue.Issue): Problem => {
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

const problemOf = ({ cause }: ConfigError): Problem =>
  cause._tag === "SchemaError" ? problemAt([], cause.issue) : { name: "", isMissing: false, message: cause.message }

const adviceOf = ({ isMissing, name }: Problem): string => {
  const variable = variables.find((variable) => variable.name === name)
  const alternatives = [
    ...(variable === undefined || variable.isRequired || isMissing ? [] : ["unset it"]),
    ...(variable?.setting === undefined ? [] : [`use --${variable.setting.id}`])
  ]
  const first = `${isMissing ? "Set" : "Correct"} ${name === "" ? "this setting" : name}`
  const last = alternatives.slice(-1).map((alternative) => `or ${alternative}`)
  return `${[first, ...alternatives.slice(0, -1), ...last].join(", ")}.`
}

/** Explains a configuration error. */
export const explainConfigError = (error: ConfigError): Explanation => {
  const problem = problemOf(error)
  const { isMissing, message, name } = problem
  return {
    status: exitStatus.usage,
    tag: error._tag,
    message: isMissing ? `${name} is not set` : [name, message].filter((text) => text !== "").join(": "),
    advice: adviceOf(problem),
    doctorHint: "`agentalk doctor` checks all settings."
  }
}
