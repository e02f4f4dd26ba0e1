/** A scripted `HttpClient` whose responses the test chooses, and one sample call of each operation. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, TransportError } from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as Option from "effect/Option"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import { type AgentalkError, Operation } from "../src/AgentalkError.ts"
import type { Contact, SearchPage, UpsertResult } from "../src/Contact.ts"
import type { Contacts } from "../src/Contacts.ts"
import * as Retry from "../src/Retry.ts"
import * as Sandbox from "../src/Sandbox.ts"

/** A request that the client sent. */
export interface Sent {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** A response, or an effect that succeeds with one. Its failure becomes a transport error with this cause. */
export type Answer = Response | Effect.Effect<Response, { readonly cause: unknown }>

const bodyOf = (bytes: Uint8Array | undefined): unknown =>
  bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes))

/** A client that answers each request with `respond`, and the requests that it received. */
export const make = (
  respond: (sent: Sent, index: number) => Answer
): { readonly client: HttpClient.HttpClient; readonly sent: ReadonlyArray<Sent> } => {
  const sent: Array<Sent> = []
  const client = HttpClient.make((request, url) =>
    Effect.suspend(() => {
      const body = request.body._tag === "Uint8Array" ? request.body.body : undefined
      const received = { method: request.method, url, headers: { ...request.headers }, body: bodyOf(body) }
      sent.push(received)
      const answer = respond(received, sent.length - 1)
      return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
    }).pipe(
      Effect.map((response) => HttpClientResponse.fromWeb(request, response)),
      Effect.mapError(({ cause }) => new HttpClientError({ reason: new TransportError({ request, cause }) }))
    )
  )
  return { client, sent }
}

/** A response with a JSON body. */
export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } })

/** A response with a text body. It has no content type unless `headers` sets one. */
export const text = (status: number, body: string | null, headers: Record<string, string> = {}): Response =>
  new Response(body === null ? null : new TextEncoder().encode(body), { status, headers })

/** `Contacts` over an HTTP client. By default a call makes one attempt. */
export const contactsOver = (client: HttpClient.HttpClient, options: Partial<AgentalkClient.Options> = {}) =>
  AgentalkClient.make({ token: Sandbox.token, retry: Retry.none, ...options }).pipe(
    Effect.provideService(HttpClient.HttpClient, client)
  )

/** The success types of all operations. */
type Success = UpsertResult | SearchPage | Option.Option<Contact> | void

export type Call = (contacts: Contacts["Service"]) => Effect.Effect<Success, AgentalkError>

/** The id of the contact in the sample calls. */
export const id = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

/** One sample call of each operation. */
export const calls: Readonly<Record<Operation, Call>> = {
  upsert: (contacts) => contacts.upsert({ phone: "+15551234567", firstName: "Jane" }),
  delete: (contacts) => contacts.delete(id),
  updateFields: (contacts) => contacts.updateFields(id, { city: "Oslo" }),
  clearField: (contacts) => contacts.clearField(id, "city"),
  addTags: (contacts) => contacts.addTags(id, ["vip"]),
  removeTag: (contacts) => contacts.removeTag(id, "vip"),
  search: (contacts) => contacts.search({ name: "Jane" })
}

export const operations: ReadonlyArray<Operation> = Operation.literals

/** Makes one call, whose every request receives this answer. */
export const ask = (call: Call | Operation, answer: () => Answer, options?: Partial<AgentalkClient.Options>) =>
  Effect.flatMap(
    Effect.orDie(contactsOver(make(answer).client, options)),
    typeof call === "string" ? calls[call] : call
  )
