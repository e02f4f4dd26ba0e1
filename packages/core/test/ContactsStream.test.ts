import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Contact, ContactId, type SearchPage, type SearchQuery } from "../src/Contact.ts"
import { Contacts } from "../src/Contacts.ts"
import * as ContactsStream from "../src/ContactsStream.ts"
import * as Sandbox from "../src/Sandbox.ts"

const contact = (id: number | string) => Contact.make({ id: ContactId.make(String(id)) })
const upTo = (count: number) => Array.from({ length: count }, (_, index) => contact(index + 1))
const idsOf = (contacts: ReadonlyArray<Contact>) => contacts.map(({ id }) => id)

/** `Contacts` whose searches are answered by `answer`, and the searches that it got. */
const serving = (answer: (limit: number, offset: number, index: number) => SearchPage) => {
  const queries: Array<SearchQuery> = []
  const layer = Layer.mock(Contacts, {
    search: (query) =>
      Effect.sync(() => {
        queries.push(query)
        return answer(query.limit ?? 50, query.offset ?? 0, queries.length - 1)
      })
  })
  return { layer, queries }
}

const page = (contacts: ReadonlyArray<Contact>, total?: number): SearchPage => ({
  contacts,
  total: Option.fromUndefinedOr(total)
})

/** A server that gives at most `clamp` contacts at a time, and tells the total in one way or another. */
const honest = (all: ReadonlyArray<Contact>, clamp: number, totals: "true" | "page" | "none") =>
  serving((limit, offset) => {
    const found = all.slice(offset, offset + Math.min(limit, clamp))
    return page(found, { true: all.length, page: found.length, none: undefined }[totals])
  })

const query = { name: "a" }

const collect = (server: ReturnType<typeof serving>, options?: ContactsStream.PageOptions) =>
  ContactsStream.search(query, options).pipe(Stream.runCollect, Effect.map(idsOf), Effect.provide(server.layer))

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

