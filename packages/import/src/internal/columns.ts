/** Maps CSV columns and NDJSON keys to attributes and custom fields, and builds the inputs of `upsert`. */
import { type Attribute, attributeNames, attributes, isObject } from "@agentalk/core/unstable"
import type { UpsertInput } from "@agentalk/core/Contact"
import * as Schema from "effect/Schema"
import { fromTyped, splitTags } from "./cells.ts"

/** The target of a column: a built-in attribute, a custom field, or nothing. */
export type Target =
  | { readonly _tag: "Attribute"; readonly key: Attribute }
  | { readonly _tag: "Field"; readonly key: string }
  | { readonly _tag: "Ignored" }

/** Removes the differences between spellings: `E-Mail`, `e_mail` and `email` become the same name. */
const fold = (name: string): string => name.toLowerCase().replaceAll(/[\s_-]/g, "")

const attributeByName: ReadonlyMap<string, Attribute> = new Map(
  attributeNames.flatMap((attribute) => {
    const { column, spellings } = attributes[attribute]
    return [column, ...spellings].map((name) => [fold(name), attribute] as const)
  })
)

/** The attributes that hold a list of names, such as `tags`. The others hold text. */
const listAttributes: ReadonlySet<Attribute> = new Set(
  attributeNames.filter((name) => !Schema.is(attributes[name].contract)(""))
)

/** The prefix of a column that marks the rest of its name as the key of a custom field. */
export const fieldPrefix = "field:"

const meaningOf = (name: string): Target => {
  if (name.startsWith(fieldPrefix)) return { _tag: "Field", key: name.slice(fieldPrefix.length) }
  const attribute = attributeByName.get(fold(name))
  return attribute === undefined ? { _tag: "Field", key: name } : { _tag: "Attribute", key: attribute }
}

/** Returns the column name of a custom field: its key. The prefix is added if `read` would map the key differently. */
export const columnOf = (key: string): string => {
  const meaning = meaningOf(key)
  const isPlain = meaning._tag === "Field" && meaning.key === key && key === key.trim()
  return isPlain ? key : fieldPrefix + key
}

/** The option `map`, ready for lookups. */
export interface Mapping {
  /** Whether the option contains a name. */
  readonly has: (name: string) => boolean
  /** The target of a column: from the option, otherwise from the column's own name. */
  readonly targetOf: (name: string) => Target
}

/** Makes a mapping. Names match in upper or lower case, but an exact match takes precedence. */
export const makeMapping = (map: Readonly<Record<string, string>>): Mapping => {
  const lowerCase = new Map(Object.entries(map).map(([name, key]) => [name.trim().toLowerCase(), key]))
  const find = (name: string): string | undefined =>
    Object.hasOwn(map, name) ? map[name] : lowerCase.get(name.trim().toLowerCase())
  return {
    has: (name) => find(name) !== undefined,
    targetOf: (name) => {
      const mapped = find(name)
      return mapped === "" ? { _tag: "Ignored" } : meaningOf(mapped ?? name)
    }
  }
}

/** Builds an input of `upsert` value by value. Blank values are omitted, so `upsert` keeps the existing ones. */
export class InputBuilder {
  private readonly texts: { [K in Attribute]?: string } = {}
  private readonly lists: { [K in Attribute]?: ReadonlyArray<string> } = {}
  private readonly fields: Array<readonly [string, Schema.Json]> = []

  /** Sets a target from a cell. */
  setText(target: Target, text: string, typed = false): void {
    const trimmed = text.trim()
    if (trimmed === "") return
    if (target._tag === "Field") this.fields.push([target.key, typed ? fromTyped(text) : text])
    else if (target._tag === "Attribute") this.setAttribute(target.key, trimmed)
  }

  private setAttribute(name: Attribute, text: string): void {
    if (!listAttributes.has(name)) {
      this.texts[name] = text
      return
    }
    const names = splitTags(text)
    if (names.length > 0) this.lists[name] = [...(this.lists[name] ?? []), ...names]
  }

  /** Sets a target from a JSON value. Returns the reason if the value is invalid. */
  setJson(target: Target, value: Schema.Json): string | undefined {
    if (value === null || target._tag === "Ignored") return undefined
    if (target._tag === "Field") {
      this.fields.push([target.key, value])
      return undefined
    }
    const { key } = target
    if (typeof value === "string") {
      // White space around a name is kept. In JSON, it is a part of the value.
      if (attributes[key].isName && value.trim() !== "") this.setAttribute(key, value)
      else this.setText(target, value)
      return undefined
    }
    if (listAttributes.has(key)) return this.setList(key, value)
    if (typeof value !== "number" || !Number.isSafeInteger(value)) return `${key} is not text`
    this.setAttribute(key, String(value))
    return undefined
  }

  private setList(name: Attribute, value: Schema.Json): string | undefined {
    if (!Array.isArray(value)) return `${name} is not a list`
    const names = value.map((each: Schema.Json) => (isObject(each) ? each["name"] : each))
    if (!names.every((each) => typeof each === "string")) return `${name} contains a value that is not a name`
    if (names.length > 0) this.lists[name] = names
    return undefined
  }

  /** Adds the custom fields of an object. Returns the reason if the value is not an object. */
  setFields(value: Schema.Json): string | undefined {
    if (value === null) return undefined
    if (!isObject(value)) return "fields is not an object"
    this.fields.push(...Object.entries(value))
    return undefined
  }

  /** Returns the input, or `undefined` if it has no phone number. */
  build(): UpsertInput | undefined {
    const { phone } = this.texts
    if (phone === undefined) return undefined
    const input: object = { ...this.texts, ...this.lists, phone }
    // `Object.fromEntries` also sets a field called `__proto__`; assignment would not.
    if (this.fields.length > 0) Object.assign(input, { fields: Object.fromEntries(this.fields) })
    return input as UpsertInput
  }
}
