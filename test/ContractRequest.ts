/**
 * Finds the violations of an OpenAPI contract in a request: in its path, method, parameters, headers and body. Ajv checks
 * the schemas. This module reads the rest of the contract by the rules of OpenAPI 3.0.
 *
 * The check is stricter than the contract: it also reports everything that the contract does not declare, because the
 * client promises to send nothing else.
 */
import { Ajv } from "ajv"
import { fullFormats } from "ajv-formats/dist/formats.js"

/** A request as it is sent. */
export interface WireRequest {
  readonly method: string
  /** The path and the query string. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: { readonly type?: string }
}

interface ParameterReference {
  readonly $ref: string
}

interface Operation {
  readonly operationId: string
  readonly parameters?: ReadonlyArray<Parameter | ParameterReference>
  readonly requestBody?: {
    readonly content: { readonly "application/json": { readonly schema: { readonly properties?: object } } }
  }
}

/** The parts of a contract that describe requests. */
export interface Contract {
  readonly paths: Readonly<Record<string, object>>
  readonly components: { readonly parameters: Readonly<Record<string, Parameter>> }
}

const ajv = new Ajv({ allErrors: true, strict: true, formats: fullFormats })

const schemaViolations = (schema: object, value: unknown, place: string): ReadonlyArray<string> => {
  const validate = ajv.compile(schema)
  if (validate(value)) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${place}${instancePath}: ${message}`)
}

// RFC 3986, sections 3.3 and 3.4. A query string is also form-encoded, so a plus sign in it means a space.
const segmentPattern = /^(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-F]{2})+$/i
const queryPattern = /^(?:[\w.~!$'()*,;:@/?-]|%[0-9A-F]{2}|\+)*$/i
// RFC 9110, section 5.5, without its obsolete forms.
const headerPattern = /^[!-~](?:[\t -~]*[!-~])?$/

/** Decodes percent-encoded text, or returns `undefined` if it is not UTF-8. */
const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Converts the text of a parameter to the type of its schema. Only integers need a conversion. */
const toTypedValue = ({ schema }: Parameter, text: string): unknown =>
  schema.type === "integer" && /^-?\d+$/.test(text) ? Number(text) : text

const checkParameter = (parameter: Parameter, texts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const place = `${parameter.in} ${parameter.name}`
  const [text, ...others] = texts
  if (text === undefined) return parameter.required === true ? [`${place}: missing`] : []
  if (others.length > 0) return [`${place}: more than once`]
  return schemaViolations(parameter.schema, toTypedValue(parameter, text), place)
}

/** Returns the raw path parameters, or `undefined` if the path does not match the template. */
const matchPath = (template: string, path: string): ReadonlyArray<readonly [string, string]> | undefined => {
  const names = template.split("/")
  const segments = path.split("/")
  if (names.length !== segments.length) return undefined
  const found: Array<readonly [string, string]> = []
  for (const [index, name] of names.entries()) {
    const segment = segments[index] ?? ""
    const parameter = /^\{(\w+)\}$/.exec(name)?.[1]
    if (parameter !== undefined) found.push([parameter, segment])
    else if (name !== segment) return undefined
  }
  return found
}

/** Orders paths without parameters first, because they match before templates (OpenAPI 3.0, Paths Object). */
const byParameterCount = ([a]: readonly [string, object], [b]: readonly [string, object]): number =>
  a.split("{").length - b.split("{").length

const checkQuery = (query: string, parameters: ReadonlyArray<Parameter>): ReadonlyArray<string> => {
  if (query === "") return []
  const pairs = query.split("&").map((pair) => pair.split("=").map((part) => decode(part.replaceAll("+", " "))))
  if (
    pairs.some(
      (pair) => pair.length !== 2 || pair.includes(undefined) || !queryPattern.test(query.replace(/[&=]/g, ""))
    )
  ) {
    return ["query: malformed"]
  }
  const declared = parameters.filter((parameter) => parameter.in === "query")
  const unknown = pairs.filter(([name]) => !declared.some((parameter) => parameter.name === name))
  return unknown.map(([name]) => `query ${name}: not declared`)
}

const queryTexts = (query: string, name: string): ReadonlyArray<string> => new URLSearchParams(query).getAll(name)

const checkBody = (operation: Operation, { body, headers }: WireRequest): ReadonlyArray<string> => {
  const declared = operation.requestBody?.content["application/json"].schema
  if (declared === undefined) {
    return body === undefined && headers["content-type"] === undefined ? [] : ["body: not declared"]
  }
  if (body === undefined) return ["body: missing"]
  if (headers["content-type"] !== "application/json") return ["body: not application/json"]
  const value: unknown = JSON.parse(body)
  const unknown = Object.keys(value ?? {}).filter((key) => !Object.hasOwn(declared.properties ?? {}, key))
  return [...schemaViolations(declared, value, "body"), ...unknown.map((key) => `body ${key}: not declared`)]
}

// These headers are always allowed. The contract describes `authorization` only by its security schemes.
const standardHeaders: ReadonlySet<string> = new Set(["authorization", "content-type", "content-length", "accept"])

const checkHeaders = (parameters: ReadonlyArray<Parameter>, { headers }: WireRequest): ReadonlyArray<string> => {
  const declared = new Set(
    parameters.filter((parameter) => parameter.in === "header").map(({ name }) => name.toLowerCase())
  )
  return [
    ...Object.entries(headers)
      .filter(([, value]) => !headerPattern.test(value))
      .map(([name]) => `header ${name}: malformed`),
    ...Object.keys(headers)
      .filter((name) => !standardHeaders.has(name) && !declared.has(name))
      .map((name) => `header ${name}: not declared`),
    ...(/^Bearer [0-9a-f-]{36}\.[!-~]+$/i.test(headers["authorization"] ?? "")
      ? []
      : ["header authorization: no token"])
  ]
}

/** Returns the operation that a request calls, and all its violations of the contract. */
export const findViolations = (
  contract: Contract,
  request: WireRequest
): { readonly operation: string | undefined; readonly violations: ReadonlyArray<string> } => {
  const [path = "", query = "", ...rest] = request.target.split("?")
  if (rest.length > 0 || /#/.test(request.target)) return { operation: undefined, violations: ["target: malformed"] }
  for (const [template, methods] of Object.entries(contract.paths).toSorted(byParameterCount)) {
    const found = matchPath(template, path)
    const operation: Operation | undefined = Object.entries(methods).find(
      ([method]) => method.toUpperCase() === request.method
    )?.[1]
    if (found === undefined || operation === undefined) continue
    const parameters = (operation.parameters ?? []).map((parameter) =>
      "$ref" in parameter ? contract.components.parameters[parameter.$ref.split("/").at(-1)!]! : parameter
    )
    const texts = ({ in: place, name }: Parameter): ReadonlyArray<string> => {
      if (place === "query") return queryTexts(query, name)
      if (place === "header") return [request.headers[name.toLowerCase()] ?? []].flat()
      return found.filter(([each]) => each === name).map(([, segment]) => decode(segment) ?? "")
    }
    const malformed = found.filter(([, segment]) => !segmentPattern.test(segment) || decode(segment) === undefined)
    return {
      operation: operation.operationId,
      violations: [
        ...malformed.map(([name]) => `path ${name}: malformed`),
        ...parameters.flatMap((parameter) => checkParameter(parameter, texts(parameter))),
        ...checkQuery(query, parameters),
        ...checkBody(operation, request),
        ...checkHeaders(parameters, request)
      ]
    }
  }
  return { operation: undefined, violations: [`${request.method} ${path}: no such operation`] }
}
