import * as Schema from "effect/Schema"

const contact = {
  phone: Schema.String,
  firstName: Schema.optionalKey(Schema.String),
  lastName: Schema.optionalKey(Schema.String),
  email: Schema.optionalKey(Schema.String),
  tags: Schema.optionalKey(Schema.Array(Schema.String)),
  fields: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
}

export const InputSchema = Schema.Struct(contact)

/** What somebody would write who knows the API: simpler than what the SDK reads. */
export const AnswerSchema = Schema.Struct({
  contact: Schema.Struct({ id: Schema.String, ...contact, createdAt: Schema.optionalKey(Schema.String) }),
  isNew: Schema.Boolean
})
