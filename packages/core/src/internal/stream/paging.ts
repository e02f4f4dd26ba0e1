/** Pagination of a search: the offset of the next page, the end of the results, and the removal of duplicates. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { CallError } from "../../AgentalkError.ts"
import type { SearchPage, SearchQuery } from "../../Contact.ts"
import { Contacts } from "../../Contacts.ts"

// The page size that the server uses by default, according to the contract. A page of this length counts as full even
// if more contacts were requested, because the server may limit its pages.
const defaultPageSize = 50

// A page can consist only of contacts that were on earlier pages, because contacts can move to a later page during the
// search. Three such pages in a row end the search.
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
    // Some servers report the length of the page as the total. After a full page, such a total does not prove that the
    // search has ended.
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

/** Makes a function that returns whether an id is new. If a set is full, the function adds another set. */
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

/**
 * Streams the elements that `toElements` returns for each page. Except for the first page, a page without a new contact
 * emits nothing.
 */
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
