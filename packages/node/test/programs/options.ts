import { AgentalkNode } from "@agentalk/node"
import type { Redacted } from "effect"

export const layerContacts = (token: Redacted.Redacted) =>
  AgentalkNode.layerOptions({
    token,
    attemptTimeout: "5 seconds",
    rateLimit: { limit: 600, window: "1 minute" },
    pool: { connections: 16, connectTimeout: "2 seconds" }
  })
