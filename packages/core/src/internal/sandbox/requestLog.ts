/** The log of the requests that a sandbox received. It also holds the script that chooses a fault for each request. */
import * as Result from "effect/Result"
import type { Json } from "effect/Schema"
import { operations } from "../../Operations.ts"
import { operationNames, routerPath } from "../operation.ts"
import { parseJson } from "../wire/json.ts"
import { tokenOf } from "../wire/text.ts"
import type { Fault, Request, Script } from "./fault.ts"
import { makeRouteMatcher } from "./routeMatcher.ts"

/** A request as the server received it. */
export interface IncomingRequest {
  readonly method: string
  /** The path and the query, as they were sent. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
}

/**
 * A request that a sandbox received, its fault, and the status of its response.
 *
 * @category testing
 * @since 0.1.0
 */
export interface RecordedRequest extends Request {
  /** The name of the fault that the script chose, if any. */
  readonly fault: string | undefined
  /** The status of the response: `undefined` if no response was sent, or not yet. */
  readonly status: number | undefined
}

const maxEntries = 1000

const matchRoute = makeRouteMatcher(
  operationNames.map((operation) => ({
    operation,
    method: operations[operation].method,
    path: routerPath(operation)
  }))
)

/** Parses a JSON body. A body that is not JSON is kept as text. */
const parseBody = (text: string): Json | undefined =>
  text === "" ? undefined : (Result.getOrElse(parseJson(text), () => text) as Json)

/** The organization of a request: the one in `X-Organization-ID`, otherwise that of the token. */
export const organizationOf = (headers: IncomingRequest["headers"]): string =>
  (headers["x-organization-id"] ?? tokenOf(headers["authorization"] ?? "").split(".")[0] ?? "").toLowerCase()

const parse = ({ headers, method, url }: IncomingRequest, body: string, index: number): Request => {
  const [path = "", query = ""] = url.split("?")
  const match = matchRoute(method, path)
  const { authorization: _, ...headersWithoutToken } = headers
  return {
    index,
    operation: match?.operation,
    method,
    path: url,
    params: { ...match?.params, ...Object.fromEntries(new URLSearchParams(query)) },
    organization: organizationOf(headers),
    headers: headersWithoutToken,
    body: parseBody(body)
  }
}

interface Recording {
  /** The fault that the script chose for the request, if any. */
  readonly fault: Fault | undefined
  /** Adds the status of the response to the log. */
  readonly setStatus: (status: number) => void
}

export const makeRequestLog = () => {
  let entries: Array<{ -readonly [K in keyof RecordedRequest]: RecordedRequest[K] }> = []
  let count = 0
  let script: Script | undefined
  return {
    /** Adds a request to the log and asks the script for its fault. */
    record: (incoming: IncomingRequest, body: string): Recording => {
      const request = parse(incoming, body, ++count)
      const fault = script?.(request)
      const entry: (typeof entries)[number] = { ...request, fault: fault?.name, status: undefined }
      entries.push(entry)
      if (entries.length > maxEntries) entries.shift()
      return {
        fault,
        setStatus: (status) => {
          entry.status = status
        }
      }
    },
    setScript: (next: Script): void => {
      script = next
    },
    /** Copies of the entries, oldest first. */
    all: (): ReadonlyArray<RecordedRequest> => entries.map((entry) => Object.assign({}, entry)),
    clear: (): void => {
      entries = []
      count = 0
      script = undefined
    }
  }
}

export type RequestLog = ReturnType<typeof makeRequestLog>
