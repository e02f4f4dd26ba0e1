/**
 * Finds contacts in responses and converts them to the shape of `Contact`. The contract allows any object as a response
 * body, so several shapes and spellings are accepted. The schemas of `Contact.ts` then check the result.
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { Contact } from "../../Contact.ts"
import { attributeNames, attributes } from "../attributes.ts"
import { isObject, type JsonObjectLike, setKey } from "./json.ts"

/** Whether a value is present. The API may send `null` or `""` instead of omitting a key. */
const isPresent = (u: unknown): boolean => u !== undefined && u !== null && u !== ""

const idKeys = ["id", "contactId", "contact_id"]

/** The known keys of a contact on the wire, each with its key in `Contact`. */
const knownKeys: ReadonlyMap<string, string> = new Map([
  ...idKeys.map((key) => [key, "id"] as const),
  ...attributeNames.flatMap((name) => attributes[name].spellings.map((key) => [key, name] as const)),
  ["fields", "fields"] as const
])

const isNewKeys = ["isNew", "is_new"]

/** Keys of the response itself. They may be in the same object as the keys of a contact, and are not `extra` keys. */
const responseKeys: ReadonlySet<string> = new Set(isNewKeys)

const firstOf = (body: JsonObjectLike, keys: ReadonlyArray<string>): unknown => {
  for (const key of keys) if (body[key] !== undefined && body[key] !== null) return body[key]
  return undefined
}

const tagFromWire = (tag: unknown): unknown => {
  if (typeof tag === "string") return { name: tag }
  if (!isObject(tag)) return tag
  const { id, name } = tag
  if (!isPresent(id)) return { name }
  // An id that is neither a number nor a string is kept, so that the schema refuses it.
  return { name, id: typeof id === "number" ? String(id) : id }
}

const fieldsFromWire = (fields: unknown): unknown => {
  if (!Array.isArray(fields)) return fields
  const out: Record<string, unknown> = {}
  for (const entry of fields) {
    if (!isObject(entry) || typeof entry["key"] !== "string") return fields
    setKey(out, entry["key"], entry["value"] ?? null)
  }
  return out
}

const valueFromWire = (name: string, value: unknown): unknown => {
  switch (name) {
    case "tags":
      return Array.isArray(value) ? value.map(tagFromWire) : value
    case "fields":
      return fieldsFromWire(value)
    default:
      return value
  }
}

/**
 * Renames known keys, drops missing values, and collects unknown keys under `extra`. If a key has several spellings,
 * the first one with a value wins.
 */
export const contactFromWire = (wire: unknown): typeof Contact.Encoded => {
  // A value that is not an object is returned unchanged, so that the schema refuses it.
  if (!isObject(wire)) return wire as typeof Contact.Encoded
  const out: Record<string, unknown> = {}
  const extra: Record<string, unknown> = {}
  for (const key of Object.keys(wire)) {
    const value = wire[key]
    const name = knownKeys.get(key)
    if (name === undefined) {
      if (!responseKeys.has(key)) setKey(extra, key, value)
    } else if (isPresent(value) && !(name in out)) {
      out[name] = valueFromWire(name, value)
    }
  }
  out["extra"] = extra
  return out as typeof Contact.Encoded
}

const contactToWire = ({ extra, tags, ...contact }: typeof Contact.Encoded): unknown => {
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(extra)) setKey(out, key, extra[key])
  return Object.assign(out, contact, tags && { tags: tags.map((tag) => (tag.id === undefined ? tag.name : tag)) })
}

/**
 * A `Contact` in any of the spellings that the API may use: `first_name`, tags as names or objects, fields as an object
 * or a list. Encodes to camel case, with tags without an id as names, and with unknown keys beside the known ones.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ContactFromWire = Schema.Unknown.pipe(
  Schema.decodeTo(Contact, {
    decode: SchemaGetter.transform(contactFromWire),
    encode: SchemaGetter.transform(contactToWire)
  })
)

const idOf = (body: JsonObjectLike): unknown => firstOf(body, idKeys)

const hasId = (body: JsonObjectLike): boolean => isPresent(idOf(body))

/** Finds the contact in a response: under `contact` or `data`, otherwise the response itself. */
export const findContact = (body: JsonObjectLike, depth = 2): JsonObjectLike | undefined => {
  for (const key of ["contact", "data"]) {
    const inner = body[key]
    if (depth > 0 && isObject(inner)) {
      const found = findContact(inner, depth - 1)
      if (found !== undefined) return found
      // The id may be outside of the contact: `{"contact_id": "...", "contact": {...}}`.
      if (hasId(body)) return { ...inner, id: idOf(body) }
    }
  }
  return hasId(body) ? body : undefined
}

/**
 * Finds a contact whose id is known. An object with a different id is accepted only if it has a known key of a contact
 * besides the id. For example, `{"id": 7, "name": "vip"}` is not a contact but the tag that was added.
 */
export const findContactById = (body: JsonObjectLike, id: string): JsonObjectLike | undefined => {
  const found = findContact(body)
  if (found === undefined) return undefined
  const foundId = idOf(found)
  const isSame = typeof foundId === "string" && foundId.toLowerCase() === id
  const hasContactKey = Object.keys(found).some((key) => knownKeys.has(key) && key !== "id" && isPresent(found[key]))
  return isSame || hasContactKey ? found : undefined
}

/** Finds `isNew` in the response, or under `contact` or `data`. */
export const findIsNew = (body: JsonObjectLike, depth = 2): boolean | undefined => {
  const isNew = firstOf(body, isNewKeys)
  if (typeof isNew === "boolean") return isNew
  for (const key of ["contact", "data"]) {
    const inner = body[key]
    const found = depth > 0 && isObject(inner) ? findIsNew(inner, depth - 1) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** Finds the list in a search response: under one of the usual names, at the top or one level down under `data`. */
export const findContacts = (body: JsonObjectLike, depth = 1): ReadonlyArray<unknown> | undefined => {
  for (const key of ["contacts", "results", "data", "items"]) {
    const value = body[key]
    if (Array.isArray(value)) return value
  }
  return depth > 0 && isObject(body["data"]) ? findContacts(body["data"], depth - 1) : undefined
}

/** Finds the number of all matches: `total` or `count`, at the top or under `pagination` or `data`. */
export const findTotal = (body: JsonObjectLike): number | undefined => {
  for (const candidate of [body, body["pagination"], body["data"]]) {
    if (!isObject(candidate)) continue
    const total = candidate["total"] ?? candidate["count"]
    if (typeof total === "number" && Number.isSafeInteger(total) && total >= 0) return total
  }
  return undefined
}
