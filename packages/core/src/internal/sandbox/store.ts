/** The contacts that a sandbox keeps: plain state, changed only by whole operations. */
import type { Json } from "effect/Schema"

/** A contact as the sandbox keeps and answers it. */
export interface Stored {
  readonly id: string
  readonly phone: string
  readonly firstName?: string
  readonly lastName?: string
  readonly email?: string
  readonly tags: ReadonlyArray<{ readonly id: string; readonly name: string }>
  readonly fields: Readonly<Record<string, Json>>
}

export interface Upsert extends Partial<Pick<Stored, "firstName" | "lastName" | "email" | "fields">> {
  readonly phone: string
  readonly tags?: ReadonlyArray<string>
}

interface Organization {
  readonly contacts: Map<string, Stored>
  readonly idsByDigits: Map<string, string>
  readonly tagIds: Map<string, string>
}

/** Two phones are the same when their digits are. */
const digitsOf = (phone: string): string => phone.replace(/\D/g, "")

const builtIns: ReadonlyMap<string, "firstName" | "lastName" | "email"> = new Map([
  ["firstName", "firstName"],
  ["first_name", "firstName"],
  ["lastName", "lastName"],
  ["last_name", "lastName"],
  ["email", "email"]
] as const)

export const makeStore = () => {
  const organizations = new Map<string, Organization>()
  let created = 0

  const organizationOf = (id: string): Organization => {
    let organization = organizations.get(id)
    if (organization === undefined) {
      organization = { contacts: new Map(), idsByDigits: new Map(), tagIds: new Map() }
      organizations.set(id, organization)
    }
    return organization
  }

  // Ids are UUIDs that count, so that a test reads the same on every run.
  const nextId = (): string => `5a4db0c5-0000-4000-8000-${(++created).toString(16).padStart(12, "0")}`

  const withTags = (organization: Organization, tags: Stored["tags"], names: ReadonlyArray<string>): Stored["tags"] => {
    const out = [...tags]
    for (const name of names) {
      if (out.some((tag) => tag.name === name)) continue
      const id = organization.tagIds.get(name) ?? String(organization.tagIds.size + 1)
      organization.tagIds.set(name, id)
      out.push({ id, name })
    }
    return out
  }

  const update = (
    org: string,
    id: string,
    change: (contact: Stored, organization: Organization) => Stored | undefined
  ) => {
    const organization = organizationOf(org)
    const contact = organization.contacts.get(id)
    const changed = contact && change(contact, organization)
    if (changed !== undefined) organization.contacts.set(id, changed)
    return changed
  }

  return {
    /** Creates the contact or updates the one with the same phone: given keys are set, fields and tags are added. */
    upsert: (org: string, { phone, tags = [], fields = {}, ...names }: Upsert): { contact: Stored; isNew: boolean } => {
      const organization = organizationOf(org)
      const known = organization.idsByDigits.get(digitsOf(phone))
      const before = known === undefined ? undefined : organization.contacts.get(known)
      const contact: Stored = {
        ...(before ?? { id: nextId(), phone }),
        ...names,
        tags: withTags(organization, before?.tags ?? [], tags),
        fields: { ...before?.fields, ...fields }
      }
      organization.contacts.set(contact.id, contact)
      organization.idsByDigits.set(digitsOf(phone), contact.id)
      return { contact, isNew: before === undefined }
    },
    delete: (org: string, id: string): boolean => {
      const organization = organizationOf(org)
      const contact = organization.contacts.get(id)
      if (contact === undefined) return false
      organization.idsByDigits.delete(digitsOf(contact.phone))
      return organization.contacts.delete(id)
    },
    updateFields: (org: string, id: string, fields: Stored["fields"]) =>
      update(org, id, (contact) => ({ ...contact, fields: { ...contact.fields, ...fields } })),
    /** Clears a built-in or a custom field; `undefined` where the contact or the custom field is missing. */
    clearField: (org: string, id: string, key: string) =>
      update(org, id, (contact) => {
        const builtIn = builtIns.get(key)
        if (builtIn !== undefined) {
          const { [builtIn]: _, ...rest } = contact
          return rest
        }
        if (!Object.hasOwn(contact.fields, key)) return undefined
        return {
          ...contact,
          fields: Object.fromEntries(Object.entries(contact.fields).filter(([name]) => name !== key))
        }
      }),
    addTags: (org: string, id: string, names: ReadonlyArray<string>) =>
      update(org, id, (contact, organization) => ({
        ...contact,
        tags: withTags(organization, contact.tags, names)
      })),
    /** Takes one tag away, by name or else by id; `undefined` where the contact or its tag is missing. */
    removeTag: (org: string, id: string, idOrName: string) =>
      update(org, id, (contact) => {
        const { tags } = contact
        const gone = tags.find((tag) => tag.name === idOrName) ?? tags.find((tag) => tag.id === idOrName)
        return gone && { ...contact, tags: tags.filter((tag) => tag !== gone) }
      }),
    /** Those whose name contains `name`, in any case, and whose digits contain those of `phone`. */
    search: (org: string, query: { readonly name?: string; readonly phone?: string }): ReadonlyArray<Stored> => {
      const name = query.name?.toLowerCase()
      const digits = query.phone === undefined ? undefined : digitsOf(query.phone)
      const isMatch = (contact: Stored): boolean => {
        const fullName = `${contact.firstName ?? ""} ${contact.lastName ?? ""}`.toLowerCase()
        return (
          (name === undefined || fullName.includes(name)) &&
          (digits === undefined || (digits !== "" && digitsOf(contact.phone).includes(digits)))
        )
      }
      return [...organizationOf(org).contacts.values()].filter(isMatch)
    },
    all: (org: string): ReadonlyArray<Stored> => [...organizationOf(org).contacts.values()],
    clear: (): void => {
      organizations.clear()
      created = 0
    }
  }
}

export type Store = ReturnType<typeof makeStore>
