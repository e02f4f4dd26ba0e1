import * as Schema from "effect/Schema"

/** An argument is invalid, or the file that it names cannot be used. Nothing was sent. */
export class UsageError extends Schema.TaggedError<UsageError>("@agentalk/cli/UsageError")("UsageError", {
  message: Schema.String,
  /** What to do about it. Default: run the command with --help. */
  advice: Schema.optionalKey(Schema.String)
}) {}
