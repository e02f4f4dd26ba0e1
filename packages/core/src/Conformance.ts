/**
 * Checks that every implementation of `Contacts` must pass: your own stub, test double or decorator, and the API
 * itself.
 *
 * The checks need `Contacts` and no test framework. Each check uses two phone numbers of its own, from the range that
 * is reserved for fiction (+1 202 555 0100 to 0199). It deletes its contacts when it ends, also after a failure or an
 * interruption. If a contact with one of its numbers already exists, the check fails and changes nothing.
 *
 * The checks compare only the id of a contact that a write returns, because a response may omit the rest. They do not
 * cover input that the types exclude, such as a search without a name and a phone.
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
import { callOperation } from "./internal/callOperation.ts"
import { factsOf, operationNames } from "./internal/operation.ts"
import { digitsOf } from "./internal/wire/text.ts"
import { operations } from "./Operations.ts"

/**
 * A check failed: the implementation does not behave as `Contacts` requires.
 *
 * @category errors
 * @since 0.1.0
 */
export class Failure extends Schema.TaggedError<Failure>("@agentalk/core/Conformance/Failure")("ConformanceFailure", {
  /** The expected and the actual value, or the error of a call that failed. */
  message: Schema.String
}) {}

/**
 * One check.
 *
 * @category models
 * @since 0.1.0
 */
export interface Check {
  /** The behavior that the check requires, for use as a test name. */
  readonly name: string
  /** Runs the check. */
  readonly check: Effect.Effect<void, Failure, Contacts>
}

// --- expectations -------------------------------------------------------------------------------------------------

const fail = (message: string) => Effect.fail(new Failure({ message }))

const expect = (holds: boolean, message: string): Effect.Effect<void, Failure> => (holds ? Effect.void : fail(message))

const expectEqual = (label: string, actual: unknown, expected: unknown): Effect.Effect<void, Failure> =>
  expect(
    Equal.equals(actual, expected),
    `${label}: expected ${JSON.stringify(expected)}, but found ${JSON.stringify(actual)}`
  )

const tagNamesOf = (contact: Contact): ReadonlyArray<string> => (contact.tags ?? []).map(({ name }) => name)

const expectTags = (contact: Contact, present: ReadonlyArray<string>, absent: ReadonlyArray<string> = []) => {
  const names = tagNamesOf(contact)
  return Effect.all([
    ...present.map((tag) =>
      expect(names.filter((name) => name === tag).length === 1, `expected the tag "${tag}" exactly once`)
    ),
    ...absent.map((tag) => expect(!names.includes(tag), `expected no tag "${tag}"`))
  ])
}

/** Compares fields. `null` and a missing key both mean that a field has no value. */
const expectFields = ({ fields = {} }: Contact, expected: Readonly<Record<string, Schema.Json>>) =>
  Effect.forEach(Object.keys(expected), (key) =>
    expectEqual(`the field ${key}`, (Object.hasOwn(fields, key) ? fields[key] : undefined) ?? null, expected[key])
  )

/** Compares the contact that a write returned, if it returned one. */
const expectId = (returned: Option.Option<Contact>, id: string) =>
  Option.match(returned, { onNone: () => Effect.void, onSome: (contact) => expectEqual("the id", contact.id, id) })

const expectNotFound = (label: string, call: Effect.Effect<unknown, AgentalkError>) =>
  Effect.matchEffect(call, {
    onFailure: ({ _tag, outcome }) => expectEqual(label, [_tag, outcome], ["NotFound", "not-applied"]),
    onSuccess: () => fail(`${label}: expected NotFound, but the call succeeded`)
  })

/** Expects `Validation` before a request is sent, with its first issue at the key `path`. */
const expectInvalid = (label: string, call: Effect.Effect<unknown, AgentalkError>, path: string) =>
  Effect.matchEffect(call, {
    onFailure: (error) => {
      if (error._tag !== "Validation") return fail(`${label}: expected Validation, but found ${error._tag}`)
      return Effect.andThen(
        expectEqual(`${label}: source`, error.source, "client"),
        expectEqual(`${label}: path and outcome`, [error.issues[0]?.path[0], error.outcome], [path, "not-applied"])
      )
    },
    onSuccess: () => fail(`${label}: expected Validation, but the call succeeded`)
  })

// --- running a check ----------------------------------------------------------------------------------------------

