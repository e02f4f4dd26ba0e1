/**
 * The routes of a sandbox: one handler for each operation of the contract, and the check of the token. Error responses
 * have the shape of Django REST Framework, which the API very probably uses.
 *
 * A new operation of the contract needs one handler in `layerHandlers` and one method in `store.ts`.
 */
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import { AgentalkApi, OrganizationApiToken } from "../../AgentalkApi.ts"
import type { Issue } from "../../Issue.ts"
import { FieldsInput, TagsInput, UpsertInput } from "../../Contact.ts"
import { OrganizationId } from "../../Settings.ts"
import { ApiToken } from "../../Token.ts"
import { fromSchema } from "../wire/schemaIssues.ts"
import { type Options, token } from "./options.ts"
import { organizationOf } from "./requestLog.ts"
import { Backend } from "./state.ts"
import type { StoredContact } from "./store.ts"

// --- responses ----------------------------------------------------------------------------------------------------

const json = (status: number, body: object): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(body, { status })

const notFound = json(404, { detail: "Not found." })

type ErrorBody = { [key: string]: ErrorBody | Array<string> }

// Without a prototype, `__proto__` is a key like any other.
const makeErrorBody = (): ErrorBody => Object.create(null)

/** Makes a 400 such as `{"phone": ["…"], "tags": {"0": ["…"]}}`: each message is at the path of the invalid value. */
const validationErrors = (issues: ReadonlyArray<Issue>): HttpServerResponse.HttpServerResponse => {
  const body = makeErrorBody()
  for (const { message, path } of issues) {
    let parent = body
    const keys = path.length === 0 ? ["non_field_errors"] : path.map(String)
    const lastKey = keys.pop() ?? ""
    for (const key of keys) {
      const child = parent[key]
      parent = parent[key] = child === undefined || Array.isArray(child) ? makeErrorBody() : child
    }
    const messages = parent[lastKey]
    parent[lastKey] = Array.isArray(messages) ? [...messages, message] : [message]
  }
  return json(400, body)
}

const toJson = (contact: StoredContact): Schema.JsonObject => ({
  ...contact,
  tags: contact.tags.map((tag) => ({ ...tag }))
})

const contactOrNotFound = (contact: StoredContact | undefined) =>
  contact === undefined ? notFound : { contact: toJson(contact) }

// --- operations ---------------------------------------------------------------------------------------------------

const defaultPageSize = 50

/**
 * Makes a function that validates a value with the schema of the client, because the contract itself checks less.
 * `handle` receives the decoded value. The response to an invalid value is a 400. `path` is the path of the value in
 * the body.
 */
const validate = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, ...path: ReadonlyArray<string>) => {
  const decode = SchemaParser.decodeUnknownResult(schema, { errors: "all" })
  return <A>(
    value: unknown,
    handle: (value: S["Type"]) => A
  ): Effect.Effect<A | HttpServerResponse.HttpServerResponse> =>
    Effect.sync(() => {
      const decoded = decode(value)
      return Result.isFailure(decoded) ? validationErrors(fromSchema(decoded.failure, path)) : handle(decoded.success)
    })
}

const validateUpsert = validate(UpsertInput)
const validateTags = validate(TagsInput, "tags")
const validateFields = validate(FieldsInput, "fields")

// A response lists all invalid values, not only the first.
const api = AgentalkApi.annotate(HttpApi.PayloadParseOptions, { errors: "all" })

