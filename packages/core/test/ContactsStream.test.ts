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

/** `Contacts` that answers each search with `respond`, and the queries that it received. */
const makeServer = (respond: (limit: number, offset: number, index: number) => SearchPage) => {
  const queries: Array<SearchQuery> = []
  const layer = Layer.mock(Contacts, {
    search: (query) =>
      Effect.sync(() => {
        queries.push(query)
        return respond(query.limit ?? 50, query.offset ?? 0, queries.length - 1)
      })
  })
  return { layer, queries }
}

const page = (contacts: ReadonlyArray<Contact>, total?: number): SearchPage => ({
  contacts,
  total: Option.fromUndefinedOr(total)
})

/** A correct server that returns at most `maxLimit` contacts per page and reports the total as `totals` says. */
const makeCorrectServer = (all: ReadonlyArray<Contact>, maxLimit: number, totals: "true" | "page" | "none") =>
  makeServer((limit, offset) => {
    const found = all.slice(offset, offset + Math.min(limit, maxLimit))
    return page(found, { true: all.length, page: found.length, none: undefined }[totals])
  })

const query = { name: "a" }

const collect = (server: ReturnType<typeof makeServer>, options?: ContactsStream.PageOptions) =>
  ContactsStream.search(query, options).pipe(Stream.runCollect, Effect.map(idsOf), Effect.provide(server.layer))

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

