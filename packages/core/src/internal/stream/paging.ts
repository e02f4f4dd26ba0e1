/** Pagination of a search: the offset of the next page, the end of the results, and the removal of duplicates. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { CallError } from "../../AgentalkError.ts"
import type { SearchPage, SearchQuery } from "../../Contact.ts"
import { Contacts } from "../../Contacts.ts"

// The contract names 50 as the server's own limit, so the server may have cut a page of that length.
const defaultPageSize = 50

// Contacts that move to a later page while we read are received again. Three pages without a new contact end the search.
const maxStalePages = 3

/** Makes a function that returns whether a page is the last one. It keeps state and must see every page once, in order. */
const makeIsLastPage = (limit: number) => {
  let received = 0
  let longestPage = 0
  let stalePages = 0
  let previousFirstId: string | undefined
  return ({ contacts, total }: SearchPage, hasNewContact: boolean): boolean => {
    const { length } = contacts
    if (length === 0) return true
    received += length
    // Some servers report the length of the page as the total. A total equal to the length of a full page is ambiguous.
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

/** The query of one page. A query that cannot be read is passed on unchanged, so that `search` refuses it. */
const pageQuery = (query: SearchQuery, limit: number, offset: number): SearchQuery => {
  try {
    return { ...query, limit, offset }
  } catch {
    return query
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
      const seenIds = new Set<string>()
      // `add` increases the size only if the id is new.
      const addId = (id: string): boolean => seenIds.size < seenIds.add(id).size
      const isLastPage = makeIsLastPage(limit)
      return Stream.paginate(0, (offset) =>
        Effect.map(api.search(pageQuery(query as SearchQuery, limit, offset)), (page) => {
          const { length } = page.contacts
          const contacts = page.contacts.filter(({ id }) => addId(id))
          const hasNewContact = contacts.length > 0
          const next = isLastPage(page, hasNewContact) ? Option.none() : Option.some(offset + length)
          if (!hasNewContact && offset > 0) return [[], next]
          return [toElements({ contacts, total: page.total }), next]
        })
      )
    })
  )
