/** The state of a sandbox: `Backend` for the sandbox itself, and `State` for the tests that use it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { type Contact, UpsertInput } from "../../Contact.ts"
import { ContactFromWire } from "../wire/contact.ts"
import type { Script } from "./fault.ts"
import { organization } from "./options.ts"
import { makeRequestLog, type RecordedRequest, type RequestLog } from "./requestLog.ts"
import { makeStore, type Store } from "./store.ts"

/**
 * Gives a test access to a sandbox: its contacts, the requests that it received, and the faults of the next requests.
 *
 * @category testing
 * @since 0.1.0
 */
export class State extends Context.Service<
  State,
  {
    /** Returns all contacts of an organization, oldest first. The default organization is that of `token`. */
    readonly contacts: (organization?: string) => Effect.Effect<ReadonlyArray<Contact>>
    /**
     * Upserts contacts without a request, by the rules of `upsert`. Their ids count up from
     * `5a4db0c5-0000-4000-8000-000000000001`. If one input is invalid, no contact is stored, and the error names the
     * index and the key of every invalid value. The default organization is that of `token`.
     */
    readonly seed: (
      contacts: Iterable<UpsertInput>,
      organization?: string
    ) => Effect.Effect<ReadonlyArray<Contact>, Schema.SchemaError>
    /** Returns the last 1,000 requests, oldest first, with and without faults. */
    readonly requests: Effect.Effect<ReadonlyArray<RecordedRequest>>
    /** Sets the script that chooses the faults of all later requests. It replaces the previous script. */
    readonly script: (script: Script) => Effect.Effect<void>
    /** Removes all contacts, requests and the script, and restarts the ids and the request index at 1. */
    readonly reset: Effect.Effect<void>
  }
>()("@agentalk/core/Sandbox/State") {}

/** The contacts and the request log that the handlers of a sandbox share. Layers for users do not provide it. */
export class Backend extends Context.Service<
  Backend,
  {
    readonly store: Store
    readonly requestLog: RequestLog
  }
>()("@agentalk/core/Sandbox/Backend") {}

const decodeContact = Schema.decodeUnknownSync(ContactFromWire)
const decodeInputs = Schema.decodeUnknownEffect(Schema.Array(UpsertInput), {
  errors: "all",
  onExcessProperty: "error"
})

// Stored values are copied on the way in and out, so that a test cannot change the store by mutating a value.
const makeState = (store: Store, requestLog: RequestLog): State["Service"] => ({
  contacts: (org = organization) =>
    Effect.sync(() =>
      store
        .organization(org)
        .all()
        .map((contact) => decodeContact(structuredClone(contact)))
    ),
  seed: (contacts, org = organization) =>
    Effect.map(
      Effect.suspend(() => decodeInputs([...contacts])),
      (inputs) =>
        inputs.map((input) => {
          const { contact } = store.organization(org).upsert(structuredClone(input))
          return decodeContact(structuredClone(contact))
        })
    ),
  requests: Effect.sync(requestLog.all),
  script: (script) => Effect.sync(() => requestLog.setScript(script)),
  reset: Effect.sync(() => {
    store.clear()
    requestLog.clear()
  })
})

/** An empty sandbox. The layer is fresh, so that every sandbox of a program has its own state. */
export const layer: Layer.Layer<State | Backend> = Layer.fresh(
  Layer.effectContext(
    Effect.sync(() => {
      const store = makeStore()
      const requestLog = makeRequestLog()
      return Context.make(State, State.of(makeState(store, requestLog))).pipe(
        Context.add(Backend, Backend.of({ store, requestLog }))
      )
    })
  )
)
