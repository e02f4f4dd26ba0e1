import {
  CircuitOpen,
  Contacts,
  Forbidden,
  NotFound,
  RateLimited,
  Sandbox,
  ServerFault,
  Timeout,
  TransportFailure,
  Unauthorized,
  UnexpectedResponse,
  Validation
} from "@agentalk/core"
import { Operation } from "@agentalk/core/Operations"
import { SandboxServer } from "@agentalk/node"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, HttpServer } from "effect/http"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { layerServer } from "../examples/src/03-backend-service.ts"
import * as Collector from "./Collector.ts"

/** A machine may be busy with other tests at the same time. */
const timeout = 30_000

const folder = join(import.meta.dirname, "../examples/src")

/** Runs an example as its reader would, but for the environment: nothing is there that is not given. */
const run = Effect.fn("run")(function* (
  file: string,
  { args = [], env = {} }: { readonly args?: ReadonlyArray<string>; readonly env?: Record<string, string> } = {}
) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const child = yield* spawner.spawn(
    ChildProcess.make(process.execPath, [join(folder, file), ...args], { env, stdin: "ignore" })
  )
  const [stdout, stderr, exitCode] = yield* Effect.all(
    [
      Stream.mkString(Stream.decodeText(child.stdout)),
      Stream.mkString(Stream.decodeText(child.stderr)),
      child.exitCode
    ],
    { concurrency: "unbounded" }
  )
  return { stdout, stderr, exitCode: Number(exitCode) }
})

const assertEnded = (
  { exitCode, stderr, stdout }: Effect.Success<ReturnType<typeof run>>,
  expected: ReadonlyArray<string | RegExp>
) => {
  assert.strictEqual(exitCode, 0, `${stdout}\n${stderr}`)
  assert.strictEqual(stderr, "")
  // There is no terminal here, so nothing is painted.
  assert.strictEqual(stdout, stripVTControlCharacters(stdout))
  for (const line of expected) {
    if (typeof line === "string") assert.include(stdout.split("\n"), line)
    else assert.match(stdout, line)
  }
}

const id = "5a4db0c5-0000-4000-8000-000000000001"

