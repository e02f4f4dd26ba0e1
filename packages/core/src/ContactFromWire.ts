/**
 * Decodes a contact from the API's JSON. Use it for data that did not come through the client: a fixture, a file or a
 * webhook.
 *
 * @since 0.1.0
 */
export { ContactFromWire } from "./internal/wire/contact.ts"
