/** Constructors of flags. */
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A flag that takes text. */
export const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))

/** A flag without a value. Default: `false`. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

/** A flag that takes a whole number within limits. */
export const wholeNumber = (name: string, description: string, minimum: number, maximum: number) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withDescription(description),
    Flag.filter(
      (value) => value >= minimum && value <= maximum,
      () => `Expected a whole number from ${minimum} to ${maximum}`
    )
  )

const messageOf = (error: unknown): string => (Schema.isSchemaError(error) ? error.message : "Expected another value")

/** Decodes the text of a flag. `Flag.withSchema` would put "Schema validation failed" before the schema's message. */
export const decodeWith = <A>(schema: Schema.ConstraintCodec<A, string>) =>
  Flag.mapTryCatch(Schema.decodeSync(schema), messageOf)

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }

// `Duration.fromInput` does not accept short units.
const parseTime = (text: string): Option.Option<Duration.Duration> => {
  const [, digits = "", unit = "s"] = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|min|h)?$/.exec(text.trim()) ?? []
  const millis = Number(digits) * (units[unit] ?? 0)
  return millis > 0 ? Option.some(Duration.millis(millis)) : Option.none()
}

/** A flag that takes a duration: `500ms`, `30s`, `2m`. A number without a unit is in seconds. */
export const time = (name: string, description: string) =>
  text(name, "TIME", description).pipe(
    Flag.filterMap(parseTime, () => "Expected a time above zero, such as 500ms, 30s or 2m")
  )

// The value may contain equals signs.
const parsePair = (pair: string): Option.Option<readonly [key: string, value: string]> => {
  const at = pair.indexOf("=")
  return at > 0 ? Option.some([pair.slice(0, at), pair.slice(at + 1)]) : Option.none()
}

/**
 * A flag that takes a key and a value. The value may be empty. `Flag.KeyValuePair` refuses an empty value, and its
 * message quotes the text.
 */
export const pair = (name: string, metavar: string, description: string) =>
  text(name, metavar, description).pipe(Flag.filterMap(parsePair, () => `Expected ${metavar}`))
