/** A scripted `HttpClient` whose responses the test chooses, and one sample call of each operation. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, TransportError } from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as AgentalkClient from "../src/AgentalkClient.ts"
import type { AgentalkError } from "../src/AgentalkError.ts"
import type { Contacts } from "../src/Contacts.ts"
import { factsOf, operationNames, type ResultOf } from "../src/internal/operation.ts"
import { type Operation, operations } from "../src/Operations.ts"
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
type Success = ResultOf<Operation>

type Method = (...values: ReadonlyArray<unknown>) => Effect.Effect<Success, AgentalkError>

export type Call = (contacts: Contacts["Service"]) => Effect.Effect<Success, AgentalkError>

/** The id of the contact in the sample inputs of the operations table. */
export const id = operations.delete.sample.id

/**
 * Makes a call of an operation. A method that takes the input's values as arguments receives them by their keys; any other
 * method receives the input itself, which may have any type.
 */
export const callWith = (operation: Operation, input: unknown): Call => {
  const { argumentNames } = factsOf(operation)
  const values = argumentNames?.map((name) => (input as Readonly<Record<string, unknown>>)[name]) ?? [input]
  return (contacts) => (contacts[operation] as Method)(...values)
}

/** One call of each operation, with the sample input of the table. */
export const calls = Object.fromEntries(
  operationNames.map((operation): [Operation, Call] => [operation, callWith(operation, operations[operation].sample)])
) as Readonly<Record<Operation, Call>>

/** A body with one contact. Every operation accepts it: a reader of another shape needs its keys here. */
export const acceptedBody = { id, contacts: [{ id }] }

/** Makes one call, whose every request receives this answer. */
export const callOnce = (call: Call | Operation, answer: () => Answer, options?: Partial<AgentalkClient.Options>) =>
  Effect.flatMap(
    Effect.orDie(contactsOver(make(answer).client, options)),
    typeof call === "string" ? calls[call] : call
  )
