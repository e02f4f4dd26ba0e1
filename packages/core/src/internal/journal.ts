/** The record of what a sandbox was asked, and what it answered. */
import type { Json } from "effect/Schema"
import { ContactsGroup } from "../AgentalkApi.ts"
import type * as Faults from "../Faults.ts"

/** A request as it arrived. */
export interface Arrival {
  readonly method: string
  /** The path and the query, as they were sent. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** A request, and what became of it so far. */
export interface Entry extends Faults.Request {
  readonly fault: string | undefined
  status: number | undefined
}

const maxEntries = 1000

const matchers = Object.values(ContactsGroup.endpoints).map(({ identifier, method, path }) => ({
  operation: identifier,
  method,
  pattern: new RegExp(`^${path.replace(/\/$/, "").replace(/:(\w+)/g, "(?<$1>[^/]+)")}/?$`)
}))

/** What cannot be decoded stays as it was sent. */
const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

const jsonOf = (text: string): Json | undefined => {
  if (text === "") return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

/** The organization that a request is for: the one it names, else that of its token. */
export const organizationOf = (headers: Arrival["headers"]): string =>
  (headers["x-organization-id"] ?? headers["authorization"]?.replace(/^Bearer /i, "").split(".")[0] ?? "").toLowerCase()

const read = ({ headers, method, url }: Arrival, body: string, index: number): Faults.Request => {
  const [path = "", query = ""] = url.split("?")
  const matcher = matchers.find((one) => one.method === method && one.pattern.test(path))
  const segments = Object.entries(matcher?.pattern.exec(path)?.groups ?? {})
  const { authorization: _, ...shown } = headers
  return {
    index,
    operation: matcher?.operation,
    method,
    path: url,
    params: Object.fromEntries([
      ...segments.map(([name, segment]) => [name, decoded(segment)]),
      ...new URLSearchParams(query)
    ]),
    organization: organizationOf(headers),
    headers: shown,
    body: jsonOf(body)
  }
}

export const makeJournal = () => {
  let entries: Array<Entry> = []
  let count = 0
  let script: Faults.Script | undefined
  return {
    /** Takes down a request, and tells the fault that strikes it. */
    enter: (arrival: Arrival, body: string): { readonly entry: Entry; readonly fault: Faults.Fault | undefined } => {
      const request = read(arrival, body, ++count)
      const fault = script?.(request)
      const entry: Entry = { ...request, fault: fault?.name, status: undefined }
      entries.push(entry)
      if (entries.length > maxEntries) entries.shift()
      return { entry, fault }
    },
    script: (next: Faults.Script): void => {
      script = next
    },
    all: (): ReadonlyArray<Readonly<Entry>> => entries.map((entry) => Object.assign({}, entry)),
    clear: (): void => {
      entries = []
      count = 0
      script = undefined
    }
  }
}

export type Journal = ReturnType<typeof makeJournal>
