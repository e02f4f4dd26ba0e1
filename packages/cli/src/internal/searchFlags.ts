/** The flags `--name` and `--phone`, which say what to search for. */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { text } from "./flags.ts"
import { UsageError } from "./usageError.ts"

export const searchFlags = {
  name: text("name", "NAME", "A part of the first or last name").pipe(Flag.optional),
  phone: text("phone", "PHONE", "The phone number").pipe(Flag.optional)
}

/** The query of a search; the compiler and the API require one of the two. */
export const toQuery = (name: Option.Option<string>, phone: Option.Option<string>) =>
  Effect.gen(function* () {
    for (const [flag, text] of [
      ["name", name],
      ["phone", phone]
    ] as const) {
      if (Option.isSome(text) && text.value.trim() === "") {
        return yield* new UsageError({ message: `--${flag} is blank`, advice: "The API cannot list all contacts." })
      }
    }
    if (Option.isSome(phone)) return { phone: phone.value, name: Option.getOrUndefined(name) }
    if (Option.isSome(name)) return { name: name.value }
    return yield* new UsageError({
      message: "a search needs --name or --phone, or both",
      advice: "The API cannot list all contacts."
    })
  })
