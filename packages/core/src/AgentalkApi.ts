/**
 * The contract of the Agentalk External API as an `HttpApi`. The sandbox and the OpenAPI document derive from it, and a
 * test compares it with the vendor's document, field by field.
 *
 * @since 0.1.0
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { attributeColumn, formatted } from "./internal/attributes.ts"
import { routerPath } from "./internal/operation.ts"
import { operations } from "./Operations.ts"
import { defaultBaseUrl } from "./Settings.ts"

const bearer = HttpApiSecurity.annotate(HttpApiSecurity.bearer, OpenApi.Format, "OrgId.SecretToken")

/**
 * The organization API token, as `Authorization: Bearer {orgId}.{secret}`.
 *
 * @category contract
 * @since 0.1.0
 */
export class OrganizationApiToken extends HttpApiMiddleware.Service<OrganizationApiToken>()(
  "@agentalk/core/OrganizationApiToken",
  { security: { OrganizationApiToken: bearer } }
) {}

const headers = { "x-organization-id": Schema.optionalKey(formatted("uuid")) }
const contact = { contact_id: formatted("uuid") }
const fields = Schema.Record(Schema.String, Schema.Json)
const tags = Schema.Array(Schema.String)

// The vendor's contract allows any object as a response body. The client decodes responses with its own readers.
const success = Schema.Record(Schema.String, Schema.Json)

// A query parameter is text, so `OpenApi.fromApi` describes an integer with a pattern. The vendor's contract declares
// `type: integer`.
const declareIntegers: OpenApi.Transform["Service"] = ({ parameters, ...operation }) => ({
  ...operation,
  parameters: parameters.map((parameter: OpenApi.OpenAPISpecParameter) =>
    parameter.in === "query" && "pattern" in parameter.schema
      ? { ...parameter, schema: { type: "integer" } }
      : parameter
  )
})

/**
 * The endpoints of the operations on contacts.
 *
 * @category contract
 * @since 0.1.0
 */
export class ContactsGroup extends HttpApiGroup.make("Contacts")
  .add(
    HttpApiEndpoint.make(operations.upsert.method)("upsert", routerPath("upsert"), {
      headers,
      payload: Schema.Struct({ ...attributeColumn("contract"), fields: Schema.optionalKey(fields) }),
      success: [success, success.pipe(HttpApiSchema.status(201))]
    }).annotate(OpenApi.Identifier, operations.upsert.openApiId),
    HttpApiEndpoint.make(operations.search.method)("search", routerPath("search"), {
      headers,
      query: {
        name: Schema.optionalKey(Schema.String),
        phone: Schema.optionalKey(Schema.String),
        limit: Schema.optionalKey(Schema.Int),
        offset: Schema.optionalKey(Schema.Int)
      },
      success
    })
      .annotate(OpenApi.Identifier, operations.search.openApiId)
      .annotate(OpenApi.Transform, declareIntegers),
    HttpApiEndpoint.make(operations.delete.method)("delete", routerPath("delete"), {
      headers,
      params: contact,
      success
    }).annotate(OpenApi.Identifier, operations.delete.openApiId),
    HttpApiEndpoint.make(operations.updateFields.method)("updateFields", routerPath("updateFields"), {
      headers,
      params: contact,
      payload: Schema.Struct({ fields }),
      success
    }).annotate(OpenApi.Identifier, operations.updateFields.openApiId),
    HttpApiEndpoint.make(operations.clearField.method)("clearField", routerPath("clearField"), {
      headers,
      params: { ...contact, field_key: Schema.String },
      success
    }).annotate(OpenApi.Identifier, operations.clearField.openApiId),
    HttpApiEndpoint.make(operations.addTags.method)("addTags", routerPath("addTags"), {
      headers,
      params: contact,
      payload: Schema.Struct({ tags }),
      success
    }).annotate(OpenApi.Identifier, operations.addTags.openApiId),
    HttpApiEndpoint.make(operations.removeTag.method)("removeTag", routerPath("removeTag"), {
      headers,
      params: { ...contact, tag_id_or_name: Schema.String },
      success
    }).annotate(OpenApi.Identifier, operations.removeTag.openApiId)
  )
  .middleware(OrganizationApiToken) {}

/**
 * The contract. `OpenApi.fromApi(AgentalkApi)` returns its OpenAPI document.
 *
 * @category contract
 * @since 0.1.0
 */
export class AgentalkApi extends HttpApi.make("agentalk")
  .add(ContactsGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "Agentalk External API",
      version: "1.0.0",
      servers: [{ url: defaultBaseUrl }]
    })
  ) {}
