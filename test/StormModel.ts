/**
 * The states that the server may hold for one phone, as far as its only writer can know. A call with a known outcome
 * changes every possible state. A call with an unknown outcome keeps the old states and adds the changed ones.
 */
import type { AgentalkError, Contact, Operation, Outcome } from "@agentalk/core"
import { assert } from "@effect/vitest"
import { factsOf, operationNames } from "../packages/core/src/internal/operation.ts"

/** A contact in the model. `id` is `?` until a response shows the id of a new contact. */
interface ModelContact {
  readonly id: string
  readonly firstName: string | undefined
  readonly city: string | undefined
  readonly tags: ReadonlyArray<string>
}

/** One contact, or `undefined` if there is none. */
export type PossibleState = ModelContact | undefined

/** The values of a step, by the keys of the operations' inputs. Each operation uses the values that belong to its input. */
interface Values {
  readonly id: string
  readonly phone: string
  readonly firstName: string
  readonly fields: { readonly city: string }
  readonly key: "city"
  readonly tags: readonly [string]
  readonly tagIdOrName: string
}

/** One call of the storm. */
export interface Step {
  readonly operation: Operation
  readonly values: Values
}

const newContact: ModelContact = { id: "?", firstName: undefined, city: undefined, tags: [] }

const without = (tags: ReadonlyArray<string>, tag: string): ReadonlyArray<string> => tags.filter((name) => name !== tag)
const withTag = (tags: ReadonlyArray<string>, tag: string) => [...without(tags, tag), tag].toSorted()

/** The effect of each write on its contact. */
const effects: { readonly [K in Operation]?: (contact: ModelContact, values: Values) => PossibleState } = {
  upsert: (contact, { fields, firstName, tags: [tag] }) => ({
    ...contact,
    firstName,
    city: fields.city,
    tags: withTag(contact.tags, tag)
  }),
  delete: () => undefined,
  updateFields: (contact, { fields }) => ({ ...contact, city: fields.city }),
  clearField: (contact) => ({ ...contact, city: undefined }),
  addTags: (contact, { tags: [tag] }) => ({ ...contact, tags: withTag(contact.tags, tag) }),
  removeTag: (contact, { tagIdOrName }) => ({ ...contact, tags: without(contact.tags, tagIdOrName) })
}

/** The operations that the storm calls: all that only read, and the writes in `effects`. */
export const modelled = operationNames.filter((operation) => factsOf(operation).isReadOnly || operation in effects)

/** The operations that the storm leaves out, because `effects` does not contain them. */
export const leftOut = operationNames.filter((operation) => !modelled.includes(operation))

/** Applies a step to a possible state. A step with the id of another contact changes nothing. */
const applyStep = ({ operation, values }: Step, state: PossibleState): PossibleState => {
  const effect = effects[operation]
  if (effect === undefined) return state
  if (factsOf(operation).namesContact && state?.id !== values.id) return state
  return effect(state ?? newContact, values)
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
