import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as CircuitBreaker from "../src/CircuitBreaker.ts"
import * as RateLimit from "../src/RateLimit.ts"
import * as Retry from "../src/Retry.ts"
import * as Sandbox from "../src/Sandbox.ts"
import * as Telemetry from "../src/Telemetry.ts"
import { type Breaker, CurrentBreaker } from "../src/internal/call/breaker.ts"
import { CurrentLimiter, type Limiter } from "../src/internal/call/limiter.ts"
import { TransportFault, markAttemptAware } from "../src/internal/wire/transport.ts"
import { operationNames } from "../src/internal/operation.ts"
import { type AttemptResponse, runToEnd, scriptedContacts, refused, reset, status, withRandom } from "./Attempts.ts"
import { acceptedBody, calls, contactsOver, id, json, make } from "./ScriptedApi.ts"

/** A response that every operation accepts. */
const ok: AttemptResponse = Effect.sync(() => json(200, acceptedBody))

interface Event {
  readonly name: string
  readonly startTime: bigint
  readonly attributes: Record<string, unknown> | undefined
}

/** A span that records its events, as an exporter receives them. */
class RecordedSpan extends Tracer.NativeSpan {
  readonly recordedEvents: Array<Event> = []
  override event(name: string, startTime: bigint, attributes?: Record<string, unknown>): void {
    this.recordedEvents.push({ name, startTime, attributes })
  }
}

/** Runs an effect with a tracer, and returns its value and the spans in the order of their start. */
const traced = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const spans: Array<RecordedSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new RecordedSpan(options)
      spans.push(span)
      return span
    }
  })
  return Effect.map(Effect.provideService(effect, Tracer.Tracer, tracer), (value) => ({ value, spans }))
}

const attributesOf = (span: Tracer.Span | undefined) => Object.fromEntries(span?.attributes ?? [])

/** The current span of a fiber. */
const currentSpan = ({ cache: { span } }: Fiber.Fiber<unknown, unknown>) => (span?._tag === "Span" ? span : undefined)

const nameAndKind = ({ kind, name }: Tracer.Span) => `${kind} ${name}`

/** The attributes and states of every series of a metric. */
const series = (name: keyof typeof Telemetry.metrics) =>
  Effect.map(Metric.snapshot, (snapshots) =>
    snapshots
      .filter((metric) => metric.id === name)
      .map(({ attributes, state }) => ({ attributes: withoutUnit(attributes), state }))
  )

const withoutUnit = (attributes: Metric.Metric.AttributeSet = {}) =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => name !== "unit"))

const counts = (name: keyof typeof Telemetry.metrics) =>
  Effect.map(series(name), (all) =>
    all.map(({ attributes, state }) => [attributes, "count" in state ? state.count : undefined])
  )

/** Runs an effect with its own metric registry. */
const measured = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

const server = { "server.address": "api.agentalk.io", "server.port": "443" }
const upsertRoute = { "http.request.method": "POST", "url.template": "/api/contacts" }

