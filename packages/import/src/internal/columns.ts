/** From the columns of a table, or the keys of an object, to what `upsert` takes. */
import { isObject } from "@agentalk/core/unstable"
import type { UpsertInput } from "@agentalk/core/Contact"
import type { Json } from "effect/Schema"
import { fromTyped, splitTags } from "./cells.ts"

/** What a column gives: a part of the contact, a custom field, or nothing. */
export type Target =
  | { readonly _tag: "Known"; readonly key: "phone" | "firstName" | "lastName" | "email" | "tags" }
  | { readonly _tag: "Field"; readonly key: string }
  | { readonly _tag: "Nothing" }

type Known = Extract<Target, { _tag: "Known" }>["key"]

const known: ReadonlyMap<string, Known> = new Map([
  ["phone", "phone"],
  ["firstname", "firstName"],
  ["lastname", "lastName"],
  ["email", "email"],
  ["tags", "tags"]
] as const)

/** `first_name`, `firstName` and `First Name` are one name. */
const fold = (name: string): string => name.toLowerCase().replaceAll(/[\s_-]/g, "")

/** What stands before the key of a custom field, where its name alone would mean something else. */
export const fieldPrefix = "field:"

/** What a name of a column means by itself. */
const meaningOf = (name: string): Target => {
  if (name.startsWith(fieldPrefix)) return { _tag: "Field", key: name.slice(fieldPrefix.length) }
  const key = known.get(fold(name))
  return key === undefined ? { _tag: "Field", key: name } : { _tag: "Known", key }
}

/** The name of a column that means a custom field. */
export const columnOf = (key: string): string => {
  const meaning = meaningOf(key)
  const isPlain = meaning._tag === "Field" && meaning.key === key && key === key.trim()
  return isPlain ? key : fieldPrefix + key
}

/** What columns are said to give, by their names, whatever case these are in. */
export interface Mapping {
  /** Whether a name is given. */
  readonly has: (name: string) => boolean
  /** What a column gives: what is said of it, or what its name means. */
  readonly targetOf: (name: string) => Target
}

/** Makes a mapping. A name that is written exactly so goes before one in another case. */
export const makeMapping = (map: Readonly<Record<string, string>>): Mapping => {
  const folded = new Map(Object.entries(map).map(([name, key]) => [name.trim().toLowerCase(), key]))
  const find = (name: string): string | undefined =>
    Object.hasOwn(map, name) ? map[name] : folded.get(name.trim().toLowerCase())
  return {
    has: (name) => find(name) !== undefined,
    targetOf: (name) => {
      const mapped = find(name)
      return mapped === "" ? { _tag: "Nothing" } : meaningOf(mapped ?? name)
    }
  }
}

/** A contact that is being put together; what stays absent is left as it is by `upsert`. */
export class InputBuilder {
  private readonly input: { phone: string } & {
    -readonly [K in Exclude<keyof UpsertInput, "phone">]?: UpsertInput[K]
  } = {
    phone: ""
  }
  private readonly fields: Array<readonly [string, Json]> = []

  /** Sets what a target is from text; blank text is absence. */
  setText(target: Target, text: string, typed = false): void {
    const trimmed = text.trim()
    if (trimmed === "") return
    if (target._tag === "Field") this.fields.push([target.key, typed ? fromTyped(text) : text])
    else if (target._tag === "Known") this.setKnown(target.key, trimmed)
  }

  private setKnown(key: Known, text: string): void {
    if (key === "tags") {
      const tags = splitTags(text)
      if (tags.length > 0) this.input.tags = [...(this.input.tags ?? []), ...tags]
    } else {
      this.input[key] = text
    }
  }

  /** Sets what a target is from JSON, and tells what is wrong with the value, if anything is. */
  setJson(target: Target, value: Json): string | undefined {
    if (value === null || target._tag === "Nothing") return undefined
    if (target._tag === "Field") {
      this.fields.push([target.key, value])
      return undefined
    }
    const { key } = target
    const isName = key === "firstName" || key === "lastName"
    if (isName && typeof value === "string" && value.trim() !== "") this.setKnown(key, value)
    else if (typeof value === "string") this.setText(target, value)
    else if (key === "tags") return this.setTags(value)
    else if (typeof value === "number" && Number.isSafeInteger(value)) this.setKnown(key, String(value))
    else return `${key} is not text`
    return undefined
  }

  private setTags(value: Json): string | undefined {
    if (!Array.isArray(value)) return "tags is not a list"
    const names = value.map((tag: Json) => (isObject(tag) ? tag["name"] : tag))
    if (!names.every((name) => typeof name === "string")) return "tags holds what is not the name of a tag"
    if (names.length > 0) this.input.tags = names
    return undefined
  }

  /** Adds custom fields. */
  setFields(value: Json): string | undefined {
    if (value === null) return undefined
    if (!isObject(value)) return "fields is not an object"
    this.fields.push(...Object.entries(value))
    return undefined
  }

  /** The contact, or `undefined` without a phone number. */
  build(): UpsertInput | undefined {
    if (this.input.phone === "") return undefined
    // Not by assignment: a field may be called `__proto__`.
    return this.fields.length === 0 ? this.input : { ...this.input, fields: Object.fromEntries(this.fields) }
  }
}
