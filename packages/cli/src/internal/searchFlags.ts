/** The flags `--name` and `--phone` of a search. */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { text } from "./flags.ts"
import { UsageError } from "./usageError.ts"

const searchText = (name: string, metavar: string, description: string) =>
  text(name, metavar, description).pipe(
    Flag.filter(
      (text) => text.trim() !== "",
      () => "Expected text that is not blank: the API cannot list all contacts"
    ),
    Flag.optional
  )

export const searchFlags = {
  name: searchText("name", "NAME", "A part of the first or last name"),
  phone: searchText("phone", "PHONE", "The phone number")
}

/** Returns the query of the flags. The API requires at least one of them. */
export const toQuery = (flags: { readonly name: Option.Option<string>; readonly phone: Option.Option<string> }) =>
  Effect.gen(function* () {
    const name = Option.getOrUndefined(flags.name)
    const phone = Option.getOrUndefined(flags.phone)
    if (phone !== undefined) return { phone, name }
    if (name !== undefined) return { name }
    return yield* new UsageError({
      message: "a search requires --name, --phone or both",
      advice: "The API cannot list all contacts."
    })
  })
