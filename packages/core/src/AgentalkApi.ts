/**
 * The published contract of the Agentalk External API, declared once. The client, the sandbox and the OpenAPI
 * document come from here; a test holds it against the contract as the vendor publishes it.
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
import { routes } from "./internal/routes.ts"
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

// The contract only names these formats. What we send is checked by the schemas of `Contact.ts`.
const format = (name: string) =>
  Schema.String.check(Schema.makeFilter<string>(() => true, { toJsonSchema: () => ({ format: name }) }))

const headers = { "x-organization-id": Schema.optionalKey(format("uuid")) }
const contact = { contact_id: format("uuid") }
const fields = Schema.Record(Schema.String, Schema.Json)
const tags = Schema.Array(Schema.String)

// Every response body is open in the contract: the client decodes it by itself.
const success = Schema.Record(Schema.String, Schema.Json)

// A query carries text, so OpenAPI.fromApi spells a number as a pattern; the contract says what the text means.
const spellIntegers: OpenApi.Transform["Service"] = ({ parameters, ...operation }) => ({
  ...operation,
  parameters: parameters.map((parameter: OpenApi.OpenAPISpecParameter) =>
    parameter.in === "query" && "pattern" in parameter.schema
      ? { ...parameter, schema: { type: "integer" } }
      : parameter
  )
})

/**
 * The seven operations on contacts. An operation that is added to the API is one endpoint here, one method of
 * `Contacts` and `AgentalkClient`, and one handler of `Sandbox`.
 *
 * @category contract
 * @since 0.1.0
 */
export class ContactsGroup extends HttpApiGroup.make("Contacts")
  .add(
    HttpApiEndpoint.make(routes.upsert.method)("upsert", routes.upsert.path, {
      headers,
      payload: Schema.Struct({
        phone: Schema.String,
        firstName: Schema.optionalKey(Schema.String),
        lastName: Schema.optionalKey(Schema.String),
        email: Schema.optionalKey(format("email")),
        tags: Schema.optionalKey(tags),
        fields: Schema.optionalKey(fields)
      }),
      success: [success, success.pipe(HttpApiSchema.status(201))]
    }).annotate(OpenApi.Identifier, "contacts_create"),
    HttpApiEndpoint.make(routes.search.method)("search", routes.search.path, {
      headers,
      query: {
        name: Schema.optionalKey(Schema.String),
        phone: Schema.optionalKey(Schema.String),
        limit: Schema.optionalKey(Schema.Int),
        offset: Schema.optionalKey(Schema.Int)
      },
      success
    })
      .annotate(OpenApi.Identifier, "contacts_search_retrieve")
      .annotate(OpenApi.Transform, spellIntegers),
    HttpApiEndpoint.make(routes.delete.method)("delete", routes.delete.path, {
      headers,
      params: contact,
      success
    }).annotate(OpenApi.Identifier, "contacts_destroy"),
    HttpApiEndpoint.make(routes.updateFields.method)("updateFields", routes.updateFields.path, {
      headers,
      params: contact,
      payload: Schema.Struct({ fields }),
      success
    }).annotate(OpenApi.Identifier, "contacts_fields_partial_update"),
    HttpApiEndpoint.make(routes.clearField.method)("clearField", routes.clearField.path, {
      headers,
      params: { ...contact, field_key: Schema.String },
      success
    }).annotate(OpenApi.Identifier, "contacts_fields_destroy"),
    HttpApiEndpoint.make(routes.addTags.method)("addTags", routes.addTags.path, {
      headers,
      params: contact,
      payload: Schema.Struct({ tags }),
      success
    }).annotate(OpenApi.Identifier, "contacts_tags_create"),
    HttpApiEndpoint.make(routes.removeTag.method)("removeTag", routes.removeTag.path, {
      headers,
      params: { ...contact, tag_id_or_name: Schema.String },
      success
    }).annotate(OpenApi.Identifier, "contacts_tags_destroy")
  )
  .middleware(OrganizationApiToken) {}

/**
 * The contract: `OpenApi.fromApi(AgentalkApi)` gives its OpenAPI document.
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
