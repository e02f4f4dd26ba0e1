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

/** The schema that a user of the API might write. It accepts fewer shapes than the SDK. */
export const ResponseSchema = Schema.Struct({
  contact: Schema.Struct({ id: Schema.String, ...contact, createdAt: Schema.optionalKey(Schema.String) }),
  isNew: Schema.Boolean
})
