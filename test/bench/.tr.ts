import { startServer } from "./processes.ts"
import * as Work from "./work.ts"
import { makePool } from "./contenders/raw.ts"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpBody from "effect/http/HttpBody"
import * as UndiciHttpClient from "@agentalk/node/UndiciHttpClient"
import { ofEffects } from "./block.ts"
import * as Layer from "effect/Layer"
import * as Transport from "@agentalk/core/Transport"
import * as Headers from "effect/http/Headers"
const server = await startServer()
const raw = (await import("./contenders/raw.ts")).connect(server.url)
const dispatch = (await import("./contenders/dispatch.ts")).connect(server.url)
const full = (await import("./contenders/agentalk.ts")).connect(server.url)
const pool = makePool()
class H { t = ""; s = 0; r: any; constructor(r: any) { this.r = r } onRequestStart() {} onResponseStart(_: any, s: number) { this.s = s } onResponseData(_: any, c: Buffer) { this.t += c.toString() } onResponseEnd() { this.r(Effect.succeed(JSON.parse(this.t).contact.id)) } onResponseError(_: any, e: any) { this.r(Effect.die(e)) } }
const cb = ofEffects(Layer.empty as any, Effect.succeed(Effect.callback<string>((resume) => { pool.dispatch({ origin: server.url, path: "/api/contacts/", method: "POST", headers: Work.headers as any, body: JSON.stringify(Work.input) }, new H(resume) as any); return Effect.void })) as any)
const headers = Object.freeze(Headers.fromInput(Work.headers as any))
const tr = (withAttempt: boolean) => ofEffects(UndiciHttpClient.layer, Effect.map(HttpClient.HttpClient, (client) => Effect.suspend(() => {
  const e = Effect.flatMap(Effect.flatMap(client.execute(HttpClientRequest.makeWith("POST", server.url + "/api/contacts", [] as any, undefined as any, headers, HttpBody.jsonUnsafe(Work.input)) as any), (r) => r.text), (t) => Effect.succeed(JSON.parse(t).contact.id))
  return withAttempt ? Effect.provideService(e, Transport.CurrentAttempt, { deadline: performance.now() * 1e9, maxBodyBytes: 10_000_000 }) : e
})) as any)
const UrlParams = await import("effect/http/UrlParams"); const Option = await import("effect/Option")
const tr2 = (withAttempt: boolean) => ofEffects(UndiciHttpClient.layer, Effect.map(HttpClient.HttpClient, (client) => Effect.suspend(() => {
  const e = Effect.flatMap(Effect.flatMap(client.execute(HttpClientRequest.makeWith("POST", server.url + "/api/contacts", UrlParams.empty, Option.none(), headers, HttpBody.jsonUnsafe(Work.input))), (r) => r.text), (t) => Effect.succeed(JSON.parse(t).contact.id))
  return withAttempt ? Effect.provideService(e, Transport.CurrentAttempt, { deadline: Number.MAX_SAFE_INTEGER, maxBodyBytes: 10_000_000 }) : e
})) as any)
const cases: any = { raw, dispatch, cb, transport: tr2(false), transportT: tr2(true), full }
const only = process.argv.slice(2)
const keys = Object.keys(cases).filter((k) => only.length === 0 || only.includes(k))
for (const k of keys) await cases[k](20000, 32)
const times: any = Object.fromEntries(keys.map((k) => [k, []]))
for (let i = 0; i < 11; i++) for (const k of keys) { await cases[k](1000, 32); const c = process.cpuUsage(); await cases[k](4000, 32); const d = process.cpuUsage(c); times[k].push((d.user + d.system) / 4000) }
for (const k of keys) { const t = times[k].sort((a: any, b: any) => a - b); console.log(k.padEnd(10), "min", t[0].toFixed(1), "q1", t[2].toFixed(1), "med", t[5].toFixed(1)) }
server.stop(); process.exit(0)