describe("spans", () => {
  it.effect("are created for the call and, as its children, for each attempt", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([status(503), reset, ok])
      const { spans } = yield* traced(runToEnd(calls.addTags(contacts)))
      assert.deepStrictEqual(spans.map(nameAndKind), [
        "internal Contacts.addTags",
        "client POST /api/contacts/{contact_id}/tags",
        "client POST /api/contacts/{contact_id}/tags",
        "client POST /api/contacts/{contact_id}/tags"
      ])
      const [call, ...attempts] = spans
      for (const attempt of attempts) assert.strictEqual(attempt.parent.valueOrUndefined, call)
      assert.deepStrictEqual(attributesOf(call), { "agentalk.attempts": 3, "agentalk.outcome": "done" })
      const common = {
        "http.request.method": "POST",
        "url.template": "/api/contacts/{contact_id}/tags",
        "server.address": "api.agentalk.io",
        "server.port": 443
      }
      assert.deepStrictEqual(attempts.map(attributesOf), [
        { ...common, "http.response.status_code": 503, "error.type": "503" },
        { ...common, "http.request.resend_count": 1, "error.type": "ECONNRESET" },
        { ...common, "http.request.resend_count": 2, "http.response.status_code": 200 }
      ])
      assert.deepStrictEqual(
        spans.map(({ status }) => status._tag === "Ended" && status.exit._tag),
        ["Success", "Failure", "Failure", "Success"]
      )
    })
  )

  it.effect("of a failed call record the error's tag and outcome", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([reset])
      const { spans } = yield* traced(runToEnd(calls.upsert(contacts)))
      assert.deepStrictEqual(attributesOf(spans[0]), {
        "agentalk.attempts": 3,
        "agentalk.outcome": "unknown",
        "error.type": "TransportFailure"
      })
    })
  )

  it.effect("of an invalid input are created for the call only", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([ok])
      const { spans } = yield* traced(Effect.result(contacts.delete("none")))
      assert.deepStrictEqual(spans.map(nameAndKind), ["internal Contacts.delete"])
      assert.deepStrictEqual(attributesOf(spans[0]), {
        "agentalk.attempts": 0,
        "agentalk.outcome": "not-applied",
        "error.type": "Validation"
      })
    })
  )

  it.effect("record the reason and duration of each wait", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([status(503), status(429, { "retry-after": "20" }), ok])
      const { spans } = yield* traced(withRandom(0.5)(runToEnd(calls.search(contacts))))
      assert.deepStrictEqual(
        spans[0]?.recordedEvents.map(({ attributes, name }) => [name, attributes]),
        [
          ["wait", { "agentalk.wait.reason": "backoff", "agentalk.wait.duration": 0.25 }],
          ["wait", { "agentalk.wait.reason": "retry-after", "agentalk.wait.duration": 20.125 }]
        ]
      )
      assert.deepStrictEqual(
        spans[0]?.recordedEvents.map(({ startTime }) => Duration.toMillis(Duration.nanos(startTime))),
        [0, 250]
      )
    })
  )

  it.effect("record a wait for the rate limiter", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([ok])
      const { spans } = yield* traced(
        runToEnd(Effect.andThen(calls.search(contacts), calls.search(contacts))).pipe(
          Effect.provide(RateLimit.layer({ limit: 1, window: "2 seconds" }))
        )
      )
      const waits = spans.flatMap(({ recordedEvents }) => recordedEvents.map(({ attributes }) => attributes))
      assert.deepStrictEqual(waits, [{ "agentalk.wait.reason": "rate-limit", "agentalk.wait.duration": 2 }])
    })
  )

  it.effect("record a wait of one millisecond", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([status(429, { "retry-after-ms": "1" }), ok])
      const { spans } = yield* traced(withRandom(0)(runToEnd(calls.search(contacts))))
      assert.deepStrictEqual(
        spans[0]?.recordedEvents.map(({ attributes }) => attributes?.["agentalk.wait.duration"]),
        [0.001]
      )
    })
  )

  it.effect("record that a delete is assumed to have succeeded because of a 404", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([reset, Effect.sync(() => json(404, { detail: "Not found." }))])
      const { spans } = yield* traced(runToEnd(contacts.delete(id)))
      assert.deepStrictEqual(attributesOf(spans[0]), {
        "agentalk.attempts": 2,
        "agentalk.outcome": "done",
        "agentalk.assumed": true
      })
    })
  )

  it.effect("of an interrupted call end with the error type interrupted", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([Effect.never])
      const { spans } = yield* traced(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(calls.search(contacts), { startImmediately: true })
          yield* Fiber.interrupt(fiber)
        })
      )
      assert.deepStrictEqual(
        spans.map(({ attributes, status }) => [
          status._tag === "Ended" && Exit.hasInterrupts(status.exit),
          attributes.get("error.type")
        ]),
        [
          [true, "interrupted"],
          [true, "interrupted"]
        ]
      )
    })
  )

  it.effect("record the type of an error and not its message, which may contain a custom field key", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([Effect.die(new Error("secret"))])
      const { spans } = yield* traced(
        Effect.all([
          Effect.exit(contacts.updateFields(id, { ["secret"]: Infinity })),
          Effect.exit(calls.search(contacts))
        ])
      )
      assert.strictEqual(spans[1]?.attributes.get("agentalk.outcome"), "unknown")
      const exits = spans.map(({ status }) => (status._tag === "Ended" ? status.exit : Exit.void))
      assert.deepStrictEqual(
        exits.map((exit) => Exit.isFailure(exit) && Cause.prettyErrors(exit.cause).map(({ name }) => name)),
        [["Validation"], ["defect"], ["defect"]]
      )
      for (const exit of exits) assert.notInclude(inspect(exit), "secret")
    })
  )

  it.effect("omit the response", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([ok])
      const { spans } = yield* traced(calls.search(contacts))
      assert.deepStrictEqual(
        spans.map(({ status }) => status._tag === "Ended" && status.exit),
        [Exit.void, Exit.void]
      )
    })
  )

  it.effect("have no times if tracer timing is off", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 second")
      const { contacts } = yield* scriptedContacts([ok])
      const { spans } = yield* traced(Effect.withTracerTiming(calls.search(contacts), false))
      assert.deepStrictEqual(
        spans.map(({ status }) => status._tag === "Ended" && [status.startTime, status.endTime]),
        [
          [0n, 0n],
          [0n, 0n]
        ]
      )
    })
  )

  const call = "Contacts.search"
  const attempt = "GET /api/contacts/search"

  it.effect("are current inside the token source, limiter, breaker and client", () =>
    Effect.gen(function* () {
      const recorded: Array<readonly [string, string | undefined]> = []
      const record = (component: string) =>
        Effect.withFiber((fiber) => {
          recorded.push([component, currentSpan(fiber)?.name])
          return Effect.void
        })
      const { contacts } = yield* scriptedContacts(
        [Effect.andThen(record("client"), status(401)), Effect.andThen(record("client"), ok)],
        {
          token: {
            current: Effect.as(record("token"), Sandbox.token),
            refresh: Effect.as(record("refresh"), Redacted.make(`${Redacted.value(Sandbox.token)}2`))
          }
        }
      )
      const limiter: Limiter = {
        acquire: () => record("limiter"),
        observe: () => {},
        state: () => Effect.die("not called")
      }
      const breaker: Breaker = {
        execute: (attempt) => Effect.tap(Effect.andThen(record("breaker"), attempt), record("breaker"))
      }
      yield* traced(
        Effect.andThen(
          Effect.provideService(calls.search(contacts), CurrentBreaker, breaker),
          Effect.provideService(calls.search(contacts), CurrentLimiter, limiter)
        ).pipe(Effect.tap(record("caller")), Effect.withSpan("job"))
      )
      const throughBreaker: typeof recorded = [
        ["breaker", call],
        ["client", attempt],
        ["breaker", call]
      ]
      assert.deepStrictEqual(recorded, [
        ["token", call],
        ...throughBreaker,
        ["token", call],
        ["refresh", call],
        ...throughBreaker,
        ["token", call],
        ["limiter", call],
        ["client", attempt],
        ["caller", "job"]
      ])
    })
  )

  it.live("are current inside a client that enforces the limits of an attempt itself", () =>
    Effect.gen(function* () {
      const names: Array<string | undefined> = []
      const { client } = make(() =>
        Effect.withFiber((fiber) => {
          names.push(currentSpan(fiber)?.name)
          return ok
        })
      )
      const contacts = yield* contactsOver(markAttemptAware(client))
      yield* traced(calls.search(contacts))
      assert.deepStrictEqual(names, [attempt])
    })
  )

  it.effect("are current while the logs of their events are written", () =>
    Effect.gen(function* () {
      const names: Array<readonly [unknown, string | undefined]> = []
      const logger = Logger.make(({ fiber, message }) => {
        const span = currentSpan(fiber)
        names.push([message, span?.status._tag === "Started" ? span.name : undefined])
      })
      const { contacts } = yield* scriptedContacts([status(503), ok])
      const { spans } = yield* traced(runToEnd(calls.search(contacts))).pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, "Debug"),
        withRandom(0.5)
      )
      assert.deepStrictEqual(names, [
        [[attempt], attempt],
        [[`${call} waited`], call],
        [[attempt], attempt],
        [[call], call]
      ])
      assert.deepStrictEqual(
        spans.map(({ status }) => status._tag === "Ended" && status.exit._tag),
        ["Success", "Failure", "Success"]
      )
    })
  )

  it.effect("are children of the caller's span", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([ok])
      const { spans } = yield* traced(Effect.withSpan(calls.search(contacts), "job"))
      assert.deepStrictEqual(
        spans.map(({ name, parent }) => [name, parent.valueOrUndefined?.spanId]),
        [
          ["job", undefined],
          ["Contacts.search", spans[0]?.spanId],
          ["GET /api/contacts/search", spans[1]?.spanId]
        ]
      )
    })
  )

  it.effect("are not created if tracing is off", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([ok])
      const { spans } = yield* traced(Effect.withTracerEnabled(calls.search(contacts), false))
      assert.deepStrictEqual(spans, [])
    })
  )
})

