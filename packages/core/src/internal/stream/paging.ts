/** Pagination of a search: the offset of the next page, the end of the results, and the removal of duplicates. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { CallError } from "../../AgentalkError.ts"
import type { SearchPage, SearchQuery } from "../../Contact.ts"
import { Contacts } from "../../Contacts.ts"

// The server's own limit, by the contract. A page of this length may have been cut by the server.
const defaultPageSize = 50

// A page can consist of contacts that moved to it from an earlier page. Three such pages in a row end the search.
const maxStalePages = 3

/** Makes a function that returns whether a page is the last one. Call it once for each page, in order. */
const makeIsLastPage = (limit: number) => {
  let received = 0
  let longestPage = 0
  let stalePages = 0
  let previousFirstId: string | undefined
  return ({ contacts, total }: SearchPage, hasNewContact: boolean): boolean => {
    const { length } = contacts
    if (length === 0) return true
    received += length
    // Some servers report the length of the page as the total. For a full page, such a total proves nothing.
    const isTotalReliable = length < Math.min(limit, defaultPageSize) || !Option.contains(total, length)
    if (isTotalReliable && Option.contains(total, received)) return true
    if (length < limit && length < longestPage) return true
    longestPage = Math.max(longestPage, length)
    if (hasNewContact) stalePages = 0
    else if (++stalePages >= maxStalePages || contacts[0]?.id === previousFirstId) return true
    previousFirstId = contacts[0]?.id
    return false
  }
}

/** Makes the query of one page. A query that cannot be read is passed on unchanged, so that `search` refuses it. */
const pageQuery = (query: SearchQuery, limit: number, offset: number): SearchQuery => {
  try {
    return { ...query, limit, offset }
  } catch {
    return query
  }
}

// A `Set` of V8 throws a `RangeError` beyond 2^24 entries.
const maxSetSize = 16_000_000

/** Makes a function that returns whether an id is new. It uses as many sets as the ids need. */
export const makeIsNewId = (maxSize = maxSetSize) => {
  let current = new Set<string>()
  const sets = [current]
  return (id: string): boolean => {
    if (sets.some((ids) => ids.has(id))) return false
    if (current.size >= maxSize) {
      current = new Set()
      sets.push(current)
    }
    current.add(id)
    return true
  }
}

/** Streams the elements that `toElements` returns for each page. A page without a new contact emits nothing. */
export const paginate = <A>(
  query: Omit<SearchQuery, "limit" | "offset">,
  options: { readonly pageSize?: number | undefined },
  toElements: (page: SearchPage) => ReadonlyArray<A>
): Stream.Stream<A, CallError, Contacts> =>
  Stream.unwrap(
    Effect.map(Contacts, (api) => {
      const limit = options.pageSize ?? defaultPageSize
      const isNewId = makeIsNewId()
      const isLastPage = makeIsLastPage(limit)
      return Stream.paginate(0, (offset) =>
        Effect.map(api.search(pageQuery(query as SearchQuery, limit, offset)), (page) => {
          const { length } = page.contacts
          const contacts = page.contacts.filter(({ id }) => isNewId(id))
          const hasNewContact = contacts.length > 0
          const next = isLastPage(page, hasNewContact) ? Option.none() : Option.some(offset + length)
          if (!hasNewContact && offset > 0) return [[], next]
          return [toElements({ contacts, total: page.total }), next]
        })
      )
    })
  )
