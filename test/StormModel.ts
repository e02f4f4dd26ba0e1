/**
 * The states that the server may hold for one phone, as far as its only writer can know. A call with a known outcome
 * changes every possible state. A call with an unknown outcome keeps the old states and adds the changed ones.
 */
import type { AgentalkError, Contact, Outcome } from "@agentalk/core"
import { assert } from "@effect/vitest"

/** A contact in the model. `id` is `?` until a response shows the id of a new contact. */
interface ModelContact {
  readonly id: string
  readonly firstName: string | undefined
  readonly city: string | undefined
  readonly tags: ReadonlyArray<string>
}

/** One contact, or `undefined` if there is none. */
export type PossibleState = ModelContact | undefined

export type Step =
  | { readonly kind: "upsert"; readonly firstName: string }
  | { readonly kind: "delete"; readonly id: string }
  | { readonly kind: "updateFields"; readonly id: string; readonly city: string }
  | { readonly kind: "clearField"; readonly id: string }
  | { readonly kind: "addTags"; readonly id: string; readonly tag: string }
  | { readonly kind: "removeTag"; readonly id: string; readonly tag: string }
  | { readonly kind: "search" }

/** Applies a step to a possible state. A step with the id of another contact changes nothing. */
const applyStep = (step: Step, state: PossibleState): PossibleState => {
  if (step.kind === "search") return state
  if (step.kind === "upsert") {
    return state === undefined
      ? { id: "?", firstName: step.firstName, city: undefined, tags: [] }
      : { ...state, firstName: step.firstName }
  }
  if (state === undefined || state.id !== step.id) return state
  switch (step.kind) {
    case "delete":
      return undefined
    case "updateFields":
      return { ...state, city: step.city }
    case "clearField":
      return { ...state, city: undefined }
    case "addTags":
      return { ...state, tags: [...state.tags.filter((name) => name !== step.tag), step.tag].toSorted() }
    default:
      return { ...state, tags: state.tags.filter((name) => name !== step.tag) }
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

export const fromContact = (contact: Contact | undefined): PossibleState =>
  contact && {
    id: contact.id,
    firstName: contact.firstName,
    city: textOf(contact.fields?.["city"]),
    tags: (contact.tags ?? []).map(({ name }) => name).toSorted()
  }

const keyOf = (state: PossibleState): string => JSON.stringify(state ?? null)

const isSame = (actual: PossibleState, state: PossibleState): boolean =>
  keyOf(actual) === keyOf(actual && state?.id === "?" ? { ...state, id: actual.id } : state)

export class PhoneModel {
  /** The id that the next step uses: the last one that a response or the server showed. */
  id: string | undefined = undefined
  private readonly replacedIds = new Set<string>()
  private states: ReadonlyArray<PossibleState> = [undefined]

  get isAbsent(): boolean {
    return this.states.length === 1 && this.states[0] === undefined
  }

  get isCertain(): boolean {
    return this.states.length === 1 && this.states[0]?.id !== "?"
  }

  /** Updates the possible states after a call. */
  applyOutcome(step: Step, outcome: Outcome): void {
    const applied = this.states.map((each) => applyStep(step, each))
    if (outcome === "not-applied") return
    const next = outcome === "applied" ? applied : [...this.states, ...applied]
    this.states = [...new Map(next.map((each) => [keyOf(each), each])).values()]
  }

  /** Checks that an observed state is possible. From then on, it is the only possible state. */
  observe(actual: PossibleState, where: string): void {
    assert.isTrue(
      this.states.some((each) => isSame(actual, each)),
      `${where}: ${keyOf(actual)} is not among the possible states ${this.states.map(keyOf).join(" ")}`
    )
    if (actual !== undefined) {
      assert.isFalse(this.replacedIds.has(actual.id), `${where}: the replaced id ${actual.id} exists again`)
      if (this.id !== undefined && this.id !== actual.id) this.replacedIds.add(this.id)
      this.id = actual.id
    }
    this.states = [actual]
  }
}

/** The name under which the storm counts an error. */
export const labelOf = (error: AgentalkError): string => `${error._tag} ${error.outcome}`