/** The names of the spans that are current while the request is sent. */
const currentSpanNames = <A, E, R>(around: (call: Effect.Effect<unknown, unknown>) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const names: Array<string | undefined> = []
    const { contacts } = yield* scriptedContacts([
      Effect.withFiber((fiber) => {
        names.push(currentSpan(fiber)?.name)
        return ok
      })
    ])
    yield* around(calls.search(contacts))
    return names
  })

describe("the current span in a client", () => {
  it.effect("is absent without a tracer", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* currentSpanNames((call) => call), [undefined])
    })
  )

  it.effect("is the attempt's span if the caller has a span, even if no tracer is installed", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* currentSpanNames(Effect.withSpan("job")), ["GET /api/contacts/search"])
    })
  )

  it.effect("is the caller's span if tracing is off for the call", () =>
    Effect.gen(function* () {
      const names = yield* currentSpanNames((call) => Effect.withSpan(Effect.withTracerEnabled(call, false), "job"))
      assert.deepStrictEqual(names, ["job"])
    })
  )
})

const headersOf = (options: Telemetry.Options | undefined) =>
  Effect.gen(function* () {
    const { contacts, sent } = yield* scriptedContacts([ok])
    const call = options === undefined ? calls.search(contacts) : Telemetry.withOptions(calls.search(contacts), options)
    const { spans } = yield* traced(call)
    return { headers: sent[0]?.headers ?? {}, attempt: spans[1] }
  })