/** What every program that brings its own sandbox says. */
const standalone: Readonly<Record<string, ReadonlyArray<string | RegExp>>> = {
  "02-errors-by-tag.ts": [
    `success        customer ${id}`,
    "invalid phone  please correct phone",
    "no connection  TransportFailure: not written: queue it again",
    "429            try again in 1m 30s",
    "403            Forbidden: not written: needs manual review",
    "501            ServerFault: may have been written: search for the contact or repeat the upsert",
    "201, no id     UnexpectedResponse: written, but the response could not be read: continue and search for the id",
    "OutOfStock: no hat left. This error is not from the SDK, so catchIf did not handle it."
  ],
  "03-backend-service.ts": [`POST /signup  201  {"id":"${id}"}`, "stored: Jane, tags signup, plan:pro"],
  "04-testing-with-layers.ts": [
    "✓ removesTheNewsletterTag",
    "✓ isSafeToRepeat",
    "✓ failsIfRateLimited",
    "✓ returnsZeroIfNoContactMatches"
  ],
  "05-many-organizations.ts": [
    "one token: acme has Jane",
    "one token: globex has Joe",
    "acme: Jane was created",
    "globex: the token was refused",
    "globex: Joe was created"
  ],
  "06-import-a-list.ts": [
    /^row 42: Invalid\. Contacts\.upsert: the input was refused before sending/m,
    "251 rows: 249 created, 1 updated, 1 invalid, 0 failed",
    "249 contacts found",
    "+12025550007 is now Zoe Example",
    "1 tagged"
  ],
  "07-typed-fields.ts": [
    "5 seats",
    'stored: {"plan":"pro","seats":"5","renewsAt":"2027-02-01T00:00:00.000Z"}',
    /^\{"fields":\{"plan":"free"\},"invalidFields":\[\{"key":"seats","value":"many","message":.*"otherFields":\{"hat":"M"\}\}$/m,
    "Contacts.upsert: the input was refused before sending: Expected a finite number (fields.seats)."
  ],
  "08-nightly-sync.ts": ["1 saved, 1 refused", "please correct the phone of customer 2"],
  "10-retries-and-timeouts.ts": [
    "upsert: 503, 503, 503, 201",
    "rename: failed after 1 attempt, retryStopped: attempts"
  ],
  "demo.ts": [
    /listens on http:\/\/127\.0\.0\.1:\d+\./,
    ...Operation.literals.map((operation) => new RegExp(`✓ ${operation}\\(`)),
    /✗ delete.*\n +NotFound \(outcome: not-applied\)/,
    /✗ upsert.*\n +Validation \(outcome: not-applied\)/,
    /✗ search.*\n +Unauthorized \(outcome: not-applied\)/,
    /\nDone\./
  ]
}

layer(NodeServices.layer, { concurrent: true })("examples", (it) => {
  it.effect("each is run by a test", () =>
    Effect.sync(() => {
      const programs = readdirSync(folder).filter((file) => !file.endsWith(".test.ts"))
      assert.deepStrictEqual(programs, ["01-quick-start.ts", ...Object.keys(standalone), "09-telemetry.ts"].toSorted())
    })
  )

  it.effect.each(Object.keys(standalone))(
    "%s runs by itself",
    (file) => Effect.map(run(file), (ended) => assertEnded(ended, standalone[file] ?? [])),
    timeout
  )

  describe("01-quick-start.ts", () => {
    const file = "01-quick-start.ts"
    const secret = "hunter2hunter2"

    it.effect(
      "runs on what the environment names",
      () =>
        Effect.gen(function* () {
          const { url } = yield* SandboxServer.Address
          const env = { AGENTALK_API_TOKEN: Redacted.value(Sandbox.token), AGENTALK_BASE_URL: url }
          assertEnded(yield* run(file, { env }), ["created"])
          assertEnded(yield* run(file, { env }), ["not new"])

          const [contact, ...others] = yield* (yield* Sandbox.State).contacts()
          assert.deepStrictEqual(others, [])
          assert.deepStrictEqual(
            contact?.tags?.map((tag) => tag.name),
            ["vip", "newsletter"]
          )
        }).pipe(Effect.provide(SandboxServer.layer)),
      timeout
    )

    it.effect.each([
      { what: "missing", variable: "AGENTALK_API_TOKEN", env: {} },
      { what: "malformed", variable: "AGENTALK_API_TOKEN", env: { AGENTALK_API_TOKEN: secret } },
      { what: "a JWT", variable: "AGENTALK_API_TOKEN", env: { AGENTALK_API_TOKEN: `eyJhbGciOiJub25lIn0.${secret}.` } },
      {
        what: "malformed",
        variable: "AGENTALK_BASE_URL",
        env: {
          AGENTALK_API_TOKEN: Redacted.value(Sandbox.token),
          AGENTALK_BASE_URL: `https://me:${secret}@localhost`
        }
      }
    ])(
      "names $variable and not its value when it is $what",
      ({ env, variable }) =>
        Effect.gen(function* () {
          const { exitCode, stderr, stdout } = yield* run(file, { env })
          assert.notStrictEqual(exitCode, 0)
          assert.include(stdout, variable)
          assert.notInclude(stdout + stderr, secret)
        }),
      timeout
    )
  })

  describe("09-telemetry.ts", () => {
    it.effect(
      "tells a collector and Prometheus what its calls did",
      () =>
        Effect.gen(function* () {
          const { exports, url } = yield* Collector.Collector
          assertEnded(yield* run("09-telemetry.ts", { env: { OTEL_EXPORTER_OTLP_ENDPOINT: url } }), [
            `agentalk_client_retries{agentalk_operation="upsert",agentalk_retry_reason="transient"} 1`,
            `agentalk_client_operation_duration_count{agentalk_operation="upsert",agentalk_outcome="done"} 1`,
            `agentalk_client_operation_duration_count{agentalk_operation="addTags",agentalk_outcome="done"} 1`,
            `agentalk_client_operation_duration_count{agentalk_operation="upsert",agentalk_outcome="not-applied",error_type="Validation"} 1`
          ])
          const { logs, metrics, resources, spans } = yield* Collector.decode(exports)
          assert.sameMembers(
            spans.map(({ name }) => name),
            [
              "signup",
              "Contacts.upsert",
              "POST /api/contacts",
              "POST /api/contacts",
              "Contacts.addTags",
              "POST /api/contacts/{contact_id}/tags",
              "signup",
              "Contacts.upsert"
            ]
          )
          assert.include(
            metrics.map(({ name }) => name),
            "http.client.request.duration"
          )
          assert.sameMembers([...new Set(logs.map(({ severityText }) => severityText))], ["Debug", "Warn"])
          assert.deepStrictEqual([...new Set(resources.map((resource) => resource["service.name"]))], ["signup"])
        }).pipe(Effect.provide(Collector.layer)),
      timeout
    )
  })

  describe("demo.ts", () => {
    it.effect(
      "--live asks for a token",
      () =>
        Effect.gen(function* () {
          const { exitCode, stderr, stdout } = yield* run("demo.ts", { args: ["--live"] })
          assert.strictEqual(exitCode, 1)
          assert.include(stderr, "AGENTALK_API_TOKEN")
          assert.notInclude(stdout, "✓")
        }),
      timeout
    )
  })
})

const serve = <A>(contacts: Layer.Layer<A | Contacts>) => Layer.provideMerge(layerServer(0), contacts)

describe("the backend service", () => {
  const post = Effect.fn("post")(function* (body: string) {
    const { address } = yield* HttpServer.HttpServer
    const response = yield* HttpClientRequest.post(new URL("/signup", HttpServer.formatAddress(address))).pipe(
      HttpClientRequest.bodyText(body, "application/json"),
      HttpClient.execute
    )
    return { status: response.status, headers: response.headers, body: yield* response.json }
  })

  const jane = JSON.stringify({ phone: "+12025550143", name: "Jane", plan: "pro" })
  layer(FetchHttpClient.layer)((it) => {
    it.effect("creates, then updates", () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* post(jane), { status: 201, body: { id } })
        assert.deepInclude(yield* post(jane), { status: 200, body: { id } })
        const tags = (yield* (yield* Sandbox.State).contacts()).map((contact) => contact.tags?.map((tag) => tag.name))
        assert.deepStrictEqual(tags, [["signup", "plan:pro"]])
      }).pipe(Effect.provide(serve(Sandbox.layer)))
    )

    it.effect("tells a caller what is wrong with the input", () =>
      Effect.gen(function* () {
        const invalid = yield* post(JSON.stringify({ phone: "12", name: "Jane", plan: "pro" }))
        assert.strictEqual(invalid.status, 422)
        assert.nestedPropertyVal(invalid.body, "issues[0].path[0]", "phone")
        assert.strictEqual((yield* post(JSON.stringify({ phone: "+12025550143" }))).status, 400)
        assert.strictEqual((yield* post("{")).status, 400)
        assert.deepStrictEqual(yield* (yield* Sandbox.State).contacts(), [])
      }).pipe(Effect.provide(serve(Sandbox.layer)))
    )

    const call = { operation: "upsert", outcome: "unknown", message: "a message" } as const
    const retryAfter = Duration.millis(1500)
    it.effect.each([
      { error: new Validation({ ...call, source: "server", issues: [] }), status: 422 },
      { error: new Unauthorized(call), status: 500 },
      { error: new Forbidden({ ...call, status: 403 }), status: 500 },
      { error: new RateLimited(call), status: 503, header: "1" },
      { error: new RateLimited({ ...call, retryAfter }), status: 503, header: "2" },
      { error: new CircuitOpen({ ...call, retryAfter }), status: 503, header: "2" },
      { error: new ServerFault({ ...call, status: 500 }), status: 502 },
      { error: new Timeout({ ...call, limit: "attempt" }), status: 504 },
      { error: new TransportFailure(call), status: 502 },
      { error: new UnexpectedResponse({ ...call, status: 200 }), status: 502 }
    ])("answers $error._tag with $status", ({ error, header, status }) =>
      Effect.gen(function* () {
        const response = yield* post(jane)
        assert.strictEqual(response.status, status)
        assert.strictEqual(response.headers["retry-after"], header)
      }).pipe(Effect.provide(serve(Layer.mock(Contacts, { upsert: () => Effect.fail(error) }))))
    )

    it.effect("answers 409 when the contact goes away in between", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* post(jane)).status, 409)
      }).pipe(
        Effect.provide(
          serve(
            Layer.effect(
              Contacts,
              Effect.map(Contacts, (contacts) => ({
                ...contacts,
                addTags: () =>
                  Effect.fail(new NotFound({ ...call, operation: "addTags", outcome: "not-applied", status: 404 }))
              }))
            ).pipe(Layer.provide(Sandbox.layer))
          )
        )
      )
    )
  })
})
