/** Finds the operation of a request by its method and path. */

export interface Route<Operation extends string> {
  readonly operation: Operation
  readonly method: string
  /** The path, with parameters such as `:contact_id`. */
  readonly path: string
}

export interface RouteMatch<Operation extends string> {
  readonly operation: Operation
  /** The path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>
}

/** Returns a sort key: `0` for each literal segment, `1` for each parameter. Literal segments sort first. */
const precedenceOf = (path: string): string =>
  path
    .split("/")
    .map((segment) => (segment.startsWith(":") ? "1" : "0"))
    .join("")

const toRegExp = (path: string): RegExp =>
  new RegExp(`^${path.replace(/\/$/, "").replace(/:(\w+)/g, "(?<$1>[^/]+)")}/?$`)

/** Decodes a path segment. A segment that cannot be decoded is kept as it was sent. */
const decodeSegment = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Makes a function that matches a method and a path. A literal segment takes precedence over a parameter. */
export const makeRouteMatcher = <Operation extends string>(routes: Iterable<Route<Operation>>) => {
  const patterns = Array.from(routes, (route) => ({
    ...route,
    precedence: precedenceOf(route.path),
    regExp: toRegExp(route.path)
  })).toSorted((a, b) => a.precedence.localeCompare(b.precedence))

  return (method: string, path: string): RouteMatch<Operation> | undefined => {
    for (const pattern of patterns) {
      const found = pattern.method === method ? pattern.regExp.exec(path) : null
      if (found === null) continue
      const params = Object.entries(found.groups ?? {}).map(([name, segment]) => [name, decodeSegment(segment)])
      return { operation: pattern.operation, params: Object.fromEntries(params) }
    }
    return undefined
  }
}