describe("trace headers", () => {
  it.effect("are not sent by default", () =>
    Effect.gen(function* () {
      const { headers } = yield* headersOf(undefined)
      assert.notProperty(headers, "traceparent")
      assert.notProperty(headers, "b3")
    })
  )

  it.effect("contain the ids of the attempt's span with traceHeaders: true", () =>
    Effect.gen(function* () {
      const { attempt, headers } = yield* headersOf({ traceHeaders: true })
      assert.strictEqual(headers["traceparent"], `00-${attempt?.traceId}-${attempt?.spanId}-01`)
    })
  )

  it.effect("can be enabled by Telemetry.layer and disabled for one call", () =>
    Effect.gen(function* () {
      const { client, sent } = make(() => json(200, { contacts: [] }))
      const contacts = yield* contactsOver(client).pipe(Effect.provide(Telemetry.layer({ traceHeaders: true })))
      yield* traced(calls.search(contacts))
      yield* traced(Telemetry.withOptions(calls.search(contacts), { traceHeaders: false }))
      assert.deepStrictEqual(
        sent.map(({ headers }) => "traceparent" in headers),
        [true, false]
      )
    })
  )
})

describe("request details", () => {
  it.effect("are recorded in attempt spans with requestDetails: true, without the token", () =>
    Effect.gen(function* () {
      const token = Redacted.value(Sandbox.token)
      const answers: ReadonlyArray<AttemptResponse> = [
        Effect.sync(() => json(200, { id, phone: "+15551234567", echo: `Bearer ${token}`, half: token.split(".")[1] }))
      ]
      const { contacts } = yield* scriptedContacts(answers)
      const { spans } = yield* traced(Telemetry.withOptions(calls.upsert(contacts), { requestDetails: true }))
      const { "agentalk.request.body": sent, "agentalk.response.body": got, "url.full": url } = attributesOf(spans[1])
      assert.strictEqual(url, "https://api.agentalk.io/api/contacts")
      assert.strictEqual(sent, `{"phone":"+15551234567","firstName":"Jane"}`)
      assert.strictEqual(got, `{"id":"${id}","phone":"+15551234567","echo":"Bearer <token>","half":"<token>"}`)
    })
  )

  it.effect("include the query of a search", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([ok])
      const { spans } = yield* traced(
        Telemetry.withOptions(contacts.search({ name: "Jane Doe", limit: 2 }), { requestDetails: true })
      )
      assert.strictEqual(
        attributesOf(spans[1])["url.full"],
        "https://api.agentalk.io/api/contacts/search?name=Jane+Doe&limit=2"
      )
    })
  )

  it.effect("omit the bodies if there are none", () =>
    Effect.gen(function* () {
      const { contacts } = yield* scriptedContacts([reset])
      const { spans } = yield* traced(runToEnd(Telemetry.withOptions(calls.search(contacts), { requestDetails: true })))
      const details = Object.keys(attributesOf(spans[1])).filter((name) => /^agentalk|^url.full/.test(name))
      assert.deepStrictEqual(details, ["url.full"])
    })
  )
})

