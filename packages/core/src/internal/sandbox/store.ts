/** The contacts of a sandbox, in memory. Each operation of the API is one method of an organization's store. */
import type { Json } from "effect/Schema"
import type { Contact, UpsertInput } from "../../Contact.ts"
import { type Attribute, attributeNames, attributes } from "../attributes.ts"
import { digitsOf } from "../wire/text.ts"

/** A contact as the sandbox stores it and sends it. */
export interface StoredContact extends Omit<Contact, "id" | "phone" | "tags" | "fields" | "extra"> {
  readonly id: string
  readonly phone: string
  readonly tags: ReadonlyArray<{ readonly id: string; readonly name: string }>
  readonly fields: Readonly<Record<string, Json>>
}

/** The attributes that can be cleared, by each of their spellings. */
const clearable: ReadonlyMap<string, Attribute> = new Map(
  attributeNames
    .filter((name) => attributes[name].isClearable)
    .flatMap((name) => attributes[name].spellings.map((spelling) => [spelling, name] as const))
)

const nameParts = attributeNames.filter((name) => attributes[name].isName)

const fullNameOf = (contact: StoredContact): string =>
  nameParts
    .map((part) => contact[part])
    .map((value) => (typeof value === "string" ? value : ""))
    .join(" ")

const without = <T extends object>(object: T, key: string): T =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key)) as T

/**
 * The contacts of one organization. A method that changes an existing contact returns it, or `undefined` if the contact
 * does not exist.
 */
const makeOrganizationStore = (nextId: () => string) => {
  const contacts = new Map<string, StoredContact>()
  const idsByDigits = new Map<string, string>()
  const tagIds = new Map<string, string>()

  /** Adds the tags that are missing. A tag has the same id on every contact. */
  const withTags = (tags: StoredContact["tags"], names: ReadonlyArray<string>): StoredContact["tags"] => {
    const result = [...tags]
    for (const name of names) {
      if (result.some((tag) => tag.name === name)) continue
      const id = tagIds.get(name) ?? String(tagIds.size + 1)
      tagIds.set(name, id)
      result.push({ id, name })
    }
    return result
  }

  const get = (id: string): StoredContact | undefined => contacts.get(id)

  /** Replaces a contact by a changed copy, unless `change` returns `undefined`. */
  const update = (id: string, change: (contact: StoredContact) => StoredContact | undefined) => {
    const contact = get(id)
    const changed = contact && change(contact)
    if (changed !== undefined) contacts.set(id, changed)
    return changed
  }

  return {
    get,

    /** Creates a contact, or updates the contact with the same phone: sets the given values, adds tags and fields. */
    upsert: ({ phone, tags = [], fields = {}, ...values }: typeof UpsertInput.Type) => {
      const existingId = idsByDigits.get(digitsOf(phone))
      const existing = existingId === undefined ? undefined : get(existingId)
      const contact: StoredContact = {
        ...(existing ?? { id: nextId(), phone }),
        ...values,
        tags: withTags(existing?.tags ?? [], tags),
        fields: { ...existing?.fields, ...fields }
      }
      contacts.set(contact.id, contact)
      idsByDigits.set(digitsOf(phone), contact.id)
      return { contact, isNew: existing === undefined }
    },

    /** Deletes a contact. Returns whether it existed. */
    delete: (id: string): boolean => {
      const contact = get(id)
      if (contact === undefined) return false
      idsByDigits.delete(digitsOf(contact.phone))
      return contacts.delete(id)
    },

    updateFields: (id: string, fields: StoredContact["fields"]) =>
      update(id, (contact) => ({ ...contact, fields: { ...contact.fields, ...fields } })),

    /** Clears a built-in or custom field. It also returns `undefined` if the contact has no such custom field. */
    clearField: (id: string, key: string) =>
      update(id, (contact) => {
        const attribute = clearable.get(key)
        if (attribute !== undefined) return without(contact, attribute)
        return Object.hasOwn(contact.fields, key) ? { ...contact, fields: without(contact.fields, key) } : undefined
      }),

    addTags: (id: string, names: ReadonlyArray<string>) =>
      update(id, (contact) => ({ ...contact, tags: withTags(contact.tags, names) })),

    /** Removes one tag by name, otherwise by id. It also returns `undefined` if the contact has no such tag. */
    removeTag: (id: string, idOrName: string) =>
      update(id, (contact) => {
        const { tags } = contact
        const removed = tags.find((tag) => tag.name === idOrName) ?? tags.find((tag) => tag.id === idOrName)
        return removed && { ...contact, tags: tags.filter((tag) => tag !== removed) }
      }),

    /**
     * The contacts whose full name contains `name`, in any case, and whose phone contains the digits of `phone`. A
     * `phone` without digits matches no contact.
     */
    search: (query: { readonly name?: string; readonly phone?: string }): ReadonlyArray<StoredContact> => {
      const name = query.name?.toLowerCase()
      const digits = query.phone === undefined ? undefined : digitsOf(query.phone)
      const isMatch = (contact: StoredContact): boolean => {
        return (
          (name === undefined || fullNameOf(contact).toLowerCase().includes(name)) &&
          (digits === undefined || (digits !== "" && digitsOf(contact.phone).includes(digits)))
        )
      }
      return [...contacts.values()].filter(isMatch)
    },

    /** All contacts, oldest first. */
    all: (): ReadonlyArray<StoredContact> => [...contacts.values()]
  }
}

type OrganizationStore = ReturnType<typeof makeOrganizationStore>

export const makeStore = () => {
  const organizations = new Map<string, OrganizationStore>()
  let created = 0

  // Ids count up instead of being random, so that a test sees the same ids on every run.
  const nextId = (): string => `5a4db0c5-0000-4000-8000-${(++created).toString(16).padStart(12, "0")}`

  return {
    /** The store of an organization. Ids of organizations are compared in any case. */
    organization: (id: string): OrganizationStore => {
      const key = id.toLowerCase()
      const existing = organizations.get(key)
      if (existing !== undefined) return existing
      const organization = makeOrganizationStore(nextId)
      organizations.set(key, organization)
      return organization
    },

    /** Deletes the contacts of every organization and restarts the ids. */
    clear: (): void => {
      organizations.clear()
      created = 0
    }
  }
}

export type Store = ReturnType<typeof makeStore>
