/**
 * How the API may spell what it answers. The contract leaves every body open, so each reading here is a guess about
 * the outside; what comes out is checked by the schemas of `Contact.ts`.
 */
import type { Contact } from "../Contact.ts"

type Body = Readonly<Record<string, unknown>>

export const isObject = (u: unknown): u is Body => typeof u === "object" && u !== null && !Array.isArray(u)

const isPresent = (u: unknown): boolean => u !== undefined && u !== null && u !== ""

/** Sets a key. `__proto__` is one like any other: plain assignment would set the prototype instead. */
export const set = (target: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[key] = value
  }
}

/** Known keys of a contact, each with the name it has on `Contact`. */
const knownKeys: ReadonlyMap<string, string> = new Map([
  ["id", "id"],
  ["contactId", "id"],
  ["contact_id", "id"],
  ["phone", "phone"],
  ["firstName", "firstName"],
  ["first_name", "firstName"],
  ["lastName", "lastName"],
  ["last_name", "lastName"],
  ["email", "email"],
  ["tags", "tags"],
  ["fields", "fields"]
])

/** Keys of the answer itself, which may stand beside those of a contact. */
const answerKeys: ReadonlySet<string> = new Set(["isNew", "is_new"])

const tagFromWire = (tag: unknown): unknown => {
  if (typeof tag === "string") return { name: tag }
  if (!isObject(tag)) return tag
  const { id, name } = tag
  if (!isPresent(id)) return { name }
  // Anything but a number is for the schema to judge.
  return { name, id: typeof id === "number" ? String(id) : id }
}

const fieldsFromWire = (fields: unknown): unknown => {
  if (!Array.isArray(fields)) return fields
  const out: Record<string, unknown> = {}
  for (const entry of fields) {
    if (!isObject(entry) || typeof entry["key"] !== "string") return fields
    set(out, entry["key"], entry["value"] ?? null)
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

/** Renames, drops what is absent, and gathers unknown keys under `extra`. The first present spelling of a key wins. */
export const contactFromWire = (wire: unknown): typeof Contact.Encoded => {
  // What is no object fails in the schema, which says so.
  if (!isObject(wire)) return wire as typeof Contact.Encoded
  const out: Record<string, unknown> = {}
  const extra: Record<string, unknown> = {}
  for (const key of Object.keys(wire)) {
    const value = wire[key]
    const name = knownKeys.get(key)
    if (name === undefined) {
      if (!answerKeys.has(key)) set(extra, key, value)
    } else if (isPresent(value) && !(name in out)) {
      out[name] = valueFromWire(name, value)
    }
  }
  out["extra"] = extra
  return out as typeof Contact.Encoded
}

export const contactToWire = ({ extra, tags, ...contact }: typeof Contact.Encoded): unknown => {
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(extra)) set(out, key, extra[key])
  return Object.assign(out, contact, tags && { tags: tags.map((tag) => (tag.id === undefined ? tag.name : tag)) })
}

const hasId = (body: Body): boolean => isPresent(body["id"] ?? body["contactId"] ?? body["contact_id"])

/** The object that holds a contact, if the answer carries one: under `contact` or `data`, or the answer itself. */
export const findContact = (body: Body, depth = 2): Body | undefined => {
  for (const key of ["contact", "data"]) {
    const inner = body[key]
    if (depth > 0 && isObject(inner)) {
      const found = findContact(inner, depth - 1)
      if (found !== undefined) return found
      // The id may stand beside the envelope: `{"contact_id": "...", "contact": {...}}`.
      if (hasId(body)) return { ...inner, id: body["id"] ?? body["contactId"] ?? body["contact_id"] }
    }
  }
  return hasId(body) ? body : undefined
}

/**
 * Like `findContact`, for an answer about a contact whose id is known. An object with some other id counts only when
 * something else in it speaks of a contact: `{"id": 7, "name": "vip"}` is the tag that was added.
 */
export const findContactById = (body: Body, id: string): Body | undefined => {
  const found = findContact(body)
  if (found === undefined) return undefined
  const own = found["id"] ?? found["contactId"] ?? found["contact_id"]
  const isSame = typeof own === "string" && own.toLowerCase() === id
  const speaksOfContact = Object.keys(found).some((key) => knownKeys.has(key) && key !== "id" && isPresent(found[key]))
  return isSame || speaksOfContact ? found : undefined
}

/** `isNew` where the answer tells it: in the contact or around it. */
export const findIsNew = (body: Body, depth = 2): boolean | undefined => {
  const isNew = body["isNew"] ?? body["is_new"]
  if (typeof isNew === "boolean") return isNew
  for (const key of ["contact", "data"]) {
    const inner = body[key]
    const found = depth > 0 && isObject(inner) ? findIsNew(inner, depth - 1) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** The list of a search answer: under one of the usual names, at the top or one level down under `data`. */
export const findContacts = (body: Body, depth = 1): ReadonlyArray<unknown> | undefined => {
  for (const key of ["contacts", "results", "data", "items"]) {
    const value = body[key]
    if (Array.isArray(value)) return value
  }
  return depth > 0 && isObject(body["data"]) ? findContacts(body["data"], depth - 1) : undefined
}

/** The number of all matches where the answer tells it: `total` or `count`, at the top or under `pagination`. */
export const findTotal = (body: Body): number | undefined => {
  for (const candidate of [body, body["pagination"], body["data"]]) {
    if (!isObject(candidate)) continue
    const total = candidate["total"] ?? candidate["count"]
    if (typeof total === "number" && Number.isSafeInteger(total) && total >= 0) return total
  }
  return undefined
}