interface Fixture {
  readonly contacts: Contacts["Service"]
  /** Two phone numbers that only this check uses. */
  readonly phones: readonly [string, string]
  /** A last name that only this check uses. */
  readonly lastName: string
  /** Upserts a contact. Its phone is the first of `phones` by default. */
  readonly upsert: (
    values: Omit<UpsertInput, "phone">,
    phone?: string
  ) => Effect.Effect<{ contact: Contact; isNew: boolean }, AgentalkError>
  /** The contact with the first of `phones`, as a search finds it. */
  readonly read: Effect.Effect<Contact, AgentalkError | Failure>
}

const findByPhone = (contacts: Contacts["Service"], phone: string) =>
  Effect.map(contacts.search({ phone }), (page) =>
    page.contacts.filter((contact) => digitsOf(contact.phone ?? "") === digitsOf(phone))
  )

/** Deletes the contacts of a check: those with known ids, and those that a search by phone finds. */
const deleteAll = Effect.fnUntraced(function* (
  contacts: Contacts["Service"],
  phones: ReadonlyArray<string>,
  ids: Set<string>
) {
  for (const phone of phones) {
    const found = yield* Effect.orElseSucceed(findByPhone(contacts, phone), () => [])
    for (const { id } of found) ids.add(id)
  }
  const notDeleted: Array<string> = []
  for (const id of ids) {
    const deleted = Effect.catchTag(contacts.delete(id), "NotFound", () => Effect.void)
    yield* Effect.catch(deleted, () => Effect.sync(() => notDeleted.push(id)))
  }
  yield* expect(
    notDeleted.length === 0,
    `contacts of this check could not be deleted; delete them yourself: ${notDeleted.join(", ")}`
  )
})

const phoneAt = (n: number): string => `+1202555${String(100 + n).padStart(4, "0")}`

type Body = (fixture: Fixture) => Effect.Effect<void, AgentalkError | Failure>

const run = Effect.fnUntraced(function* (index: number, body: Body) {
  const contacts = yield* Contacts
  const phones = [phoneAt(2 * index), phoneAt(2 * index + 1)] as const
  const ids = new Set<string>()
  for (const phone of phones) {
    const found = yield* findByPhone(contacts, phone)
    yield* expect(found.length === 0, `a contact with the phone ${phone} already exists, so the check did not start`)
  }
  const fixture: Fixture = {
    contacts,
    phones,
    lastName: `Conformance-${index}`,
    upsert: (values, phone = phones[0]) =>
      Effect.tap(contacts.upsert({ phone, ...values }), ({ contact }) => Effect.sync(() => ids.add(contact.id))),
    read: Effect.flatMap(findByPhone(contacts, phones[0]), ([contact, ...others]) =>
      contact !== undefined && others.length === 0
        ? Effect.succeed(contact)
        : fail(
            `expected one contact from a search by phone, but found ${contact === undefined ? 0 : others.length + 1}`
          )
    )
  }
  yield* Effect.acquireUseRelease(
    Effect.void,
    () => body(fixture),
    () => deleteAll(contacts, phones, ids)
  )
})

// --- the checks ---------------------------------------------------------------------------------------------------

/** Used as a tag and as a field key. Its characters have special meanings in URLs. */
const urlCharacters = "a/b %2F ü ?#&"