const layerHandlers = ({ maxPageSize = 100 }: Options) =>
  HttpApiBuilder.group(
    api,
    "Contacts",
    Effect.fnUntraced(function* (handlers) {
      const { store } = yield* Backend
      const contactsOf = ({ headers }: HttpServerRequest.HttpServerRequest) =>
        store.organization(organizationOf(headers))

      return handlers.handleAll({
        upsert: ({ payload, request }) =>
          validateUpsert(payload, (input) => {
            const { contact, isNew } = contactsOf(request).upsert(input)
            return json(isNew ? 201 : 200, { contact: toJson(contact), isNew })
          }),

        delete: ({ params, request }) =>
          Effect.sync(() => {
            const existed = contactsOf(request).delete(params.contact_id)
            return existed ? { message: "Contact deleted" } : notFound
          }),

        updateFields: ({ params, payload, request }) =>
          validateFields(payload.fields, (fields) =>
            contactOrNotFound(contactsOf(request).updateFields(params.contact_id, fields))
          ),

        clearField: ({ params, request }) =>
          Effect.sync(() =>
            params.field_key === "phone"
              ? json(400, { phone: ["The phone number of a contact cannot be cleared."] })
              : contactOrNotFound(contactsOf(request).clearField(params.contact_id, params.field_key))
          ),

        addTags: ({ params, payload, request }) =>
          validateTags(payload.tags, (tags) => contactOrNotFound(contactsOf(request).addTags(params.contact_id, tags))),

        removeTag: ({ params, request }) =>
          Effect.sync(() => contactOrNotFound(contactsOf(request).removeTag(params.contact_id, params.tag_id_or_name))),

        search: ({ query, request }) =>
          Effect.sync(() => {
            if (query.name === undefined && query.phone === undefined) {
              return json(400, { non_field_errors: ["At least one of name and phone is required."] })
            }
            const found = contactsOf(request).search(query)
            const offset = Math.max(0, query.offset ?? 0)
            const limit = Math.min(Math.max(1, query.limit ?? defaultPageSize), maxPageSize)
            return { contacts: found.slice(offset, offset + limit).map(toJson), total: found.length }
          })
      })
    })
  )

// --- authorization ------------------------------------------------------------------------------------------------

const isToken = Schema.is(ApiToken)
const isOrganization = Schema.is(OrganizationId)

// Effect may wrap the error of a handler before a security middleware receives it.
const schemaErrorOf = (error: unknown): HttpApiSchemaError | undefined =>
  [error, Predicate.hasProperty(error, "error") ? error.error : undefined].find((u) => HttpApiSchemaError.is(u))

const layerAuthorization = (options: Options) =>
  Layer.sync(OrganizationApiToken, () => {
    const tokens = new Set((options.tokens ?? [token]).map(Redacted.value))
    const organizations = options.organizations && new Set(options.organizations.map((id) => id.toLowerCase()))

    /** Returns an error response if the token or the organization of a request is not accepted. */
    const refusal = (request: HttpServerRequest.HttpServerRequest, credential: string) => {
      if (credential === "") return json(401, { detail: "No organization API token was sent." })
      if (!isToken(credential) || !tokens.has(credential)) {
        return json(401, { detail: "The organization API token is not valid." })
      }
      const organization = request.headers["x-organization-id"]?.toLowerCase()
      if (organization === undefined) return undefined
      if (!isOrganization(organization)) return json(400, { detail: "X-Organization-ID is not a UUID." })
      const isOwn = organization === credential.split(".")[0]?.toLowerCase()
      if (!isOwn && organizations !== undefined && !organizations.has(organization)) {
        return json(403, { detail: "The token cannot access this organization." })
      }
      return undefined
    }

    return OrganizationApiToken.of({
      OrganizationApiToken: (operation, { credential }) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          const refused = refusal(request, Redacted.value(credential))
          if (refused !== undefined) return Effect.succeed(refused)
          return Effect.catch(operation, (error) => {
            const schemaError = schemaErrorOf(error)
            return schemaError === undefined
              ? Effect.fail(error)
              : Effect.succeed(validationErrors(fromSchema(schemaError.cause.issue)))
          })
        })
    })
  })

/** The routes of the contract, and a 404 for every other path. */
export const layer = (options: Options) =>
  HttpApiBuilder.layer(api).pipe(
    Layer.provide(layerHandlers(options)),
    Layer.provide(layerAuthorization(options)),
    Layer.merge(HttpRouter.add("*", "/*", notFound))
  )