describe("metrics", () => {
  it.effect("count calls by operation, outcome and error", () =>
    measured(
      Effect.gen(function* () {
        const { contacts } = yield* scriptedContacts([ok])
        yield* calls.search(contacts)
        yield* calls.search(contacts)
        yield* Effect.result(contacts.delete("none"))
        assert.deepStrictEqual(yield* counts("agentalk.client.operation.duration"), [
          [{ "agentalk.operation": "search", "agentalk.outcome": "done" }, 2],
          [{ "agentalk.operation": "delete", "agentalk.outcome": "not-applied", "error.type": "Validation" }, 1]
        ])
      })
    )
  )

  it.effect("measure a call's duration with its waits, and an attempt's duration without them", () =>
    measured(
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const delayed = Effect.delay(status(503, { "retry-after": "20" }), "3 seconds")
        const { contacts } = yield* scriptedContacts([delayed, Effect.delay(ok, "1 second")])
        yield* withRandom(0)(runToEnd(calls.search(contacts)))
        const [call] = yield* series("agentalk.client.operation.duration")
        const attempts = yield* series("http.client.request.duration")
        assert.deepInclude(call?.state, { count: 1, sum: 24 })
        const route = { ...server, "http.request.method": "GET", "url.template": "/api/contacts/search" }
        assert.deepStrictEqual(
          attempts.map(({ attributes, state }) => [attributes, "sum" in state && state.sum]),
          [
            [{ ...route, "http.response.status_code": "503", "error.type": "503" }, 3],
            [{ ...route, "http.response.status_code": "200" }, 1]
          ]
        )
      })
    )
  )

  it.effect("record the same error type as the span", () =>
    measured(
      Effect.gen(function* () {
        const { contacts } = yield* scriptedContacts([reset, ok])
        const { spans } = yield* traced(runToEnd(calls.search(contacts)))
        const attempts = yield* series("http.client.request.duration")
        assert.deepStrictEqual(
          attempts.map(({ attributes }) => [attributes["http.response.status_code"], attributes["error.type"]]),
          [
            [undefined, "ECONNRESET"],
            ["200", undefined]
          ]
        )
        assert.notProperty(attempts[0]?.attributes, "http.response.status_code")
        assert.strictEqual(spans[1]?.attributes.get("error.type"), "ECONNRESET")
      })
    )
  )

  it.effect("record the kind of a fault without a code, and the status of a response that breaks off", () =>
    measured(
      Effect.gen(function* () {
        const breaksOff: AttemptResponse = Effect.sync(
          () =>
            new Response(
              Stream.toReadableStream(
                Stream.concat(Stream.succeed(new Uint8Array([0x7b])), Stream.fail(new Error("It broke.")))
              ),
              { headers: { "content-type": "application/json" } }
            )
        )
        const withoutCode: AttemptResponse = Effect.fail({ cause: new TransportFault("network", { sent: true }) })
        const { contacts } = yield* scriptedContacts([withoutCode, breaksOff, status(400)])
        yield* runToEnd(Effect.result(calls.search(contacts)))
        const attempts = yield* series("http.client.request.duration")
        assert.deepStrictEqual(
          attempts.map(({ attributes }) => [attributes["http.response.status_code"], attributes["error.type"]]),
          [
            [undefined, "network"],
            ["200", "network"],
            ["400", "400"]
          ]
        )
      })
    )
  )

  it.effect("record the default port of the scheme if the URL has no port", () =>
    measured(
      Effect.gen(function* () {
        const { contacts } = yield* scriptedContacts([ok], { baseUrl: "http://localhost" })
        yield* calls.search(contacts)
        const [attempt] = yield* series("http.client.request.duration")
        assert.deepInclude(attempt?.attributes, { "server.address": "localhost", "server.port": "80" })
      })
    )
  )

  it.effect("have at most 31 error types, however many codes a transport produces", () =>
    measured(
      Effect.gen(function* () {
        const codes = Array.from({ length: 100 }, (_, index) => `E${index}`)
        const { contacts } = yield* scriptedContacts(
          codes.map((code) => Effect.fail({ cause: new TransportFault("network", { sent: true, code }) })),
          { retry: Retry.none }
        )
        for (const _ of codes) yield* Effect.result(calls.search(contacts))
        const types = (yield* series("http.client.request.duration")).map(({ attributes }) => attributes["error.type"])
        assert.strictEqual(types.length, 31)
        assert.include(types, "network")
      })
    )
  )

  it.effect("count retries and waits by reason", () =>
    measured(
      Effect.gen(function* () {
        let obtained = 0
        const token = Effect.sync(() => Redacted.make(`${Sandbox.organization}.secret${++obtained}`))
        const answers = [status(429, { "retry-after": "2" }), refused, status(401), ok]
        const { contacts } = yield* scriptedContacts(answers, { token })
        yield* withRandom(0.5)(runToEnd(calls.upsert(contacts)))
        const operation = { "agentalk.operation": "upsert" }
        assert.deepStrictEqual(yield* counts("agentalk.client.retries"), [
          [{ ...operation, "agentalk.retry.reason": "throttled" }, 1],
          [{ ...operation, "agentalk.retry.reason": "transient" }, 1],
          [{ ...operation, "agentalk.retry.reason": "unauthorized" }, 1]
        ])
        for (const { state } of yield* series("agentalk.client.retries")) {
          assert.deepStrictEqual(state, { count: 1, incremental: true })
        }
        assert.deepStrictEqual(yield* counts("agentalk.client.wait.duration"), [
          [{ ...operation, "agentalk.wait.reason": "retry-after" }, 1],
          [{ ...operation, "agentalk.wait.reason": "backoff" }, 1]
        ])
      })
    )
  )

  it.effect("count active requests, and subtract interrupted ones", () =>
    measured(
      Effect.gen(function* () {
        const { contacts } = yield* scriptedContacts([Effect.never])
        const fibers = yield* Effect.forEach([1, 2], () =>
          Effect.forkChild(calls.upsert(contacts), { startImmediately: true })
        )
        const active = series("http.client.active_requests")
        assert.deepStrictEqual(yield* active, [{ attributes: { ...upsertRoute, ...server }, state: { value: 2 } }])
        yield* Fiber.interruptAll(fibers)
        assert.deepStrictEqual(yield* active, [{ attributes: { ...upsertRoute, ...server }, state: { value: 0 } }])
      })
    )
  )

  it.effect("show the lowest retry budget among the clients of a server", () =>
    measured(
      Effect.gen(function* () {
        const first = yield* scriptedContacts([refused], { retryBudget: 100 })
        yield* scriptedContacts([ok], { retryBudget: 200 })
        const level = series("agentalk.client.retry_budget.level")
        assert.deepStrictEqual(yield* level, [{ attributes: server, state: { value: 100 } }])
        yield* runToEnd(calls.upsert(first.contacts))
        assert.deepStrictEqual(yield* level, [{ attributes: server, state: { value: 90 } }])
        // Another call keeps the first client reachable: the metric ignores clients that were garbage collected.
        yield* runToEnd(calls.upsert(first.contacts))
      })
    )
  )

  it.effect("show the state of a circuit after it changes", () =>
    measured(
      Effect.gen(function* () {
        const { contacts } = yield* scriptedContacts([refused, ok], { retry: Retry.none })
        const state = Effect.map(series("agentalk.client.circuit_breaker.state"), ([one]) => one)
        assert.isUndefined(yield* state)
        yield* Effect.result(calls.upsert(contacts))
        yield* Effect.yieldNow
        const attributes = { "server.address": "api.agentalk.io" }
        assert.deepStrictEqual(yield* state, { attributes, state: { value: 2 } })
        yield* TestClock.adjust("10 seconds")
        yield* calls.upsert(contacts)
        yield* Effect.yieldNow
        assert.deepStrictEqual(yield* state, { attributes, state: { value: 0 } })
      }).pipe(Effect.provide(CircuitBreaker.layer({ failures: 1 })))
    )
  )

  it.effect("record the port of a circuit if the base URL has one", () =>
    measured(
      Effect.gen(function* () {
        const { contacts } = yield* scriptedContacts([refused], { retry: Retry.none, baseUrl: "http://[::1]:8080" })
        yield* Effect.result(calls.upsert(contacts))
        yield* Effect.yieldNow
        const [circuit] = yield* series("agentalk.client.circuit_breaker.state")
        const attributes = { "server.address": "::1", "server.port": "8080" }
        assert.deepStrictEqual(circuit?.attributes, attributes)
        const [budget] = yield* series("agentalk.client.retry_budget.level")
        assert.deepStrictEqual(budget?.attributes, attributes)
      }).pipe(Effect.provide(CircuitBreaker.layer({ failures: 1 })))
    )
  )

  it.effect("match the documented metrics, units and attributes", () =>
    measured(
      Effect.gen(function* () {
        const { contacts } = yield* scriptedContacts([refused, status(429, { "retry-after": "1" }), status(500)])
        yield* Effect.forEach(operationNames, (operation) => runToEnd(calls[operation](contacts)))
        yield* Effect.yieldNow
        const snapshots = yield* Metric.snapshot
        for (const { attributes = {}, description, id, type } of snapshots) {
          const known = Telemetry.metrics[id as keyof typeof Telemetry.metrics]
          assert.strictEqual(type.toLowerCase(), known.type)
          assert.strictEqual(description, known.description)
          const { unit, ...others } = attributes
          assert.strictEqual(unit, known.unit)
          for (const name of Object.keys(others)) assert.include(known.attributes, name)
        }
        assert.sameMembers([...new Set(snapshots.map(({ id }) => id))], Object.keys(Telemetry.metrics))
      }).pipe(Effect.provide(CircuitBreaker.layer({ failures: 3 })))
    )
  )
})

