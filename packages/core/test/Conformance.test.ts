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
import * as Sandbox from "../src/Sandbox.ts"

type Api = Contacts["Service"]

const id = "5a4db0c5-0000-4000-8000-000000000001"
const nothing = Effect.succeedNone
const nobody = Effect.succeed({ contacts: [], total: Option.none() })
const otherId = "5a4db0c5-0000-4000-8000-0000000000ff"
// The end of the second number of a check.
const oddNumber = /[13579]$/
const fault = (operation: "upsert" | "delete") =>
  Effect.fail(new ServerFault({ operation, outcome: "unknown", message: "broken", status: 500 }))

const changed = <A extends object, B extends object>(data: A, other: B): A & B => Object.assign({}, data, other)

/** Runs a check against a `Contacts` that differs from the sandbox's in some methods. */
const against = (differ: (api: Api) => Partial<Api>, check: Conformance.Check["check"]) =>
  Effect.gen(function* () {
    const api = yield* Contacts
    return yield* Effect.exit(Effect.provideService(check, Contacts, { ...api, ...differ(api) }))
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

// One fault each, and the check that must find it.
const broken: ReadonlyArray<readonly [fault: string, check: string, differ: (api: Api) => Partial<Api>, says: string]> =
  [
    [
      "nobody is found",
      "upsert creates",
      () => ({ search: () => nobody }),
      "a search by phone finds 0 contacts instead of one"
    ],
    [
      "nothing is new",
      "upsert creates",
      (api) => ({
        upsert: (input) => Effect.map(api.upsert(input), (result) => changed(result, { isNew: false }))
      }),
      "isNew: expected true, but found false"
    ],
    [
      "e-mail addresses are lost",
      "upsert creates",
      (api) => ({
        upsert: (input) => api.upsert(changed(input, { email: undefined }))
      }),
      "the names"
    ],
    [
      "tags are lost",
      "upsert creates",
      (api) => ({ upsert: (input) => api.upsert(changed(input, { tags: undefined })) }),
      "expected the tag one once"
    ],
    [
      "fields are lost",
      "upsert creates",
      (api) => ({ upsert: (input) => api.upsert(changed(input, { fields: undefined })) }),
      "the field city"
    ],
    [
      "upsert gives another contact",
      "upsert creates",
      (api) => ({
        upsert: (input) =>
          Effect.map(api.upsert(input), (result) =>
            changed(result, { contact: changed(result.contact, { id: ContactId.make(otherId) }) })
          )
      }),
      "the id"
    ],
    [
      "contacts are found twice",
      "upsert creates",
      (api) => ({
        search: (query) =>
          Effect.map(api.search(query), (page) => changed(page, { contacts: [...page.contacts, ...page.contacts] }))
      }),
      "a search by phone finds 2 contacts instead of one"
    ],
    [
      "names are never updated",
      "same digits",
      (api) => ({
        upsert: (input) => api.upsert(input.firstName === "Joan" ? changed(input, { firstName: undefined }) : input)
      }),
      "the names"
    ],
    [
      "tags are replaced",
      "same digits",
      (api) => ({
        upsert: (input) =>
          Effect.tap(api.upsert(input), ({ contact, isNew }) =>
            isNew ? Effect.void : Effect.orDie(api.removeTag(contact.id, "one"))
          )
      }),
      "expected the tag one once"
    ],
    [
      "every spelling is a contact",
      "same digits",
      (api) => ({
        upsert: (input) =>
          api.upsert(changed(input, { phone: input.phone.startsWith("1") ? `${input.phone}9` : input.phone }))
      }),
      "the second time"
    ],
    [
      "fields are replaced",
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
      "text is cut to ASCII",
      "come back",
      (api) => ({
        upsert: (input) => api.upsert(changed(input, { firstName: input.firstName?.replace(/[^ -~]/g, "") }))
      }),
      "the first name"
    ],
    [
      "odd tags are lost",
      "come back",
      (api) => ({ upsert: (input) => api.upsert(changed(input, { tags: [] })) }),
      "expected the tag a/b"
    ],
    [
      "numbers become text",
      "come back",
      (api) => ({
        upsert: (input) =>
          api.upsert(
            changed(input, {
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
    ["updateFields does nothing", "updateFields", () => ({ updateFields: () => nothing }), "the field seats"],
    [
      "updateFields gives another contact",
      "updateFields",
      (api) => ({
        updateFields: (id, fields) =>
          Effect.map(
            api.updateFields(id, fields),
            Option.map((contact) => changed(contact, { id: contact.phone as typeof contact.id }))
          )
      }),
      "the id"
    ],
    ["clearField does nothing", "clearField clears", () => ({ clearField: () => nothing }), "the names"],
    [
      "clearField knows built-ins only",
      "clearField clears",
      (api) => ({
        clearField: (id, key) => (key === "email" ? api.clearField(id, key) : nothing)
      }),
      "the field city"
    ],
    [
      "addTags replaces",
      "addTags",
      (api) => ({
        addTags: (id, tags) => Effect.andThen(Effect.ignore(api.removeTag(id, "one")), api.addTags(id, tags))
      }),
      "expected the tag one once"
    ],
    [
      "removeTag takes another away too",
      "removeTag",
      (api) => ({
        removeTag: (id, tag) => Effect.andThen(Effect.ignore(api.removeTag(id, "three")), api.removeTag(id, tag))
      }),
      "expected the tag three once"
    ],
    [
      "removeTag knows no ids",
      "removeTag",
      (api) => ({
        removeTag: (id, tag) => (/^\d+$/.test(tag) ? nothing : api.removeTag(id, tag))
      }),
      "expected no tag three"
    ],
    ["removeTag does nothing", "removeTag", () => ({ removeTag: () => nothing }), "expected no tag two"],
    [
      "deleted contacts come back",
      "the number is free",
      (api) => {
        let deleted = false
        return {
          delete: (id) => (deleted ? api.delete(id) : Effect.sync(() => void (deleted = true)))
        }
      },
      "found afterwards: expected 0, but found 1"
    ],
    [
      "who was deleted is known",
      "the number is free",
      (api) => ({
        upsert: (input) => Effect.map(api.upsert(input), (result) => changed(result, { isNew: false }))
      }),
      "isNew: expected true"
    ],
    [
      "who was deleted keeps a name",
      "the number is free",
      (api) => ({ upsert: (input) => api.upsert(changed({ firstName: "Jane" }, input)) }),
      "the first name"
    ],
    [
      "a missing contact is no failure",
      "is missing",
      (api) => ({
        addTags: (id, tags) => Effect.catchTag(api.addTags(id, tags), "NotFound", () => nothing)
      }),
      "addTags: expected NotFound, but it succeeded"
    ],
    [
      "nothing is lost where it is nested",
      "come back",
      (api) => ({
        upsert: (input) => api.upsert(changed(input, { fields: { ...input.fields, deep: { größe: {} } } }))
      }),
      "the field deep"
    ],
    [
      "search knows no numbers",
      "search finds",
      (api) => ({ search: (query) => (oddNumber.test(query.phone ?? "") ? nobody : api.search(query)) }),
      "by phone"
    ],
    [
      "search forgets the number beside a name",
      "search finds",
      (api) => ({
        search: (query) =>
          api.search(query.name === undefined ? query : { ...query, name: query.name, phone: undefined })
      }),
      "by both"
    ],
    [
      "search finds whoever is alike",
      "search finds",
      (api) => ({
        search: (query) =>
          api.search(query.name === undefined ? query : { ...query, name: query.name.replace("-nobody", "") })
      }),
      "of nobody"
    ],
    [
      "search knows no first names",
      "search finds",
      (api) => ({
        search: (query) => (query.name?.startsWith("Jane") ? nobody : api.search(query))
      }),
      "by first name"
    ],
    [
      "search knows no names",
      "search finds",
      (api) => ({
        search: ({ name, ...query }) => api.search({ ...query, phone: query.phone ?? name ?? "" })
      }),
      "by name"
    ],
    [
      "search finds by whole names only",
      "search finds",
      (api) => ({
        search: (query) => (query.name?.startsWith("onf") ? nobody : api.search(query))
      }),
      "by a part of the name"
    ],
    [
      "pages begin at the start",
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
      "what the pages hold"
    ],
    [
      "the total is that of the page",
      "pages",
      (api) => ({
        search: (query) =>
          Effect.map(api.search(query), (page) => changed(page, { total: Option.some(page.contacts.length) }))
      }),
      "the totals"
    ],
    [
      "what is refused is done in part",
      "breaks a rule",
      (api) => ({
        addTags: (id, tags) => Effect.andThen(api.addTags(id, tags.slice(0, 1)), api.addTags(id, tags))
      }),
      "expected no tag two"
    ],
    [
      "an input that is refused is used",
      "breaks a rule",
      (api) => ({
        upsert: (input) =>
          input.email === undefined
            ? api.upsert(input)
            : Effect.andThen(api.upsert(changed(input, { email: undefined })), api.upsert(input))
      }),
      "the first name"
    ],
    [
      "blank tags pass",
      "breaks a rule",
      (api) => ({
        addTags: (id, tags) =>
          api.addTags(
            id,
            tags.filter((tag) => tag.trim() !== "")
          )
      }),
      "a blank tag: expected Validation, but it succeeded"
    ],
    ["a call fails", "updateFields", () => ({ upsert: () => fault("upsert") }), "a call ended with ServerFault: broken"]
  ]

/** A `Contacts` whose methods go through a function that is told how often the method was called. */
const through = (
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

/** A `Validation` that differs in some parts. */
const otherwise = (error: unknown, parts: Partial<Pick<Validation, "issues" | "source">>) => {
  if (!(error instanceof Validation)) return error
  const { issues, message, operation, outcome, source } = error
  return new Validation({ operation, outcome, message, source, issues, ...parts })
}

// What is refused, by the method and which of its calls it is, and what the check calls it.
const refusals = [
  ["upsert", 2, "a phone that is none"],
  ["upsert", 3, "an e-mail that is none"],
  ["addTags", 1, "a blank tag"],
  ["delete", 1, "an id that is none"],
  ["removeTag", 1, "a tag that is a step up"],
  ["clearField", 1, "an empty key"],
  ["updateFields", 1, "a key without a field"],
  ["updateFields", 2, "a number that JSON has not"],
  ["search", 4, "an empty name"],
  ["search", 5, "a page of nothing"]
] as const

const missing = [
  ["delete", 2],
  ["updateFields", 1],
  ["clearField", 1],
  ["addTags", 1],
  ["removeTag", 1]
] as const

describe("the check of what is refused", () => {
  const { check } = checkNamed("breaks a rule")
  const passing = (
    [method, nth]: readonly [string, number, ...ReadonlyArray<string>],
    instead: (call: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>
  ) =>
    Effect.map(
      against((api) => through(api, (name, n, call) => (name === method && n === nth ? instead(call) : call)), check),
      messageOf
    ).pipe(Effect.provide(Sandbox.layer))

  it.effect.each(refusals)("names what passed: %s %d, %s", (refusal) =>
    Effect.gen(function* () {
      const message = yield* passing(refusal, () => Effect.succeed({ contact: { id } }))
      assert.strictEqual(message, `${refusal[2]}: expected Validation, but it succeeded`)
    })
  )

  it.effect.each(refusals)("names what was sent and refused by the server: %s %d, %s", (refusal) =>
    Effect.gen(function* () {
      const message = yield* passing(refusal, (call) =>
        Effect.mapError(call, (error) => otherwise(error, { source: "server" }))
      )
      assert.strictEqual(message, `${refusal[2]}: expected Validation by the client, but found Validation`)
    })
  )

  it.effect.each(refusals)("names what was refused for another reason: %s %d, %s", (refusal) =>
    Effect.gen(function* () {
      const message = yield* passing(refusal, () => fault("upsert"))
      assert.strictEqual(message, `${refusal[2]}: expected Validation by the client, but found ServerFault`)
    })
  )

  it.effect.each(refusals)("names what was refused without its place: %s %d, %s", (refusal) =>
    Effect.gen(function* () {
      const message = yield* passing(refusal, (call) =>
        Effect.mapError(call, (error) => otherwise(error, { issues: [] }))
      )
      assert.include(message, `${refusal[2]}: where, and the outcome: expected`)
    })
  )
})

describe("the check of what is missing", () => {
  it.effect.each(missing)("names the method that succeeds: %s, call %d", ([method, nth]) =>
    Effect.gen(function* () {
      const exit = yield* against(
        (api) =>
          through(api, (name, n, call) =>
            name === method && n === nth ? Effect.catch(call, () => Effect.succeedNone) : call
          ),
        checkNamed("is missing").check
      )
      assert.strictEqual(messageOf(exit), `${method}: expected NotFound, but it succeeded`)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect.each(missing)("names the method that fails in another way: %s, call %d", ([method, nth]) =>
    Effect.gen(function* () {
      const exit = yield* against(
        (api) => through(api, (name, n, call) => (name === method && n === nth ? fault("delete") : call)),
        checkNamed("is missing").check
      )
      assert.include(messageOf(exit), `${method}: expected ["NotFound","not-applied"]`)
    }).pipe(Effect.provide(Sandbox.layer))
  )
})

describe("a check", () => {
  it.effect.each(broken)("finds that %s", ([, part, differ, says]) =>
    Effect.gen(function* () {
      const { check } = checkNamed(part)
      assert.strictEqual(messageOf(yield* against(() => ({}), check)), "passed")
      assert.include(messageOf(yield* against(differ, check)), says)
      // Whatever was found, nothing is left behind.
      assert.deepStrictEqual(yield* (yield* Sandbox.State).contacts(), [])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it("is found failing here, whichever it is", () => {
    const found = new Set(broken.map(([, part]) => checkNamed(part).name))
    assert.sameMembers(
      [...found],
      Conformance.checks.map(({ name }) => name)
    )
  })

  it.effect.each(Conformance.checks)(
    "looks only at its own contacts where a search finds others, too: $name",
    ({ check, name }) =>
      Effect.gen(function* () {
        const { contacts, seed } = yield* Sandbox.State
        const others = yield* seed([{ phone: "+15551234567" }])
        const exit = yield* against(
          (api) => ({
            search: (query) =>
              query.name === undefined
                ? Effect.map(api.search(query), (page) => changed(page, { contacts: [...others, ...page.contacts] }))
                : api.search(query)
          }),
          check
        )
        // Only the check of a search itself minds others in it.
        assert.strictEqual(messageOf(exit) === "passed", !name.startsWith("search finds"))
        assert.deepStrictEqual(yield* contacts(), others)
      }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("touches no contact of somebody else", () =>
    Effect.gen(function* () {
      const { contacts, requests, seed } = yield* Sandbox.State
      yield* seed(Array.from({ length: 100 }, (_, n) => ({ phone: `+1 202 555 ${String(100 + n).padStart(4, "0")}` })))
      const before = yield* contacts()
      for (const { check } of Conformance.checks) {
        assert.include(messageOf(yield* Effect.exit(check)), "exists already, so nothing was touched")
      }
      assert.deepStrictEqual(yield* contacts(), before)
      assert.isTrue((yield* requests).every(({ operation }) => operation === "search"))
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("deletes what it made when it is interrupted", () =>
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

  it.effect("deletes what was made although the call failed", () =>
    Effect.gen(function* () {
      const exit = yield* against(
        (api) => ({ upsert: (input) => Effect.andThen(api.upsert(input), fault("upsert")) }),
        checkNamed("updateFields").check
      )
      assert.include(messageOf(exit), "a call ended with ServerFault")
      assert.deepStrictEqual(yield* (yield* Sandbox.State).contacts(), [])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("tells what it could not delete", () =>
    Effect.gen(function* () {
      const exit = yield* against(() => ({ delete: () => fault("delete") }), checkNamed("updateFields").check)
      assert.include(messageOf(exit), "left behind: 5a4db0c5-0000-4000-8000-000000000001")
    }).pipe(Effect.provide(Sandbox.layer))
  )
})

describe("the checks", () => {
  it.effect("hold for a decorator", () =>
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
