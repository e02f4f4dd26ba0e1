/** The input of every operation, checked before anything is sent. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { Issue } from "../AgentalkError.ts"
import { ContactIdInput, FieldsInput, PathSegment, SearchQuery, TagsInput, UpsertInput } from "../Contact.ts"
import * as Issues from "./issues.ts"

/** A check of an input: what to send, or what is wrong with it. */
export type Check<A> = (input: unknown) => Result.Result<A, ReadonlyArray<Issue>>

/** A check by a schema. Keys that it does not know are refused: what is dropped in silence is lost. */
const check = <S extends Schema.ConstraintDecoder<unknown>>(schema: S): Check<S["Type"]> => {
  const decode = SchemaParser.decodeUnknownResult(schema, { errors: "all", onExcessProperty: "error" })
  return (input) => {
    try {
      return Result.mapError(decode(input), Issues.fromSchema)
    } catch {
      // A getter that throws, or a value that contains itself.
      return Result.fail([{ path: [], message: "Expected data that has a JSON form" }])
    }
  }
}

const id = ContactIdInput

export const upsert = check(UpsertInput)
export const search = check(SearchQuery)
export const contact = check(Schema.Struct({ id }))
export const contactFields = check(Schema.Struct({ id, fields: FieldsInput }))
export const contactField = check(Schema.Struct({ id, key: PathSegment }))
export const contactTags = check(Schema.Struct({ id, tags: TagsInput }))
export const contactTag = check(Schema.Struct({ id, tagIdOrName: PathSegment }))
