/** The flags `--field` and `--field-json`, which set custom fields. */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import { pair } from "./flags.ts"
import { UsageError } from "./usageError.ts"

type Entry = readonly [key: string, value: Json]

export const fieldFlags = {
  fields: pair("field", "KEY=VALUE", "A custom field with text; may be repeated").pipe(Flag.atLeast(0)),
  jsonFields: pair("field-json", "KEY=JSON", "A custom field with JSON: seats=5, vip=true").pipe(
    Flag.mapTryCatch(
      ([key, text]): Entry => [key, JSON.parse(text)],
      () => "Expected KEY=JSON, such as seats=5, vip=true or plan='\"pro\"'; use --field KEY=VALUE for text"
    ),
    Flag.atLeast(0)
  )
}

/** Returns the custom fields of the flags, or `undefined` if there are none. */
export const toFields = (flags: { readonly fields: ReadonlyArray<Entry>; readonly jsonFields: ReadonlyArray<Entry> }) =>
  Effect.gen(function* () {
    const entries = [...flags.fields, ...flags.jsonFields]
    const fields = Object.fromEntries(entries)
    if (Object.keys(fields).length < entries.length) {
      return yield* new UsageError({ message: "a field is given twice", advice: "Set each field once." })
    }
    return entries.length === 0 ? undefined : fields
  })
