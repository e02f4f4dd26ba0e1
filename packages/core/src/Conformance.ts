/**
 * What any `Contacts` must do, as checks with a name each: for a double, a stub or a decorator of your own, and for the
 * API itself.
 *
 * The checks know no test framework and need nothing but `Contacts`. Each works on two contacts of its own, with numbers
 * that are reserved for fiction (+1 202 555 0100 to 0199), and deletes what it has made, however it ends. Where somebody
 * has a contact with such a number, nothing is touched.
 *
 * They do not look into what a write answers beyond the contact's id, for an answer may be terse, nor send what types
 * rule out, such as a query for nothing.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AgentalkError } from "./AgentalkError.ts"
import type { Contact, UpsertInput } from "./Contact.ts"
import { Contacts } from "./Contacts.ts"

/**
 * What a `Contacts` does not do as it must.
 *
 * @category errors
 * @since 0.1.0
 */
export class Failure extends Schema.TaggedError<Failure>("@agentalk/core/Conformance/Failure")("ConformanceFailure", {
  /** What was expected, and what was found instead. */
  message: Schema.String
}) {}

/**
 * One check.
 *
 * @category models
 * @since 0.1.0
 */
export interface Check {
  /** What must hold, for the name of a test. */
  readonly name: string
  readonly check: Effect.Effect<void, Failure, Contacts>
}

// --- what a check works with --------------------------------------------------------------------------------------

type Person = Omit<UpsertInput, "phone">

interface Subject {
  readonly contacts: Contacts["Service"]
  /** Two numbers, and a last name that only the contacts of this check have. */
  readonly phones: readonly [string, string]
  readonly lastName: string
  /** Upserts the contact with the first of the numbers, or with another. */
  readonly upsert: (
    person: Person,
    phone?: string
  ) => Effect.Effect<{ contact: Contact; isNew: boolean }, AgentalkError>
  /** The contact with the first of the numbers, as a search finds it. */
  readonly read: Effect.Effect<Contact, AgentalkError | Failure>
}

const fail = (message: string) => Effect.fail(new Failure({ message }))

const expect = (holds: boolean, message: string): Effect.Effect<void, Failure> => (holds ? Effect.void : fail(message))

const expectEqual = (what: string, actual: unknown, expected: unknown): Effect.Effect<void, Failure> =>
  expect(
    Equal.equals(actual, expected),
    `${what}: expected ${JSON.stringify(expected)}, but found ${JSON.stringify(actual)}`
  )

const digitsOf = (phone: string | undefined): string => (phone ?? "").replace(/\D/g, "")

const withPhone = (contacts: Contacts["Service"], phone: string) =>
  Effect.map(contacts.search({ phone }), (page) =>
    page.contacts.filter((contact) => digitsOf(contact.phone) === digitsOf(phone))
  )

/** Deletes what a check has made: what it knows of, and what a search finds. */
const cleanUp = Effect.fnUntraced(function* (
  contacts: Contacts["Service"],
  phones: ReadonlyArray<string>,
  ids: Set<string>
) {
  for (const phone of phones) {
    const found = yield* Effect.orElseSucceed(withPhone(contacts, phone), () => [])
    for (const { id } of found) ids.add(id)
  }
  const left: Array<string> = []
  for (const id of ids) {
    const deleted = Effect.catchTag(contacts.delete(id), "NotFound", () => Effect.void)
    yield* Effect.catch(deleted, () => Effect.sync(() => left.push(id)))
  }
  yield* expect(left.length === 0, `could not be deleted, and is left behind: ${left.join(", ")}`)
})

const phoneOf = (n: number): string => `+1202555${String(100 + n).padStart(4, "0")}`

const run = Effect.fnUntraced(function* (
  index: number,
  body: (subject: Subject) => Effect.Effect<void, AgentalkError | Failure>
) {
  const contacts = yield* Contacts
  const phones = [phoneOf(2 * index), phoneOf(2 * index + 1)] as const
  const ids = new Set<string>()
  for (const phone of phones) {
    const found = yield* withPhone(contacts, phone)
    yield* expect(found.length === 0, `a contact with the number ${phone} exists already, so nothing was touched`)
  }
  const subject: Subject = {
    contacts,
    phones,
    lastName: `Conformance-${index}`,
    upsert: (person, phone = phones[0]) =>
      Effect.tap(contacts.upsert({ phone, ...person }), ({ contact }) => Effect.sync(() => ids.add(contact.id))),
    read: Effect.flatMap(withPhone(contacts, phones[0]), ([contact, ...others]) =>
      contact !== undefined && others.length === 0
        ? Effect.succeed(contact)
        : fail(`a search by phone finds ${contact === undefined ? 0 : others.length + 1} contacts instead of one`)
    )
  }
  yield* Effect.acquireUseRelease(
    Effect.void,
    () => body(subject),
    () => cleanUp(contacts, phones, ids)
  )
})

