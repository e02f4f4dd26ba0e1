/**
 * A problem with an input or a response.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A problem with an input or a response: its path, such as `["fields", "city"]`, and a message. In the message, each
 * value of the request is replaced by the path of the value, such as `<fields.city>`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Issue = Schema.Struct({
  path: Schema.Array(Schema.Union([Schema.String, Schema.Number])),
  message: Schema.String
})

/**
 * @category schemas
 * @since 0.1.0
 */
export interface Issue extends Schema.Schema.Type<typeof Issue> {}
