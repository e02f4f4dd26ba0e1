/**
 * What a server may keep for one phone, as far as its only writer can know: a set of possible contacts. A call whose
 * outcome is known moves all of them; one whose outcome is unknown adds what it may have made of them.
 */
import type { AgentalkError, Contact, Outcome } from "@agentalk/core"
import { assert } from "@effect/vitest"

/** A contact in the eyes of the model; `id` is `?` where its creation was not told. */
interface Known {
  readonly id: string
  readonly firstName: string | undefined
  readonly city: string | undefined
  readonly tags: ReadonlyArray<string>
}

/** No contact, or one. */
export type Possible = Known | undefined

export type Step =
  | { readonly kind: "upsert"; readonly firstName: string }
  | { readonly kind: "delete"; readonly id: string }
  | { readonly kind: "updateFields"; readonly id: string; readonly city: string }
  | { readonly kind: "clearField"; readonly id: string }
  | { readonly kind: "addTags"; readonly id: string; readonly tag: string }
  | { readonly kind: "removeTag"; readonly id: string; readonly tag: string }
  | { readonly kind: "search" }

/** What an applied step makes of a contact. An id that is not the contact's own reaches nothing. */
const apply = (step: Step, possible: Possible): Possible => {
  if (step.kind === "search") return possible
  if (step.kind === "upsert") {
    return possible === undefined
      ? { id: "?", firstName: step.firstName, city: undefined, tags: [] }
      : { ...possible, firstName: step.firstName }
  }
  if (possible === undefined || possible.id !== step.id) return possible
  switch (step.kind) {
    case "delete":
      return undefined
    case "updateFields":
      return { ...possible, city: step.city }
    case "clearField":
      return { ...possible, city: undefined }
    case "addTags":
      return { ...possible, tags: [...possible.tags.filter((name) => name !== step.tag), step.tag].toSorted() }
    default:
      return { ...possible, tags: possible.tags.filter((name) => name !== step.tag) }
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

export const fromContact = (contact: Contact | undefined): Possible =>
  contact && {
    id: contact.id,
    firstName: contact.firstName,
    city: textOf(contact.fields?.["city"]),
    tags: (contact.tags ?? []).map(({ name }) => name).toSorted()
  }

const keyOf = (possible: Possible): string => JSON.stringify(possible ?? null)

const isSame = (actual: Possible, possible: Possible): boolean =>
  keyOf(actual) === keyOf(actual && possible?.id === "?" ? { ...possible, id: actual.id } : possible)

export class PhoneModel {
  /** The id that operations use: the last one that was told. */
  id: string | undefined = undefined
  private readonly forgotten = new Set<string>()
  private possible: ReadonlyArray<Possible> = [undefined]

  get isGone(): boolean {
    return this.possible.length === 1 && this.possible[0] === undefined
  }

  get isCertain(): boolean {
    return this.possible.length === 1 && this.possible[0]?.id !== "?"
  }

  /** Takes in how a call ended. */
  end(step: Step, outcome: Outcome): void {
    const applied = this.possible.map((each) => apply(step, each))
    if (outcome === "not-applied") return
    const next = outcome === "applied" ? applied : [...this.possible, ...applied]
    this.possible = [...new Map(next.map((each) => [keyOf(each), each])).values()]
  }

  /** Takes in what the server shows: it must be possible, and then it is all that is. */
  see(actual: Possible, what: string): void {
    assert.isTrue(
      this.possible.some((each) => isSame(actual, each)),
      `${what}: ${keyOf(actual)} is none of ${this.possible.map(keyOf).join(" ")}`
    )
    if (actual !== undefined) {
      assert.isFalse(this.forgotten.has(actual.id), `${what}: ${actual.id} came back`)
      if (this.id !== undefined && this.id !== actual.id) this.forgotten.add(this.id)
      this.id = actual.id
    }
    this.possible = [actual]
  }
}

/** How an error is counted. */
export const labelOf = (error: AgentalkError): string => `${error._tag} ${error.outcome}`
