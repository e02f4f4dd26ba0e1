import * as Schema from "effect/Schema"

/** The command line, or what it names, is wrong: nothing was sent. */
export class UsageError extends Schema.TaggedError<UsageError>("@agentalk/cli/UsageError")("UsageError", {
  message: Schema.String,
  /** What to do about it. */
  advice: Schema.optionalKey(Schema.String)
}) {}
