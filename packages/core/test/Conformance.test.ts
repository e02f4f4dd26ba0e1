import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { ServerFault, Validation } from "../src/AgentalkError.ts"
import * as Conformance from "../src/Conformance.ts"
import { ContactId } from "../src/Contact.ts"
import { Contacts } from "../src/Contacts.ts"
import { factsOf, operationNames } from "../src/internal/operation.ts"
import * as Sandbox from "../src/Sandbox.ts"

type Api = Contacts["Service"]

const id = "5a4db0c5-0000-4000-8000-000000000001"
const succeedsWithNone = Effect.succeedNone
const emptyPage = Effect.succeed({ contacts: [], total: Option.none() })
const otherId = "5a4db0c5-0000-4000-8000-0000000000ff"
// The second phone of every check ends in an odd digit.
const secondPhone = /[13579]$/
const failWith = (operation: "upsert" | "delete") =>
  Effect.fail(new ServerFault({ operation, outcome: "unknown", message: "broken", status: 500 }))

const override = <A extends object, B extends object>(data: A, values: B): A & B => Object.assign({}, data, values)

/** Runs a check against the sandbox with some methods overridden. */
const runAgainst = (overrides: (api: Api) => Partial<Api>, check: Conformance.Check["check"]) =>
  Effect.gen(function* () {
    const api = yield* Contacts
    return yield* Effect.exit(Effect.provideService(check, Contacts, { ...api, ...overrides(api) }))
  })

const checkNamed = (part: string): Conformance.Check => {
  const [check, ...others] = Conformance.checks.filter(({ name }) => name.includes(part))
  assert.deepStrictEqual(others, [])
  return check!
}

const messageOf = (exit: Exit.Exit<void, Conformance.Failure>): string =>
  Exit.isFailure(exit)
    ? Cause.prettyErrors(exit.cause)
        .map(({ message }) => message)
        .join()
    : "passed"

// Each row breaks one behavior, names the check that must detect it, and gives a part of its message.
const broken: ReadonlyArray<
  readonly [defect: string, check: string, overrides: (api: Api) => Partial<Api>, message: string]
