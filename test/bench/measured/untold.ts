/** What stands in for the telemetry of a client that tells nothing at all, to see what telling costs. */
import * as Effect from "effect/Effect"
import type * as Telemetry from "../../../packages/core/src/internal/telemetry.ts"
import { now } from "@agentalk/core/Transport"

export const Instruments = function () {}

export const observeCall: typeof Telemetry.observeCall = (_, __, ___, start) => start()

export const observeAttempt: typeof Telemetry.observeAttempt = (_, { clock }, request, send) =>
  Effect.withFiber((fiber) => send(request, fiber, now(clock)))

export const waited: typeof Telemetry.waited = () => Effect.void

export const retried: typeof Telemetry.retried = () => {}

export const showBudget: typeof Telemetry.showBudget = () => {}

export const showBreaker: typeof Telemetry.showBreaker = () => Effect.void
