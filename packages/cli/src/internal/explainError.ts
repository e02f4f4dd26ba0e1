/** Explains the errors of commands. */
import { isAgentalkError } from "@agentalk/core/AgentalkError"
import { FileFault } from "@agentalk/import/ContactFile"
import { ImportStopped } from "@agentalk/import/Import"
import type { ConfigError } from "effect/Config"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { exitStatus } from "./exitStatus.ts"
import { explainApiError } from "./explainApiError.ts"
import { explainConfigError } from "./explainConfigError.ts"
import type { Explanation } from "./explanation.ts"
import { UsageError } from "./usageError.ts"

/** An import failed after rows may have been sent. */
export class ImportFailed extends Schema.TaggedError<ImportFailed>("@agentalk/cli/ImportFailed")("ImportFailed", {
  cause: Schema.Union([ImportStopped, FileFault]),
  /** How to resume the import. */
  advice: Schema.String
}) {}

const isConfigError = (error: unknown): error is ConfigError => Predicate.isTagged(error, "ConfigError")

/** Explains an error of a command. Returns `undefined` for any other error, which is a defect. */
export const explainError = (error: unknown): Explanation | undefined => {
  if (isAgentalkError(error)) return explainApiError(error)
  if (isConfigError(error)) return explainConfigError(error)
  if (error instanceof ImportStopped) {
    return { ...explainApiError(error.error), message: error.message, status: exitStatus.failed }
  }
  if (error instanceof ImportFailed) {
    const cause = explainError(error.cause)
    if (cause === undefined) return undefined
    const { advice, doctorHint, ...rest } = cause
    // The command that resumes the import is last, so that a person can copy it up to the end of the line.
    return { ...rest, advice: [advice, ...(doctorHint === undefined ? [] : [doctorHint]), error.advice].join(" ") }
  }
  if (error instanceof UsageError || error instanceof FileFault) {
    const { _tag, advice = "Run the command with --help to see its usage.", message } = error
    return { status: exitStatus.usage, tag: _tag, message, advice }
  }
  return undefined
}