> = [
  [
    "search finds no contact",
    "upsert creates",
    () => ({ search: () => emptyPage }),
    "expected one contact from a search by phone, but found 0"
  ],
  [
    "isNew is always false",
    "upsert creates",
    (api) => ({
      upsert: (input) => Effect.map(api.upsert(input), (result) => override(result, { isNew: false }))
    }),
    "isNew: expected true, but found false"
  ],
  [
    "upsert drops the e-mail address",
    "upsert creates",
    (api) => ({
      upsert: (input) => api.upsert(override(input, { email: undefined }))
    }),
    "the names"
  ],
  [
    "upsert drops tags",
    "upsert creates",
    (api) => ({ upsert: (input) => api.upsert(override(input, { tags: undefined })) }),
    'expected the tag "one" exactly once'
  ],
  [
    "upsert drops fields",
    "upsert creates",
    (api) => ({ upsert: (input) => api.upsert(override(input, { fields: undefined })) }),
    "the field city"
  ],
  [
    "upsert returns another contact",
    "upsert creates",
    (api) => ({
      upsert: (input) =>
        Effect.map(api.upsert(input), (result) =>
          override(result, { contact: override(result.contact, { id: ContactId.make(otherId) }) })
        )
    }),
    "the id"
  ],
  [
    "search returns every contact twice",
    "upsert creates",
    (api) => ({
      search: (query) =>
        Effect.map(api.search(query), (page) => override(page, { contacts: [...page.contacts, ...page.contacts] }))
    }),
    "expected one contact from a search by phone, but found 2"
  ],
  [
    "upsert does not update names",
    "same digits",
    (api) => ({
      upsert: (input) => api.upsert(input.firstName === "Joan" ? override(input, { firstName: undefined }) : input)
    }),
    "the names"
  ],
  [
    "upsert replaces tags",
    "same digits",
    (api) => ({
      upsert: (input) =>
        Effect.tap(api.upsert(input), ({ contact, isNew }) =>
          isNew ? Effect.void : Effect.orDie(api.removeTag(contact.id, "one"))
        )
    }),
    'expected the tag "one" exactly once'
  ],
  [
    "upsert creates a contact for another phone format",
    "same digits",
    (api) => ({
      upsert: (input) =>
        api.upsert(override(input, { phone: input.phone.startsWith("1") ? `${input.phone}9` : input.phone }))
    }),
    "the id and isNew of the second upsert"
  ],
  [
    "upsert replaces fields",
    "same digits",
    (api) => ({
      upsert: (input) =>
        Effect.tap(api.upsert(input), ({ contact }) =>
          Effect.forEach(
            Object.keys(contact.fields ?? {}).filter((key) => !(key in (input.fields ?? {}))),
            (key) => api.clearField(contact.id, key)
          ).pipe(Effect.catchTag("NotFound", () => Effect.void))
        )
    }),
    "the field city"
  ],
  [
    "upsert drops characters outside ASCII",
    "stores text",
    (api) => ({
      upsert: (input) => api.upsert(override(input, { firstName: input.firstName?.replace(/[^ -~]/g, "") }))
    }),
    "the first name"
  ],
  [
    "upsert drops tags with URL characters",
    "stores text",
    (api) => ({ upsert: (input) => api.upsert(override(input, { tags: [] })) }),
    'expected the tag "a/b'
  ],
  [
    "upsert turns numbers into text",
    "stores text",
    (api) => ({
      upsert: (input) =>
        api.upsert(
          override(input, {
            fields:
              input.fields &&
              Object.fromEntries(
                Object.entries(input.fields).map(([key, value]) => [
                  key,
                  typeof value === "number" ? String(value) : value
                ])
              )
          })
        )
    }),
    "the field number"
  ],
  ["updateFields does nothing", "updateFields", () => ({ updateFields: () => succeedsWithNone }), "the field seats"],
  [
    "updateFields returns another contact",
    "updateFields",
    (api) => ({
      updateFields: (id, fields) =>
        Effect.map(
          api.updateFields(id, fields),
          Option.map((contact) => override(contact, { id: contact.phone as typeof contact.id }))
        )
    }),
    "the id"
  ],
  ["clearField does nothing", "clearField clears", () => ({ clearField: () => succeedsWithNone }), "the names"],
  [
    "clearField clears only built-in fields",
    "clearField clears",
    (api) => ({
      clearField: (id, key) => (key === "email" ? api.clearField(id, key) : succeedsWithNone)
    }),
    "the field city"
  ],
  [
    "addTags replaces tags",
    "addTags",
    (api) => ({
      addTags: (id, tags) => Effect.andThen(Effect.ignore(api.removeTag(id, "one")), api.addTags(id, tags))
    }),
    'expected the tag "one" exactly once'
  ],
  [
    "removeTag removes another tag as well",
    "removeTag",
    (api) => ({
      removeTag: (id, tag) => Effect.andThen(Effect.ignore(api.removeTag(id, "three")), api.removeTag(id, tag))
    }),
    'expected the tag "three" exactly once'
  ],
  [
    "removeTag does not accept ids",
    "removeTag",
    (api) => ({
      removeTag: (id, tag) => (/^\d+$/.test(tag) ? succeedsWithNone : api.removeTag(id, tag))
    }),
    'expected no tag "three"'
  ],
  ["removeTag does nothing", "removeTag", () => ({ removeTag: () => succeedsWithNone }), 'expected no tag "two"'],
  [
    "delete does nothing the first time",
    "frees its phone",
    (api) => {
      let deleted = false
      return {
        delete: (id) => (deleted ? api.delete(id) : Effect.sync(() => void (deleted = true)))
      }
    },
    "contacts found after delete: expected 0, but found 1"
  ],
  [
    "isNew is false after a delete",
    "frees its phone",
    (api) => ({
      upsert: (input) => Effect.map(api.upsert(input), (result) => override(result, { isNew: false }))
    }),
    "isNew: expected true"
  ],
  [
    "a new contact has the name of the deleted one",
    "frees its phone",
    (api) => ({ upsert: (input) => api.upsert(override({ firstName: "Jane" }, input)) }),
    "the first name"
  ],
  [
    "addTags succeeds for a missing contact",
    "missing contact",
    (api) => ({
      addTags: (id, tags) => Effect.catchTag(api.addTags(id, tags), "NotFound", () => succeedsWithNone)
    }),
    "addTags: expected NotFound, but the call succeeded"
  ],
  [
    "upsert drops a nested null",
    "stores text",
    (api) => ({
      upsert: (input) => api.upsert(override(input, { fields: { ...input.fields, deep: { größe: {} } } }))
    }),
    "the field deep"
  ],
  [
    "search by phone finds no contact",
    "search finds",
    (api) => ({ search: (query) => (secondPhone.test(query.phone ?? "") ? emptyPage : api.search(query)) }),
    "by phone: expected"
  ],
  [
    "search ignores the phone if a name is given",
    "search finds",
    (api) => ({
      search: (query) => api.search(query.name === undefined ? query : { ...query, name: query.name, phone: undefined })
    }),
    "by name and phone"
  ],
  [
    "search finds contacts with a similar name",
    "search finds",
    (api) => ({
      search: (query) =>
        api.search(query.name === undefined ? query : { ...query, name: query.name.replace("-nobody", "") })
    }),
    "by a name that no contact has"
  ],
  [
    "search ignores first names",
    "search finds",
    (api) => ({
      search: (query) => (query.name?.startsWith("Jane") ? emptyPage : api.search(query))
    }),
    "by first name"
  ],
  [
    "search by name finds no contact",
    "search finds",
    (api) => ({
      search: ({ name, ...query }) => api.search({ ...query, phone: query.phone ?? name ?? "" })
    }),
    "by name: expected"
  ],
  [
    "search finds whole names only",
    "search finds",
    (api) => ({
      search: (query) => (query.name?.startsWith("onf") ? emptyPage : api.search(query))
    }),
    "by part of a name"
  ],
  [
    "search ignores the offset",
    "pages",
    (api) => ({
      search: (query) => api.search({ ...query, offset: 0 })
    }),
    "the sizes of three pages"
  ],
  [
    "pages overlap",
    "pages",
    (api) => ({ search: (query) => api.search(query.offset === 1 ? { ...query, offset: 0 } : query) }),
    "the contacts on the pages"
  ],
  [
    "the total counts only the page",
    "pages",
    (api) => ({
      search: (query) =>
        Effect.map(api.search(query), (page) => override(page, { total: Option.some(page.contacts.length) }))
    }),
    "the totals"
  ],
  [
    "a failed addTags adds the valid tags",
    "invalid input",
    (api) => ({
      addTags: (id, tags) => Effect.andThen(api.addTags(id, tags.slice(0, 1)), api.addTags(id, tags))
    }),
    'expected no tag "two"'
  ],
  [
    "a failed upsert updates the contact",
    "invalid input",
    (api) => ({
      upsert: (input) =>
        input.email === undefined
          ? api.upsert(input)
          : Effect.andThen(api.upsert(override(input, { email: undefined })), api.upsert(input))
    }),
    "the first name"
  ],
  [
    "addTags ignores blank tags",
    "invalid input",
    (api) => ({
      addTags: (id, tags) =>
        api.addTags(
          id,
          tags.filter((tag) => tag.trim() !== "")
        )
    }),
    "a blank tag: expected Validation, but the call succeeded"
  ],
  [
    "a call fails",
    "updateFields",
    () => ({ upsert: () => failWith("upsert") }),
    "a call failed with ServerFault: broken"
  ]
]