const logged = (level: "Debug" | "Info") =>
  Effect.gen(function* () {
    const lines: Array<readonly [unknown, string, Record<string, unknown>]> = []
    const logger = Logger.make(({ fiber, logLevel, message }) => {
      lines.push([message, logLevel, fiber.getRef(References.CurrentLogAnnotations)])
    })
    const { contacts } = yield* scriptedContacts([status(503), ok])
    yield* withRandom(0.5)(runToEnd(calls.search(contacts))).pipe(
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, level)
    )
    return lines
  })

describe("logs", () => {
  it.effect("are not written at the default level", () =>
    Effect.map(logged("Info"), (lines) => assert.deepStrictEqual(lines, []))
  )

  it.effect("record each attempt, wait and call at debug level", () =>
    Effect.gen(function* () {
      const route = {
        "http.request.method": "GET",
        "url.template": "/api/contacts/search",
        "server.address": "api.agentalk.io",
        "server.port": 443
      }
      assert.deepStrictEqual(yield* logged("Debug"), [
        [
          ["GET /api/contacts/search"],
          "Debug",
          { ...route, "http.response.status_code": 503, "error.type": "503", "agentalk.duration": 0 }
        ],
        [["Contacts.search waited"], "Debug", { "agentalk.wait.reason": "backoff", "agentalk.wait.duration": 0.25 }],
        [
          ["GET /api/contacts/search"],
          "Debug",
          { ...route, "http.request.resend_count": 1, "http.response.status_code": 200, "agentalk.duration": 0 }
        ],
        [
          ["Contacts.search"],
          "Debug",
          { "agentalk.attempts": 2, "agentalk.outcome": "done", "agentalk.duration": 0.25 }
        ]
      ])
    })
  )
})

it.effect("a call uses a tracer that a layer provides", () =>
  Effect.gen(function* () {
    const { contacts } = yield* scriptedContacts([ok])
    const names: Array<string> = []
    const tracer = Tracer.make({
      span: (options) => {
        names.push(options.name)
        return new Tracer.NativeSpan(options)
      }
    })
    yield* calls.search(contacts).pipe(Effect.provide(Layer.sync(Tracer.Tracer, () => tracer)))
    assert.deepStrictEqual(names, ["Contacts.search", "GET /api/contacts/search"])
  })
)