const tagsOf = (contact: Contact): ReadonlyArray<string> => (contact.tags ?? []).map(({ name }) => name)

const expectTags = (contact: Contact, has: ReadonlyArray<string>, lacks: ReadonlyArray<string> = []) => {
  const tags = tagsOf(contact)
  return Effect.all([
    ...has.map((tag) => expect(tags.filter((name) => name === tag).length === 1, `expected the tag ${tag} once`)),
    ...lacks.map((tag) => expect(!tags.includes(tag), `expected no tag ${tag}`))
  ])
}

/** `null` and absence are the same: a field without a value. */
const expectFields = ({ fields = {} }: Contact, expected: Readonly<Record<string, Schema.Json>>) =>
  Effect.forEach(Object.keys(expected), (key) =>
    expectEqual(`the field ${key}`, (Object.hasOwn(fields, key) ? fields[key] : undefined) ?? null, expected[key])
  )

/** What a write gave is the contact that it was about, where it gave one. */
const expectSame = (given: Option.Option<Contact>, id: string) =>
  Option.match(given, { onNone: () => Effect.void, onSome: (contact) => expectEqual("the id", contact.id, id) })

const expectMissing = (what: string, call: Effect.Effect<unknown, AgentalkError>) =>
  Effect.matchEffect(call, {
    onFailure: ({ _tag, outcome }) => expectEqual(what, [_tag, outcome], ["NotFound", "not-applied"]),
    onSuccess: () => fail(`${what}: expected NotFound, but it succeeded`)
  })

const expectRefused = (what: string, call: Effect.Effect<unknown, AgentalkError>, path: string) =>
  Effect.matchEffect(call, {
    onFailure: (error) =>
      error._tag === "Validation" && error.source === "client"
        ? expectEqual(
            `${what}: where, and the outcome`,
            [error.issues[0]?.path[0], error.outcome],
            [path, "not-applied"]
          )
        : fail(`${what}: expected Validation by the client, but found ${error._tag}`),
    onSuccess: () => fail(`${what}: expected Validation, but it succeeded`)
  })

// --- the checks ---------------------------------------------------------------------------------------------------

const odd = "a/b %2F ü ?#&"