describe("search", () => {
  it.effect.prop(
    "gives every contact once and in order, whatever the server's limit and totals are",
    [int(0, 130), int(1, 60), int(1, 60), Arbitrary.schema(Schema.Literals(["true", "none"]))],
    ([count, clamp, pageSize, totals]) =>
      Effect.gen(function* () {
        const all = upTo(count)
        const server = honest(all, clamp, totals)
        assert.deepStrictEqual(yield* collect(server, { pageSize }), idsOf(all))
        // The next offset is where the rows ended, never where they should have.
        const step = Math.min(clamp, pageSize)
        assert.deepStrictEqual(
          server.queries.map(({ offset }) => offset),
          server.queries.map((_, index) => Math.min(index * step, count))
        )
        return true
      }),
    { arbitrary: { runs: 200 } }
  )

  it.effect.prop(
    "gives every contact where the total counts the page",
    [int(0, 130), int(1, 60)],
    ([count, pageSize]) =>
      Effect.gen(function* () {
        const all = upTo(count)
        assert.deepStrictEqual(yield* collect(honest(all, 1000, "page"), { pageSize }), idsOf(all))
        // A page of 50 may have been cut at the limit that the contract names.
        assert.deepStrictEqual(yield* collect(honest(all, 50, "page"), { pageSize: 100 }), idsOf(all))
        return true
      }),
    { arbitrary: { runs: 100 } }
  )

  it.effect("gives every contact where pages are longer than was asked for", () =>
    Effect.gen(function* () {
      const all = upTo(170)
      const server = serving((limit, offset) => page(all.slice(offset, offset + (offset === 0 ? 60 : limit))))
      assert.deepStrictEqual(yield* collect(server), idsOf(all))
    })
  )

  it.effect("makes no more requests than it needs", () =>
    Effect.gen(function* () {
      for (const [count, clamp, totals, pageSize, requests] of [
        // No total: an empty page, or one shorter than an earlier one, is the end.
        [0, 50, "none", 50, 1],
        [30, 50, "none", 50, 2],
        [50, 50, "none", 50, 2],
        [70, 50, "none", 50, 2],
        [70, 20, "none", 50, 4],
        // A total that is reached.
        [30, 50, "true", 50, 1],
        [70, 50, "true", 50, 2],
        [100, 50, "true", 50, 2],
        [60, 20, "true", 50, 3],
        // A total that is a full page's length, or may be, is not trusted.
        [50, 50, "true", 50, 2],
        [50, 50, "true", 100, 2],
        [49, 49, "true", 100, 1]
      ] as const) {
        const server = honest(upTo(count), clamp, totals)
        yield* collect(server, { pageSize })
        assert.strictEqual(server.queries.length, requests, `${count} by ${clamp}, total ${totals}, asked ${pageSize}`)
      }
    })
  )

  it.effect.prop(
    "comes to an end and gives nothing twice, whatever a server answers",
    [
      Arbitrary.array(Arbitrary.array(int(1, 12), { maxLength: 8 }), { minLength: 1, maxLength: 8 }),
      Arbitrary.array(int(-1, 40), { minLength: 1, maxLength: 3 }),
      int(1, 10)
    ],
    ([answers, totals, pageSize]) =>
      Effect.gen(function* () {
        // It ignores what it is asked, and answers the same for ever.
        const server = serving((_, __, index) => {
          const total = totals[index % totals.length] ?? -1
          return page((answers[index % answers.length] ?? []).map(contact), total === -1 ? undefined : total)
        })
        const ids = yield* collect(server, { pageSize })
        assert.strictEqual(new Set(ids).size, ids.length)
        // Each of the twelve may be alone on its page, with two stale pages before it, and three behind the last.
        assert.isAtMost(server.queries.length, 12 * 3 + 3)
        return true
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect("asks a server that ignores the offset twice", () =>
    Effect.gen(function* () {
      const server = serving((limit) => page(upTo(limit)))
      assert.strictEqual((yield* collect(server)).length, 50)
      assert.strictEqual(server.queries.length, 2)
    })
  )

  it.effect("goes on over pages that moved down, and after three of them ends", () =>
    Effect.gen(function* () {
      const pages = [
        [1, 2],
        [2, 1],
        [1, 2],
        [3, 4]
      ]
      const server = serving((_, __, index) => page((pages[index] ?? []).map(contact)))
      assert.deepStrictEqual(yield* collect(server, { pageSize: 2 }), ["1", "2", "3", "4"])
      assert.strictEqual(server.queries.length, 5)
      const endless = serving((_, __, index) => page((index % 2 === 0 ? [1, 2] : [2, 1]).map(contact)))
      assert.deepStrictEqual(yield* collect(endless, { pageSize: 2 }), ["1", "2"])
      assert.strictEqual(endless.queries.length, 4)
    })
  )

  it.effect("reads on where a total is smaller than what was received, and ends where the server shrinks", () =>
    Effect.gen(function* () {
      const lying = serving((limit, offset) => page(upTo(130).slice(offset, offset + limit), 7))
      assert.strictEqual((yield* collect(lying)).length, 130)
      const shrinking = serving((limit, offset, index) => {
        const all = upTo(130 - index * 50)
        return page(all.slice(offset, offset + limit), all.length)
      })
      assert.strictEqual((yield* collect(shrinking)).length, 80)
    })
  )

  it.effect("asks for a page when it is wanted, and may be run again", () =>
    Effect.gen(function* () {
      const server = honest(upTo(500), 50, "true")
      const stream = ContactsStream.search(query).pipe(Stream.take(50), Stream.runCollect, Effect.provide(server.layer))
      assert.strictEqual((yield* stream).length, 50)
      assert.strictEqual(server.queries.length, 1)
      assert.strictEqual((yield* stream).length, 50)
      assert.deepStrictEqual(server.queries, [
        { name: "a", limit: 50, offset: 0 },
        { name: "a", limit: 50, offset: 0 }
      ])
    })
  )

  it.effect("fails as the search does: by what it was asked, too", () =>
    Effect.gen(function* () {
      for (const [asked, options] of [
        [{} as { name: string }, {}],
        [{ name: "" }, {}],
        [query, { pageSize: 0 }],
        [query, { pageSize: 1.5 }],
        [query, { pageSize: Number.NaN }]
      ] as const) {
        const error = yield* ContactsStream.search(asked, options).pipe(Stream.runDrain, Effect.flip)
        assert.deepInclude(error, { _tag: "Validation", source: "client" })
      }
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("reads a sandbox that gives fewer than asked", () =>
    Effect.gen(function* () {
      const { seed } = yield* Sandbox.State
      const seeded = yield* seed(
        Array.from({ length: 45 }, (_, n) => ({ phone: `+1555000${1000 + n}`, firstName: "Ann" }))
      )
      const found = yield* ContactsStream.search({ name: "Ann" }, { pageSize: 30 }).pipe(Stream.runCollect)
      assert.deepStrictEqual(found, seeded)
    }).pipe(Effect.provide(Sandbox.layerOptions({ maxPageSize: 10 })))
  )
})

const collectPages = (server: ReturnType<typeof serving>, options?: ContactsStream.PageOptions) =>
  ContactsStream.pages(query, options).pipe(Stream.runCollect, Effect.provide(server.layer))

describe("pages", () => {
  it.effect("gives each with its total, and one where nothing was found", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* collectPages(honest(upTo(5), 2, "true")), [
        page(upTo(2), 5),
        page(upTo(4).slice(2), 5),
        page(upTo(5).slice(4), 5)
      ])
      assert.deepStrictEqual(yield* collectPages(honest([], 2, "true")), [page([], 0)])
    })
  )

  it.effect("leaves out what was seen, and pages without anything new", () =>
    Effect.gen(function* () {
      const pages = [[1, 2, 2], [3, 1, 4], [1, 2, 3], [5]]
      const server = serving((_, __, index) => page((pages[index] ?? []).map(contact), index))
      assert.deepStrictEqual(yield* collectPages(server, { pageSize: 3 }), [
        page([1, 2].map(contact), 0),
        page([3, 4].map(contact), 1),
        page([5].map(contact), 3)
      ])
    })
  )
})