const bodies: Readonly<Record<string, Body>> = {
  "upsert creates a contact and returns isNew: true": Effect.fnUntraced(function* ({ lastName, read, upsert }) {
    const values = { firstName: "Jane", lastName, email: "jane@example.com" }
    const { contact, isNew } = yield* upsert({ ...values, tags: ["one", "two"], fields: { city: "Lisbon" } })
    yield* expectEqual("isNew", isNew, true)
    const found = yield* read
    yield* expectEqual("the id", found.id, contact.id)
    const { email, firstName } = found
    yield* expectEqual("the names and the e-mail", { firstName, lastName: found.lastName, email }, values)
    yield* expectTags(found, ["one", "two"])
    yield* expectFields(found, { city: "Lisbon" })
  }),

  "upsert updates the contact whose phone has the same digits and keeps omitted values": Effect.fnUntraced(function* ({
    lastName,
    phones,
    read,
    upsert
  }) {
    const first = yield* upsert({ firstName: "Jane", lastName, tags: ["one"], fields: { city: "Lisbon", seats: 1 } })
    const formatted = phones[0].replace(/^\+1(\d{3})(\d{3})/, "1 ($1) $2-")
    const second = yield* upsert(
      { firstName: "Joan", email: undefined, tags: ["two"], fields: { seats: 2 } },
      formatted
    )
    yield* expectEqual(
      "the id and isNew of the second upsert",
      [second.contact.id, second.isNew],
      [first.contact.id, false]
    )
    const found = yield* read
    yield* expectEqual("the names", [found.firstName, found.lastName], ["Joan", lastName])
    yield* expectTags(found, ["one", "two"])
    yield* expectFields(found, { city: "Lisbon", seats: 2 })
  }),

  "upsert stores text and JSON unchanged": Effect.fnUntraced(function* ({ read, upsert }) {
    const fields = { text: '"Žoë" 👩‍👧', number: -1.5, flag: false, list: [1, "two"], deep: { größe: { m: null } } }
    yield* upsert({ firstName: "Žoë 👩‍👧", tags: [urlCharacters], fields })
    const found = yield* read
    yield* expectEqual("the first name", found.firstName, "Žoë 👩‍👧")
    yield* expectTags(found, [urlCharacters])
    yield* expectFields(found, fields)
  }),

  "updateFields sets the given fields and keeps the others": Effect.fnUntraced(function* ({ contacts, read, upsert }) {
    const { id } = (yield* upsert({ fields: { city: "Lisbon", seats: 1 } })).contact
    yield* expectId(yield* contacts.updateFields(id, { seats: 2, plan: "pro" }), id)
    yield* expectFields(yield* read, { city: "Lisbon", seats: 2, plan: "pro" })
  }),

  "clearField clears one built-in or custom field": Effect.fnUntraced(function* ({ contacts, lastName, read, upsert }) {
    const values = { firstName: "Jane", lastName, email: "jane@example.com" }
    const { id } = (yield* upsert({ ...values, fields: { city: "Lisbon", seats: 1, [urlCharacters]: 1 } })).contact
    yield* expectId(yield* contacts.clearField(id, "email"), id)
    yield* expectId(yield* contacts.clearField(id, "city"), id)
    yield* contacts.clearField(id, urlCharacters)
    const found = yield* read
    yield* expectEqual(
      "the names and the e-mail",
      [found.firstName, found.lastName, found.email ?? null],
      ["Jane", lastName, null]
    )
    yield* expectFields(found, { city: null, seats: 1, [urlCharacters]: null })
  }),

  "addTags adds each tag once and keeps the others": Effect.fnUntraced(function* ({ contacts, read, upsert }) {
    const { id } = (yield* upsert({ tags: ["one"] })).contact
    yield* expectId(yield* contacts.addTags(id, ["two", urlCharacters]), id)
    yield* contacts.addTags(id, ["two", "three"])
    yield* expectTags(yield* read, ["one", "two", "three", urlCharacters])
  }),

  "removeTag removes one tag by name or id": Effect.fnUntraced(function* ({ contacts, read, upsert }) {
    const { id } = (yield* upsert({ tags: ["one", "two", "three", urlCharacters] })).contact
    yield* expectId(yield* contacts.removeTag(id, "two"), id)
    yield* contacts.removeTag(id, urlCharacters)
    const found = yield* read
    yield* expectTags(found, ["one", "three"], ["two", urlCharacters])
    const three = found.tags?.find(({ name }) => name === "three")
    // A response may omit the ids of tags.
    if (three?.id === undefined) return
    yield* contacts.removeTag(id, three.id)
    yield* expectTags(yield* read, ["one"], ["three"])
  }),

  "delete removes the contact and frees its phone": Effect.fnUntraced(function* ({ contacts, phones, upsert }) {
    const { contact } = yield* upsert({ firstName: "Jane", tags: ["one"] })
    yield* contacts.delete(contact.id.toUpperCase())
    yield* expectEqual("contacts found after delete", (yield* findByPhone(contacts, phones[0])).length, 0)
    const second = yield* upsert({ lastName: "Doe" })
    yield* expectEqual("isNew", second.isNew, true)
    yield* expectEqual("the first name", second.contact.firstName ?? null, null)
  }),

  "calls on a missing contact fail with NotFound": Effect.fnUntraced(function* ({ contacts, upsert }) {
    const { id } = (yield* upsert({ tags: ["one"], fields: { city: "Lisbon" } })).contact
    yield* contacts.delete(id)
    for (const operation of operationNames.filter((name) => factsOf(name).namesContact)) {
      yield* expectNotFound(operation, callOperation(contacts, operation, { ...operations[operation].sample, id }))
    }
  }),

  "search finds contacts by phone, by part of a name, and by both": Effect.fnUntraced(function* (fixture) {
    const { contacts, lastName, phones, upsert } = fixture
    const firstName = `Jane-of-${lastName}`
    const jane = (yield* upsert({ firstName, lastName })).contact.id
    const joe = (yield* upsert({ firstName: "Joe", lastName }, phones[1])).contact.id
    const find = (query: Parameters<typeof contacts.search>[0]) =>
      Effect.map(contacts.search(query), (page) => page.contacts.map(({ id }) => id).toSorted())
    yield* expectEqual("by phone", yield* find({ phone: phones[1] }), [joe])
    yield* expectEqual("by name", yield* find({ name: lastName }), [jane, joe].toSorted())
    yield* expectEqual("by first name", yield* find({ name: firstName }), [jane])
    yield* expectEqual("by part of a name", yield* find({ name: lastName.slice(1) }), [jane, joe].toSorted())
    yield* expectEqual("by name and phone", yield* find({ name: lastName, phone: phones[0] }), [jane])
    yield* expectEqual("by a name that no contact has", yield* find({ name: `${lastName}-nobody` }), [])
  }),

  "search returns pages": Effect.fnUntraced(function* ({ contacts, lastName, phones, upsert }) {
    const ids = [(yield* upsert({ lastName })).contact.id, (yield* upsert({ lastName }, phones[1])).contact.id]
    const page = (offset: number) => contacts.search({ name: lastName, limit: 1, offset })
    const pages = [yield* page(0), yield* page(1), yield* page(2)]
    const sizes = pages.map((page) => page.contacts.length)
    yield* expectEqual("the sizes of three pages", sizes, [1, 1, 0])
    const found = pages.flatMap((page) => page.contacts.map(({ id }) => id))
    yield* expectEqual("the contacts on the pages", found.toSorted(), ids.toSorted())
    // A response may omit the total.
    const totals = pages.flatMap(({ total }) => Option.toArray(total))
    yield* expectEqual(
      "the totals",
      totals,
      totals.map(() => 2)
    )
  }),

  "invalid input fails with Validation and is not sent": Effect.fnUntraced(function* ({ contacts, read, upsert }) {
    const { id } = (yield* upsert({ firstName: "Jane", tags: ["one"] })).contact
    yield* expectInvalid("a phone without digits", upsert({}, "call me"), "phone")
    yield* expectInvalid("an e-mail without a domain", upsert({ firstName: "Joan", email: "jane" }), "email")
    yield* expectInvalid("a blank tag", contacts.addTags(id, ["two", " "]), "tags")
    yield* expectInvalid("an id that is not a UUID", contacts.delete("jane"), "id")
    yield* expectInvalid("a tag that starts with ../", contacts.removeTag(id, "../one"), "tagIdOrName")
    yield* expectInvalid("an empty key", contacts.clearField(id, ""), "key")
    yield* expectInvalid("a field with an empty key", contacts.updateFields(id, { "": 1 }), "fields")
    yield* expectInvalid("a field value of NaN", contacts.updateFields(id, { seats: NaN }), "fields")
    yield* expectInvalid("an empty name", contacts.search({ name: "" }), "name")
    yield* expectInvalid("a page size of 0", contacts.search({ name: "Jane", limit: 0 }), "limit")
    const found = yield* read
    yield* expectEqual("the first name", found.firstName, "Jane")
    yield* expectTags(found, ["one"], ["two"])
  })
}

const toFailure = (error: AgentalkError | Failure): Failure =>
  error._tag === "ConformanceFailure"
    ? error
    : new Failure({ message: `a call failed with ${error._tag}: ${error.message}` })

/**
 * All checks, with the basic ones first.
 *
 * **Example** (Check a decorator of your own)
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
 *     delete: (id: string) => Effect.andThen(Effect.logInfo("deleting a contact"), contacts.delete(id))
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
  check: Effect.mapError(run(index, body), toFailure)
}))
