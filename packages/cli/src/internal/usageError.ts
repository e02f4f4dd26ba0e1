import * as Schema from "effect/Schema"

/** An argument is wrong, or a file that an argument names. Nothing was sent. */
export class UsageError extends Schema.TaggedError<UsageError>("@agentalk/cli/UsageError")("UsageError", {
  message: Schema.String,
  /** What to do about it. Default: to read the help. */
  advice: Schema.optionalKey(Schema.String)
}) {}
