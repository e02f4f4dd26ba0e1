/**
 * Finds the differences between two OpenAPI documents of one API.
 *
 * Both documents are normalized by the rules below and then compared key by key. Every remaining difference is drift.
 *
 * 1. A `$ref` is replaced by its target, because a document may define a part once or repeat it.
 * 2. `description`, `summary` and the version of OpenAPI are ignored: they do not change the API.
 * 3. Header names are compared in lower case: they are case-insensitive (RFC 9110, section 5.1).
 * 4. Names of authentication schemes are compared in lower case: they are case-insensitive (RFC 9110, section 11.1).
 * 5. Parameters, operations and lists of required keys or tags are sets: their order has no meaning.
 * 6. `required` of a parameter and of a body defaults to `false`, as OpenAPI defines it.
 * 7. `requestBody.required` may be stricter in the derived document, because the client always sends a declared body.
 * 8. `additionalProperties` absent, `{}` and `true` all mean an open object, as JSON Schema defines it.
 * 9. A request body may be closed in the derived document, because the client sends only the declared keys.
 * 10. `nullable: true` in OpenAPI 3.0 equals the type `"null"` in 3.1, and a list of one type equals that type.
 * 11. `security` of the document applies to every operation without its own, as OpenAPI defines it.
 * 12. Tags of the document are ignored, because they only group pages of documentation. Tags of operations are compared.
 */

type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject
interface JsonObject {
  readonly [key: string]: Json
}

const isObject = (u: Json | undefined): u is JsonObject => typeof u === "object" && u !== null && !Array.isArray(u)
const asObject = (u: Json | undefined): JsonObject => (isObject(u) ? u : {})
const asArray = (u: Json | undefined): ReadonlyArray<Json> => (Array.isArray(u) ? u : [])
const asText = (u: Json | undefined): string => (typeof u === "string" ? u : "")

const mapValues = (object: Json | undefined, f: (value: Json, key: string) => Json): JsonObject =>
  Object.fromEntries(Object.entries(asObject(object)).map(([key, value]) => [key, f(value, key)]))

/** Turns the members of a list into the keys of an object, so that their order has no meaning (rule 5). */
const asSet = (list: Json | undefined): JsonObject =>
  Object.fromEntries(asArray(list).map((item) => [asText(item), true]))

const without = (object: JsonObject, ...keys: ReadonlyArray<string>): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))

const withoutProse = (object: JsonObject): JsonObject => without(object, "description", "summary")

/** Returns the types of a schema as one set, for OpenAPI 3.0 and 3.1 (rule 10). */
const types = (type: Json | undefined, nullable: Json | undefined): JsonObject => {
  const all = asSet(Array.isArray(type) ? type : type === undefined ? [] : [type])
  return nullable === true ? { ...all, null: true } : all
}

const methods: ReadonlySet<string> = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace"])

const normalize = (document: JsonObject): JsonObject => {
  const resolve = (part: Json | undefined): JsonObject => {
    const object = asObject(part)
    const ref = object["$ref"]
    if (typeof ref !== "string") return withoutProse(object)
    const found = ref
      .slice("#/".length)
      .split("/")
      .reduce<Json | undefined>((at, key) => asObject(at)[key], document)
    return found === undefined ? { unresolved: ref } : resolve(found)
  }

  const schema = (part: Json | undefined): JsonObject => {
    const { additionalProperties, items, nullable, properties, required, type, ...rest } = resolve(part)
    const isOpen =
      additionalProperties === undefined ||
      additionalProperties === true ||
      (isObject(additionalProperties) && Object.keys(additionalProperties).length === 0)
    return {
      ...rest,
      type: types(type, nullable),
      properties: mapValues(properties, schema),
      required: asSet(required),
      ...(items !== undefined && { items: schema(items) }),
      ...(!isOpen && { additionalProperties: isObject(additionalProperties) ? schema(additionalProperties) : false })
    }
  }

  const content = (part: Json | undefined): JsonObject =>
    mapValues(part, (media) => ({ ...asObject(media), schema: schema(asObject(media)["schema"]) }))

  const parameters = (...lists: ReadonlyArray<Json | undefined>): JsonObject =>
    Object.fromEntries(
      lists.flatMap(asArray).map((part) => {
        const { in: place, name, required = false, schema: type, ...rest } = resolve(part)
        const key = place === "header" ? asText(name).toLowerCase() : asText(name)
        return [`${asText(place)} ${key}`, { ...rest, required, schema: schema(type) }]
      })
    )

  const body = (part: Json | undefined): Json => {
    if (part === undefined) return "none"
    const { content: media, required = false, ...rest } = resolve(part)
    return { ...rest, required, content: content(media) }
  }

  const operation = (part: JsonObject, shared: Json | undefined): JsonObject => {
    const { parameters: own, requestBody, responses, security, tags, ...rest } = withoutProse(part)
    return {
      ...rest,
      parameters: parameters(shared, own),
      requestBody: body(requestBody),
      responses: mapValues(responses, (response) => {
        const { content: media, ...others } = resolve(response)
        return { ...others, content: content(media) }
      }),
      security: security ?? document["security"] ?? [],
      tags: asSet(tags)
    }
  }

  const { components, info, paths, servers, ...rest } = without(document, "openapi", "security", "tags")
  return {
    ...rest,
    info: withoutProse(asObject(info)),
    servers: asArray(servers).map((server) => withoutProse(asObject(server))),
    securitySchemes: mapValues(asObject(components)["securitySchemes"], (part) => {
      const scheme = resolve(part)
      return { ...scheme, scheme: asText(scheme["scheme"]).toLowerCase() }
    }),
    operations: Object.fromEntries(
      Object.entries(asObject(paths)).flatMap(([path, item]) =>
        Object.entries(asObject(item))
          .filter(([method]) => methods.has(method))
          .map(([method, part]) => [
            `${method.toUpperCase()} ${path}`,
            operation(asObject(part), asObject(item)["parameters"])
          ])
      )
    )
  }
}

/** Whether the derived document may be stricter at this place (rules 7 and 9). */
const isAllowed = (place: ReadonlyArray<string>, published: Json | undefined, derived: Json | undefined): boolean => {
  const key = place.at(-1)
  return (
    place[2] === "requestBody" &&
    ((key === "required" && place.length === 4 && published === false && derived === true) ||
      (key === "additionalProperties" && place.length === 7 && published === undefined && derived === false))
  )
}

const compare = (
  published: Json | undefined,
  derived: Json | undefined,
  place: ReadonlyArray<string>
): ReadonlyArray<string> => {
  if (isObject(published) && isObject(derived)) {
    return [...new Set([...Object.keys(published), ...Object.keys(derived)])].flatMap((key) =>
      compare(published[key], derived[key], [...place, key])
    )
  }
  const [left, right] = [published, derived].map((side) => (side === undefined ? "nothing" : JSON.stringify(side)))
  return left === right || isAllowed(place, published, derived)
    ? []
    : [`${place.join(" > ")}: published ${left}, derived ${right}`]
}

/** Returns the differences between a published and a derived document, one line each, beginning with the place. */
export const findDrift = (published: unknown, derived: unknown): ReadonlyArray<string> =>
  compare(normalize(published as JsonObject), normalize(derived as JsonObject), [])
