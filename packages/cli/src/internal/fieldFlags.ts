/** The flags `--field` and `--field-json`, which give custom fields their values. */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import { parsePair, text } from "./flags.ts"
import { UsageError } from "./usageError.ts"

export const fieldFlags = {
  fields: text("field", "KEY=VALUE", "A custom field and its text; may be repeated").pipe(Flag.atLeast(0)),
  jsonFields: text("field-json", "KEY=JSON", "One that is no text: seats=5, vip=true").pipe(Flag.atLeast(0))
}

const parseJson = (pair: string) =>
  Effect.flatMap(parsePair("field-json", pair), ([key, text]) =>
    Effect.try({
      try: () => [key, JSON.parse(text) as Json] as const,
      catch: () =>
        new UsageError({
          message: "--field-json: Expected KEY=JSON, such as seats=5, vip=true or plan='\"pro\"'",
          advice: "Text needs no JSON: give it with --field KEY=VALUE."
        })
    })
  )

/** The custom fields that the flags name, or `undefined` without any. */
export const parseFields = (flags: {
  readonly fields: ReadonlyArray<string>
  readonly jsonFields: ReadonlyArray<string>
}) =>
  Effect.gen(function* () {
    const texts = yield* Effect.forEach(flags.fields, (pair) => parsePair("field", pair))
    const values = yield* Effect.forEach(flags.jsonFields, parseJson)
    const entries: ReadonlyArray<readonly [string, Json]> = [...texts, ...values]
    const fields = Object.fromEntries(entries)
    if (Object.keys(fields).length < entries.length) {
      return yield* new UsageError({ message: "a field is given twice", advice: "Give every field one value." })
    }
    return entries.length === 0 ? undefined : fields
  })
