/** The pages of a search: where the next one begins, when there is none, and what was seen before. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { CallError } from "../../AgentalkError.ts"
import type { SearchPage, SearchQuery } from "../../Contact.ts"
import { Contacts } from "../../Contacts.ts"

// What the contract names as the server's own limit: a page as long as that may have been cut there.
const defaultPageSize = 50

// Rows that move down while we read make pages that were seen, but not for ever.
const maxStalePages = 3

/** Whether there is nothing behind a page, by all that was received so far. */
const makeIsLast = (limit: number) => {
  let received = 0
  let longest = 0
  let stale = 0
  let begin: string | undefined
  return ({ contacts, total }: SearchPage, hasNew: boolean): boolean => {
    const { length } = contacts
    if (length === 0) return true
    received += length
    // Some servers count the page instead of what was found.
    const isTrusted = length < Math.min(limit, defaultPageSize) || !Option.contains(total, length)
    if (isTrusted && Option.contains(total, received)) return true
    if (length < limit && length < longest) return true
    longest = Math.max(longest, length)
    if (hasNew) stale = 0
    else if (++stale >= maxStalePages || contacts[0]?.id === begin) return true
    begin = contacts[0]?.id
    return false
  }
}

/** The query of one page. What cannot be read is left to the search, which refuses it. */
const queryOf = (query: SearchQuery, limit: number, offset: number): SearchQuery => {
  try {
    return { ...query, limit, offset }
  } catch {
    return query
  }
}

export const read = <A>(
  query: Omit<SearchQuery, "limit" | "offset">,
  options: { readonly pageSize?: number | undefined },
  toElements: (page: SearchPage) => ReadonlyArray<A>
): Stream.Stream<A, CallError, Contacts> =>
  Stream.unwrap(
    Effect.map(Contacts, (api) => {
      const limit = options.pageSize ?? defaultPageSize
      const seen = new Set<string>()
      const isLast = makeIsLast(limit)
      return Stream.paginate(0, (offset) =>
        Effect.map(api.search(queryOf(query as SearchQuery, limit, offset)), (page) => {
          const { length } = page.contacts
          const contacts = page.contacts.filter((contact) => seen.size < seen.add(contact.id).size)
          const hasNew = contacts.length > 0
          const next = isLast(page, hasNew) ? Option.none() : Option.some(offset + length)
          if (!hasNew && offset > 0) return [[], next]
          return [toElements({ contacts, total: page.total }), next]
        })
      )
    })
  )