describe("search", () => {
  it.effect.prop(
    "emits every contact once and in order, at any page size, server limit and kind of total",
    [int(0, 130), int(1, 60), int(1, 60), Arbitrary.schema(Schema.Literals(["true", "none"]))],
    ([count, maxLimit, pageSize, totals]) =>
      Effect.gen(function* () {
        const all = upTo(count)
        const server = makeCorrectServer(all, maxLimit, totals)
        assert.deepStrictEqual(yield* collect(server, { pageSize }), idsOf(all))
        // The next offset is the number of contacts received, not the number requested.
        const step = Math.min(maxLimit, pageSize)
        assert.deepStrictEqual(
          server.queries.map(({ offset }) => offset),
          server.queries.map((_, index) => Math.min(index * step, count))
        )
        return true
      }),
    { arbitrary: { runs: 200 } }
  )

  it.effect.prop(
    "emits every contact if the server reports the length of the page as the total",
    [int(0, 130), int(1, 60)],
    ([count, pageSize]) =>
      Effect.gen(function* () {
        const all = upTo(count)
        assert.deepStrictEqual(yield* collect(makeCorrectServer(all, 1000, "page"), { pageSize }), idsOf(all))
        // The server may have cut a page of 50, the limit in the contract.
        assert.deepStrictEqual(yield* collect(makeCorrectServer(all, 50, "page"), { pageSize: 100 }), idsOf(all))
        return true
      }),
    { arbitrary: { runs: 100 } }
  )

  it.effect("emits every contact if a page is longer than the page size", () =>
    Effect.gen(function* () {
      const all = upTo(170)
      const server = makeServer((limit, offset) => page(all.slice(offset, offset + (offset === 0 ? 60 : limit))))
      assert.deepStrictEqual(yield* collect(server), idsOf(all))
    })
  )

  it.effect("makes no unnecessary requests", () =>
    Effect.gen(function* () {
      for (const [count, maxLimit, totals, pageSize, requests] of [
        // Without a total, an empty page or a page shorter than an earlier one is the last page.
        [0, 50, "none", 50, 1],
        [30, 50, "none", 50, 2],
        [50, 50, "none", 50, 2],
        [70, 50, "none", 50, 2],
        [70, 20, "none", 50, 4],
        // The total is reached.
        [30, 50, "true", 50, 1],
        [70, 50, "true", 50, 2],
        [100, 50, "true", 50, 2],
        [60, 20, "true", 50, 3],
        // A total that equals the length of a page that may be full is ignored.
        [50, 50, "true", 50, 2],
        [50, 50, "true", 100, 2],
        [49, 49, "true", 100, 1]
      ] as const) {
        const server = makeCorrectServer(upTo(count), maxLimit, totals)
        yield* collect(server, { pageSize })
        assert.strictEqual(
          server.queries.length,
          requests,
          `${count} contacts, server limit ${maxLimit}, totals ${totals}, page size ${pageSize}`
        )
      }
    })
  )

  it.effect.prop(
    "ends and emits no contact twice for any sequence of pages",
    [
      Arbitrary.array(Arbitrary.array(int(1, 12), { maxLength: 8 }), { minLength: 1, maxLength: 8 }),
      Arbitrary.array(int(-1, 40), { minLength: 1, maxLength: 3 }),
      int(1, 10)
    ],
    ([responses, totals, pageSize]) =>
      Effect.gen(function* () {
        // The server ignores the query and repeats its responses forever.
        const server = makeServer((_, __, index) => {
          const total = totals[index % totals.length] ?? -1
          return page((responses[index % responses.length] ?? []).map(contact), total === -1 ? undefined : total)
        })
        const ids = yield* collect(server, { pageSize })
        assert.strictEqual(new Set(ids).size, ids.length)
        // At worst, each of the 12 contacts has its own page after two stale pages, and three stale pages follow the last.
        assert.isAtMost(server.queries.length, 12 * 3 + 3)
        return true
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect("sends two requests to a server that ignores the offset", () =>
    Effect.gen(function* () {
      const server = makeServer((limit) => page(upTo(limit)))
      assert.strictEqual((yield* collect(server)).length, 50)
      assert.strictEqual(server.queries.length, 2)
    })
  )

  it.effect("continues after two pages without a new contact and ends after three", () =>
    Effect.gen(function* () {
      const pages = [
        [1, 2],
        [2, 1],
        [1, 2],
        [3, 4]
      ]
      const server = makeServer((_, __, index) => page((pages[index] ?? []).map(contact)))
      assert.deepStrictEqual(yield* collect(server, { pageSize: 2 }), ["1", "2", "3", "4"])
      assert.strictEqual(server.queries.length, 5)
      const endless = makeServer((_, __, index) => page((index % 2 === 0 ? [1, 2] : [2, 1]).map(contact)))
      assert.deepStrictEqual(yield* collect(endless, { pageSize: 2 }), ["1", "2"])
      assert.strictEqual(endless.queries.length, 4)
    })
  )

  it.effect("continues if the total is too small, and ends if the number of contacts shrinks", () =>
    Effect.gen(function* () {
      const wrong = makeServer((limit, offset) => page(upTo(130).slice(offset, offset + limit), 7))
      assert.strictEqual((yield* collect(wrong)).length, 130)
      const shrinking = makeServer((limit, offset, index) => {
        const all = upTo(130 - index * 50)
        return page(all.slice(offset, offset + limit), all.length)
      })
      assert.strictEqual((yield* collect(shrinking)).length, 80)
    })
  )

  it.effect("requests a page only when it is pulled, and can be run again", () =>
    Effect.gen(function* () {
      const server = makeCorrectServer(upTo(500), 50, "true")
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

  it.effect("fails with Validation for a bad query or page size", () =>
    Effect.gen(function* () {
      for (const [bad, options] of [
        [{} as { name: string }, {}],
        [{ name: "" }, {}],
        [query, { pageSize: 0 }],
        [query, { pageSize: 1.5 }],
        [query, { pageSize: Number.NaN }]
      ] as const) {
        const error = yield* ContactsStream.search(bad, options).pipe(Stream.runDrain, Effect.flip)
        assert.deepInclude(error, { _tag: "Validation", source: "client" })
      }
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("reads all contacts of a sandbox whose pages are shorter than the page size", () =>
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

const collectPages = (server: ReturnType<typeof makeServer>, options?: ContactsStream.PageOptions) =>
  ContactsStream.pages(query, options).pipe(Stream.runCollect, Effect.provide(server.layer))

describe("pages", () => {
  it.effect("emits each page with its total, and one empty page if nothing matches", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* collectPages(makeCorrectServer(upTo(5), 2, "true")), [
        page(upTo(2), 5),
        page(upTo(4).slice(2), 5),
        page(upTo(5).slice(4), 5)
      ])
      assert.deepStrictEqual(yield* collectPages(makeCorrectServer([], 2, "true")), [page([], 0)])
    })
  )

  it.effect("removes contacts that were emitted before, and skips pages without a new contact", () =>
    Effect.gen(function* () {
      const pages = [[1, 2, 2], [3, 1, 4], [1, 2, 3], [5]]
      const server = makeServer((_, __, index) => page((pages[index] ?? []).map(contact), index))
      assert.deepStrictEqual(yield* collectPages(server, { pageSize: 3 }), [
        page([1, 2].map(contact), 0),
        page([3, 4].map(contact), 1),
        page([5].map(contact), 3)
      ])
    })
  )
})