const bodies: Readonly<Record<string, (subject: Subject) => Effect.Effect<void, AgentalkError | Failure>>> = {
  "upsert creates a contact, and says that it is new": Effect.fnUntraced(function* ({ lastName, read, upsert }) {
    const names = { firstName: "Jane", lastName, email: "jane@example.com" }
    const { contact, isNew } = yield* upsert({ ...names, tags: ["one", "two"], fields: { city: "Lisbon" } })
    yield* expectEqual("isNew", isNew, true)
    const found = yield* read
    yield* expectEqual("the id", found.id, contact.id)
    const { email, firstName } = found
    yield* expectEqual("the names", { firstName, lastName: found.lastName, email }, names)
    yield* expectTags(found, ["one", "two"])
    yield* expectFields(found, { city: "Lisbon" })
  }),

  "upsert updates the contact with the same digits, and leaves what it does not name": Effect.fnUntraced(function* ({
    lastName,
    phones,
    read,
    upsert
  }) {
    const first = yield* upsert({ firstName: "Jane", lastName, tags: ["one"], fields: { city: "Lisbon", seats: 1 } })
    const spelt = phones[0].replace(/^\+1(\d{3})(\d{3})/, "1 ($1) $2-")
    const second = yield* upsert({ firstName: "Joan", email: undefined, tags: ["two"], fields: { seats: 2 } }, spelt)
    yield* expectEqual("the second time", [second.contact.id, second.isNew], [first.contact.id, false])
    const found = yield* read
    yield* expectEqual("the names", [found.firstName, found.lastName], ["Joan", lastName])
    yield* expectTags(found, ["one", "two"])
    yield* expectFields(found, { city: "Lisbon", seats: 2 })
  }),

  "text and JSON come back as they were sent": Effect.fnUntraced(function* ({ read, upsert }) {
    const fields = { text: '"Žoë" 👩‍👧', number: -1.5, flag: false, list: [1, "two"], deep: { größe: { m: null } } }
    yield* upsert({ firstName: "Žoë 👩‍👧", tags: [odd], fields })
    const found = yield* read
    yield* expectEqual("the first name", found.firstName, "Žoë 👩‍👧")
    yield* expectTags(found, [odd])
    yield* expectFields(found, fields)
  }),

  "updateFields sets the fields it names, and keeps the others": Effect.fnUntraced(function* (subject) {
    const { id } = (yield* subject.upsert({ fields: { city: "Lisbon", seats: 1 } })).contact
    yield* expectSame(yield* subject.contacts.updateFields(id, { seats: 2, plan: "pro" }), id)
    yield* expectFields(yield* subject.read, { city: "Lisbon", seats: 2, plan: "pro" })
  }),

  "clearField clears one field, built-in or custom": Effect.fnUntraced(function* ({
    contacts,
    lastName,
    read,
    upsert
  }) {
    const names = { firstName: "Jane", lastName, email: "jane@example.com" }
    const { id } = (yield* upsert({ ...names, fields: { city: "Lisbon", seats: 1, [odd]: 1 } })).contact
    yield* expectSame(yield* contacts.clearField(id, "email"), id)
    yield* expectSame(yield* contacts.clearField(id, "city"), id)
    yield* contacts.clearField(id, odd)
    const found = yield* read
    yield* expectEqual("the names", [found.firstName, found.lastName, found.email ?? null], ["Jane", lastName, null])
    yield* expectFields(found, { city: null, seats: 1, [odd]: null })
  }),

  "addTags adds tags once, and takes none away": Effect.fnUntraced(function* ({ contacts, read, upsert }) {
    const { id } = (yield* upsert({ tags: ["one"] })).contact
    yield* expectSame(yield* contacts.addTags(id, ["two", odd]), id)
    yield* contacts.addTags(id, ["two", "three"])
    yield* expectTags(yield* read, ["one", "two", "three", odd])
  }),

  "removeTag takes one tag away, by its name or its id": Effect.fnUntraced(function* ({ contacts, read, upsert }) {
    const { id } = (yield* upsert({ tags: ["one", "two", "three", odd] })).contact
    yield* expectSame(yield* contacts.removeTag(id, "two"), id)
    yield* contacts.removeTag(id, odd)
    const found = yield* read
    yield* expectTags(found, ["one", "three"], ["two", odd])
    const three = found.tags?.find(({ name }) => name === "three")
    // Ids of tags are not told by every API.
    if (three?.id === undefined) return
    yield* contacts.removeTag(id, three.id)
    yield* expectTags(yield* read, ["one"], ["three"])
  }),

  "delete deletes, and the number is free again": Effect.fnUntraced(function* ({ contacts, phones, upsert }) {
    const { contact } = yield* upsert({ firstName: "Jane", tags: ["one"] })
    yield* contacts.delete(contact.id.toUpperCase())
    yield* expectEqual("found afterwards", (yield* withPhone(contacts, phones[0])).length, 0)
    const again = yield* upsert({ lastName: "Doe" })
    yield* expectEqual("isNew", again.isNew, true)
    yield* expectEqual("the first name", again.contact.firstName ?? null, null)
  }),

  "a contact that is missing is NotFound": Effect.fnUntraced(function* ({ contacts, upsert }) {
    const { id } = (yield* upsert({ tags: ["one"], fields: { city: "Lisbon" } })).contact
    yield* contacts.delete(id)
    yield* expectMissing("delete", contacts.delete(id))
    yield* expectMissing("updateFields", contacts.updateFields(id, { city: "Porto" }))
    yield* expectMissing("clearField", contacts.clearField(id, "city"))
    yield* expectMissing("addTags", contacts.addTags(id, ["two"]))
    yield* expectMissing("removeTag", contacts.removeTag(id, "one"))
  }),

  "search finds by phone, by a part of the name, and by both": Effect.fnUntraced(function* (subject) {
    const { contacts, lastName, phones, upsert } = subject
    const firstName = `Jane-of-${lastName}`
    const jane = (yield* upsert({ firstName, lastName })).contact.id
    const joe = (yield* upsert({ firstName: "Joe", lastName }, phones[1])).contact.id
    const find = (query: Parameters<typeof contacts.search>[0]) =>
      Effect.map(contacts.search(query), (page) => page.contacts.map(({ id }) => id).toSorted())
    yield* expectEqual("by phone", yield* find({ phone: phones[1] }), [joe])
    yield* expectEqual("by name", yield* find({ name: lastName }), [jane, joe].toSorted())
    yield* expectEqual("by first name", yield* find({ name: firstName }), [jane])
    yield* expectEqual("by a part of the name", yield* find({ name: lastName.slice(1) }), [jane, joe].toSorted())
    yield* expectEqual("by both", yield* find({ name: lastName, phone: phones[0] }), [jane])
    yield* expectEqual("of nobody", yield* find({ name: `${lastName}-nobody` }), [])
  }),

  "search gives pages": Effect.fnUntraced(function* ({ contacts, lastName, phones, upsert }) {
    const ids = [(yield* upsert({ lastName })).contact.id, (yield* upsert({ lastName }, phones[1])).contact.id]
    const page = (offset: number) => contacts.search({ name: lastName, limit: 1, offset })
    const pages = [yield* page(0), yield* page(1), yield* page(2)]
    const sizes = pages.map((one) => one.contacts.length)
    yield* expectEqual("the sizes of three pages", sizes, [1, 1, 0])
    const found = pages.flatMap((one) => one.contacts.map(({ id }) => id))
    yield* expectEqual("what the pages hold", found.toSorted(), ids.toSorted())
    const totals = pages.flatMap(({ total }) => Option.toArray(total))
    yield* expectEqual(
      "the totals, where they are told",
      totals,
      totals.map(() => 2)
    )
  }),

  "input that breaks a rule is refused before it is sent": Effect.fnUntraced(function* ({ contacts, read, upsert }) {
    const { id } = (yield* upsert({ firstName: "Jane", tags: ["one"] })).contact
    yield* expectRefused("a phone that is none", upsert({}, "call me"), "phone")
    yield* expectRefused("an e-mail that is none", upsert({ firstName: "Joan", email: "jane" }), "email")
    yield* expectRefused("a blank tag", contacts.addTags(id, ["two", " "]), "tags")
    yield* expectRefused("an id that is none", contacts.delete("jane"), "id")
    yield* expectRefused("a tag that is a step up", contacts.removeTag(id, "../one"), "tagIdOrName")
    yield* expectRefused("an empty key", contacts.clearField(id, ""), "key")
    yield* expectRefused("a key without a field", contacts.updateFields(id, { "": 1 }), "fields")
    yield* expectRefused("a number that JSON has not", contacts.updateFields(id, { seats: NaN }), "fields")
    yield* expectRefused("an empty name", contacts.search({ name: "" }), "name")
    yield* expectRefused("a page of nothing", contacts.search({ name: "Jane", limit: 0 }), "limit")
    const found = yield* read
    yield* expectEqual("the first name", found.firstName, "Jane")
    yield* expectTags(found, ["one"], ["two"])
  })
}

const ended = (error: AgentalkError | Failure): Failure =>
  error._tag === "ConformanceFailure"
    ? error
    : new Failure({ message: `a call ended with ${error._tag}: ${error.message}` })

/**
 * The checks, in the order in which a reader would ask.
 *
 * **Example** (A decorator of your own)
 *
 * ```ts
 * import { Conformance, Contacts, Sandbox } from "@agentalk/core"
 * import { describe, it } from "@effect/vitest"
 * import { Effect, Layer } from "effect"
 *
 * const audited = Layer.effect(
 *   Contacts,
 *   Effect.map(Contacts, (contacts) => ({
 *     ...contacts,
 *     delete: (id: string) => Effect.andThen(Effect.logInfo("a contact is deleted"), contacts.delete(id))
 *   }))
 * ).pipe(Layer.provide(Sandbox.layer))
 *
 * describe("audited", () => {
 *   for (const { check, name } of Conformance.checks) it.effect(name, () => Effect.provide(check, audited))
 * })
 * ```
 *
 * @category testing
 * @since 0.1.0
 */
export const checks: ReadonlyArray<Check> = Object.entries(bodies).map(([name, body], index) => ({
  name,
  check: Effect.mapError(run(index, body), ended)
}))
