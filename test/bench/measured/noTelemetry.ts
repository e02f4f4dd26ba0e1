/** A stub for the telemetry modules of the client. The difference in cost to the real modules is the cost of telemetry. */
import * as Effect from "effect/Effect"
import type * as Instrument from "../../../packages/core/src/internal/instruments.ts"
import type * as Telemetry from "../../../packages/core/src/internal/telemetry.ts"
import { now } from "@agentalk/core/Transport"

export const Instruments = function () {}

export const observeCall: typeof Telemetry.observeCall = (_, __, ___, start) => start()

export const observeAttempt: typeof Telemetry.observeAttempt = (_, { clock }, request, send) =>
  Effect.withFiber((fiber) => send(request, fiber, now(clock), undefined))

export const waited: typeof Telemetry.waited = () => Effect.void

export const retried: typeof Telemetry.retried = () => {}

export const showBudget: typeof Instrument.showBudget = () => {}

export const showBreaker: typeof Instrument.showBreaker = () => Effect.void

export const inSpan: typeof Telemetry.inSpan = (effect) => effect
