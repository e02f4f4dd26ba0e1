import { AgentalkClient, Sandbox } from "@agentalk/core"
import { SandboxServer, UndiciHttpClient } from "@agentalk/node"
import { Effect, Layer } from "effect"
import { FetchHttpClient, type HttpClient } from "effect/http"
import { suite } from "./conformance/suite.ts"

const overSocket = (client: Layer.Layer<HttpClient.HttpClient>) =>
  Layer.unwrap(
    Effect.map(SandboxServer.Address, ({ url }) => AgentalkClient.layer({ token: Sandbox.token, baseUrl: url }))
  ).pipe(Layer.provide([client, SandboxServer.layer]))

suite("conformance of the sandbox in memory", Sandbox.layer)
suite("conformance of the sandbox over a socket, on undici", overSocket(UndiciHttpClient.layer))
suite("conformance of the sandbox over a socket, on fetch", overSocket(FetchHttpClient.layer))
