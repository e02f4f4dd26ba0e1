/**
 * One problem with an input or a response: its place and a description without values.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * One problem with an input or a response: its place (`["fields", "city"]`) and a description. Every value that the
 * request carried is replaced by its place (`<fields.city>`).
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
