/** What a sandbox answers: the seven operations and who may do them, in the shapes of Django REST Framework. */
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
import type { Issue } from "../../AgentalkError.ts"
import { FieldsInput, TagsInput, UpsertInput } from "../../Contact.ts"
import { ApiToken, OrganizationId } from "../../Settings.ts"
import * as Issues from "../issues.ts"
import { organizationOf } from "./requestLog.ts"
import { type Options, token } from "./options.ts"
import { Backend } from "./state.ts"
import type { Stored } from "./store.ts"

// --- answers ------------------------------------------------------------------------------------------------------

const answer = (status: number, body: object): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(body, { status })

const notFound = answer(404, { detail: "Not found." })

type Messages = { [key: string]: Messages | Array<string> }

// Without a prototype, `__proto__` is a key like any other.
const makeMessages = (): Messages => Object.create(null)

/** `{"phone": ["…"], "tags": {"0": ["…"]}}`: a problem stands where the value stood, at any depth. */
const fieldErrors = (issues: ReadonlyArray<Issue>): HttpServerResponse.HttpServerResponse => {
  const body = makeMessages()
  for (const { message, path } of issues) {
    let at = body
    const keys = path.length === 0 ? ["non_field_errors"] : path.map(String)
    const last = keys.pop() ?? ""
    for (const key of keys) {
      const inner = at[key]
      at = at[key] = inner === undefined || Array.isArray(inner) ? makeMessages() : inner
    }
    const before = at[last]
    at[last] = Array.isArray(before) ? [...before, message] : [message]
  }
  return answer(400, body)
}

const toJson = (contact: Stored): Schema.JsonObject => ({ ...contact, tags: contact.tags.map((tag) => ({ ...tag })) })

const oneOr404 = (contact: Stored | undefined) => (contact === undefined ? notFound : { contact: toJson(contact) })

// --- the seven operations -----------------------------------------------------------------------------------------

const defaultPageSize = 50

/** Goes on with what the rules of the real input make of a value. */
const checked = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, ...under: ReadonlyArray<string>) => {
  const decode = SchemaParser.decodeUnknownResult(schema, { errors: "all" })
  return <A>(value: unknown, go: (value: S["Type"]) => A): Effect.Effect<A | HttpServerResponse.HttpServerResponse> =>
    Effect.sync(() => {
      const decoded = decode(value)
      return Result.isFailure(decoded) ? fieldErrors(Issues.fromSchema(decoded.failure, under)) : go(decoded.success)
    })
}

const checkUpsert = checked(UpsertInput)
const checkTags = checked(TagsInput, "tags")
const checkFields = checked(FieldsInput, "fields")

// A server tells everything that is wrong at once.
const api = AgentalkApi.annotate(HttpApi.PayloadParseOptions, { errors: "all" })

const layerHandlers = ({ maxPageSize = 100 }: Options) =>
  HttpApiBuilder.group(
    api,
    "Contacts",
    Effect.fnUntraced(function* (handlers) {
      const { store } = yield* Backend
      return handlers.handleAll({
        upsert: ({ payload, request }) =>
          checkUpsert(payload, (input) => {
            const { contact, isNew } = store.upsert(organizationOf(request.headers), input)
            return answer(isNew ? 201 : 200, { contact: toJson(contact), isNew })
          }),
        delete: ({ params, request }) =>
          Effect.sync(() =>
            store.delete(organizationOf(request.headers), params.contact_id) ? { message: "Contact deleted" } : notFound
          ),
        updateFields: ({ params, payload, request }) =>
          checkFields(payload.fields, (fields) =>
            oneOr404(store.updateFields(organizationOf(request.headers), params.contact_id, fields))
          ),
        clearField: ({ params, request }) =>
          Effect.sync(() =>
            params.field_key === "phone"
              ? answer(400, { phone: ["A contact keeps its phone number."] })
              : oneOr404(store.clearField(organizationOf(request.headers), params.contact_id, params.field_key))
          ),
        addTags: ({ params, payload, request }) =>
          checkTags(payload.tags, (tags) =>
            oneOr404(store.addTags(organizationOf(request.headers), params.contact_id, tags))
          ),
        removeTag: ({ params, request }) =>
          Effect.sync(() =>
            oneOr404(store.removeTag(organizationOf(request.headers), params.contact_id, params.tag_id_or_name))
          ),
        search: ({ query, request }) =>
          Effect.sync(() => {
            if (query.name === undefined && query.phone === undefined) {
              return answer(400, { non_field_errors: ["At least one of name and phone is required."] })
            }
            const found = store.search(organizationOf(request.headers), query)
            const offset = Math.max(0, query.offset ?? 0)
            const limit = Math.min(Math.max(1, query.limit ?? defaultPageSize), maxPageSize)
            return { contacts: found.slice(offset, offset + limit).map(toJson), total: found.length }
          })
      })
    })
  )

// --- who may do them ----------------------------------------------------------------------------------------------

const isToken = Schema.is(ApiToken)
const isOrganization = Schema.is(OrganizationId)

// A security middleware finds what a handler failed with in a wrapper of Effect's own.
const schemaErrorOf = (error: unknown): HttpApiSchemaError | undefined =>
  [error, Predicate.hasProperty(error, "error") ? error.error : undefined].find((u) => HttpApiSchemaError.is(u))

const layerAuthorization = (options: Options) =>
  Layer.sync(OrganizationApiToken, () => {
    const tokens = new Set((options.tokens ?? [token]).map(Redacted.value))
    const organizations = options.organizations && new Set(options.organizations.map((id) => id.toLowerCase()))
    return OrganizationApiToken.of({
      OrganizationApiToken: (handle, { credential }) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          const text = Redacted.value(credential)
          if (text === "") return Effect.succeed(answer(401, { detail: "No organization API token was given." }))
          if (!isToken(text) || !tokens.has(text)) {
            return Effect.succeed(answer(401, { detail: "The organization API token is not valid." }))
          }
          const named = request.headers["x-organization-id"]?.toLowerCase()
          if (named !== undefined && !isOrganization(named)) {
            return Effect.succeed(answer(400, { detail: "X-Organization-ID is not a UUID." }))
          }
          const isOwn = named === undefined || named === text.split(".")[0]?.toLowerCase()
          if (!isOwn && organizations !== undefined && !organizations.has(named)) {
            return Effect.succeed(answer(403, { detail: "The token does not reach this organization." }))
          }
          return Effect.catch(handle, (error) => {
            const refused = schemaErrorOf(error)
            return refused === undefined
              ? Effect.fail(error)
              : Effect.succeed(fieldErrors(Issues.fromSchema(refused.cause.issue)))
          })
        })
    })
  })

/** The routes of the contract, and an answer for every other address. */
export const layer = (options: Options) =>
  HttpApiBuilder.layer(api).pipe(
    Layer.provide(layerHandlers(options)),
    Layer.provide(layerAuthorization(options)),
    Layer.merge(HttpRouter.add("*", "/*", notFound))
  )