/** Passes every call through `change`, with the name of the method and the number of the call, counted from 1. */
const interceptCalls = (
  api: Api,
  change: (method: keyof Api, nth: number, call: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>
): Api => {
  const counts = new Map<string, number>()
  return new Proxy(api, {
    get:
      (_, method: keyof Api) =>
      (...input: ReadonlyArray<never>) => {
        const nth = (counts.get(method) ?? 0) + 1
        counts.set(method, nth)
        return change(method, nth, Reflect.apply(api[method], undefined, input))
      }
  })
}

/** Copies a `Validation` with some values replaced. */
const copyValidation = (error: unknown, parts: Partial<Pick<Validation, "issues" | "source">>) => {
  if (!(error instanceof Validation)) return error
  const { issues, message, operation, outcome, source } = error
  return new Validation({ operation, outcome, message, source, issues, ...parts })
}

// The calls with invalid input: the method, the number of the call, and its label in the check.
const invalidCalls = [
  ["upsert", 2, "a phone without digits"],
  ["upsert", 3, "an e-mail without a domain"],
  ["addTags", 1, "a blank tag"],
  ["delete", 1, "an id that is not a UUID"],
  ["removeTag", 1, "a tag that starts with ../"],
  ["clearField", 1, "an empty key"],
  ["updateFields", 1, "a field with an empty key"],
  ["updateFields", 2, "a field value of NaN"],
  ["search", 4, "an empty name"],
  ["search", 5, "a page size of 0"]
] as const

// The calls on a missing contact: the method and the number of the call. The check itself deletes the contact first.
const callsOnMissing = operationNames
  .filter((name) => factsOf(name).namesContact)
  .map((name) => [name, name === "delete" ? 2 : 1] as const)

describe("the check of invalid input", () => {
  const { check } = checkNamed("invalid input")
  const messageWith = (
    [method, nth]: readonly [string, number, ...ReadonlyArray<string>],
    instead: (call: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>
  ) =>
    Effect.map(
      runAgainst(
        (api) => interceptCalls(api, (name, n, call) => (name === method && n === nth ? instead(call) : call)),
        check
      ),
      messageOf
    ).pipe(Effect.provide(Sandbox.layer))

  it.effect.each(invalidCalls)("fails if a call succeeds: %s %d, %s", (invalidCall) =>
    Effect.gen(function* () {
      const message = yield* messageWith(invalidCall, () => Effect.succeed({ contact: { id } }))
      assert.strictEqual(message, `${invalidCall[2]}: expected Validation, but the call succeeded`)
    })
  )

  it.effect.each(invalidCalls)("fails if the server refuses the input: %s %d, %s", (invalidCall) =>
    Effect.gen(function* () {
      const message = yield* messageWith(invalidCall, (call) =>
        Effect.mapError(call, (error) => copyValidation(error, { source: "server" }))
      )
      assert.strictEqual(message, `${invalidCall[2]}: source: expected "client", but found "server"`)
    })
  )

  it.effect.each(invalidCalls)("fails if a call fails with another error: %s %d, %s", (invalidCall) =>
    Effect.gen(function* () {
      const message = yield* messageWith(invalidCall, () => failWith("upsert"))
      assert.strictEqual(message, `${invalidCall[2]}: expected Validation, but found ServerFault`)
    })
  )

  it.effect.each(invalidCalls)("fails if the error has no path: %s %d, %s", (invalidCall) =>
    Effect.gen(function* () {
      const message = yield* messageWith(invalidCall, (call) =>
        Effect.mapError(call, (error) => copyValidation(error, { issues: [] }))
      )
      assert.include(message, `${invalidCall[2]}: path and outcome: expected`)
    })
  )
})

describe("the check of missing contacts", () => {
  it.effect.each(callsOnMissing)("fails if a call succeeds: %s, call %d", ([method, nth]) =>
    Effect.gen(function* () {
      const exit = yield* runAgainst(
        (api) =>
          interceptCalls(api, (name, n, call) =>
            name === method && n === nth ? Effect.catch(call, () => Effect.succeedNone) : call
          ),
        checkNamed("missing contact").check
      )
      assert.strictEqual(messageOf(exit), `${method}: expected NotFound, but the call succeeded`)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect.each(callsOnMissing)("fails if a call fails with another error: %s, call %d", ([method, nth]) =>
    Effect.gen(function* () {
      const exit = yield* runAgainst(
        (api) => interceptCalls(api, (name, n, call) => (name === method && n === nth ? failWith("delete") : call)),
        checkNamed("missing contact").check
      )
      assert.include(messageOf(exit), `${method}: expected ["NotFound","not-applied"]`)
    }).pipe(Effect.provide(Sandbox.layer))
  )
})

describe("a check", () => {
  it.effect.each(broken)("fails if %s", ([, part, overrides, message]) =>
    Effect.gen(function* () {
      const { check } = checkNamed(part)
      assert.strictEqual(messageOf(yield* runAgainst(() => ({}), check)), "passed")
      assert.include(messageOf(yield* runAgainst(overrides, check)), message)
      // A failed check deletes its contacts as well.
      assert.deepStrictEqual(yield* (yield* Sandbox.State).contacts(), [])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it("detects at least one of the defects above", () => {
    const found = new Set(broken.map(([, part]) => checkNamed(part).name))
    assert.deepStrictEqual(
      Conformance.checks.map(({ name }) => name).filter((name) => !found.has(name)),
      [],
      "Add a defect that each of these checks detects to `broken` in this test"
    )
  })

  it.effect.each(Conformance.checks)(
    "ignores contacts of others in the results of a search by phone: $name",
    ({ check, name }) =>
      Effect.gen(function* () {
        const { contacts, seed } = yield* Sandbox.State
        const others = yield* seed([{ phone: "+15551234567" }])
        const exit = yield* runAgainst(
          (api) => ({
            search: (query) =>
              query.name === undefined
                ? Effect.map(api.search(query), (page) => override(page, { contacts: [...others, ...page.contacts] }))
                : api.search(query)
          }),
          check
        )
        // Only the check of the search itself compares the whole page.
        assert.strictEqual(messageOf(exit) === "passed", !name.startsWith("search finds"))
        assert.deepStrictEqual(yield* contacts(), others)
      }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("changes nothing if contacts with its phones already exist", () =>
    Effect.gen(function* () {
      const { contacts, requests, seed } = yield* Sandbox.State
      yield* seed(Array.from({ length: 100 }, (_, n) => ({ phone: `+1 202 555 ${String(100 + n).padStart(4, "0")}` })))
      const before = yield* contacts()
      for (const { check } of Conformance.checks) {
        assert.include(messageOf(yield* Effect.exit(check)), "already exists, so the check did not start")
      }
      assert.deepStrictEqual(yield* contacts(), before)
      assert.isTrue((yield* requests).every(({ operation }) => operation === "search"))
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("deletes its contacts if it is interrupted", () =>
    Effect.gen(function* () {
      const { contacts } = yield* Sandbox.State
      const api = yield* Contacts
      const reached = yield* Deferred.make<void>()
      const stuck: Api = {
        ...api,
        updateFields: () => Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
      }
      const fiber = yield* Effect.forkChild(Effect.provideService(checkNamed("updateFields").check, Contacts, stuck))
      yield* Deferred.await(reached)
      assert.lengthOf(yield* contacts(), 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* contacts(), [])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("deletes a contact whose upsert failed after it was applied", () =>
    Effect.gen(function* () {
      const exit = yield* runAgainst(
        (api) => ({ upsert: (input) => Effect.andThen(api.upsert(input), failWith("upsert")) }),
        checkNamed("updateFields").check
      )
      assert.include(messageOf(exit), "a call failed with ServerFault")
      assert.deepStrictEqual(yield* (yield* Sandbox.State).contacts(), [])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("names the contacts that it could not delete", () =>
    Effect.gen(function* () {
      const exit = yield* runAgainst(() => ({ delete: () => failWith("delete") }), checkNamed("updateFields").check)
      assert.include(
        messageOf(exit),
        "could not be deleted; delete them yourself: 5a4db0c5-0000-4000-8000-000000000001"
      )
    }).pipe(Effect.provide(Sandbox.layer))
  )
})

describe("the checks", () => {
  it.effect("pass for a decorator of the sandbox", () =>
    Effect.gen(function* () {
      const audit: Array<string> = []
      const audited = Layer.effect(
        Contacts,
        Effect.map(Contacts, (contacts) => ({
          ...contacts,
          delete: (id: string) =>
            Effect.andThen(
              Effect.sync(() => audit.push(id)),
              contacts.delete(id)
            )
        }))
      ).pipe(Layer.provide(Sandbox.layer))
      yield* Effect.forEach(Conformance.checks, ({ check }) => check).pipe(Effect.provide(audited))
      assert.isNotEmpty(audit)
    })
  )
})
