/** Replaces the telemetry of a client by functions that record nothing, to measure the cost of telemetry. */
import { monotonicMillis } from "@agentalk/core/unstable"
import * as Effect from "effect/Effect"
import type * as Metrics from "../../../packages/core/src/internal/call/metrics.ts"
import type * as Telemetry from "../../../packages/core/src/internal/call/telemetry.ts"

export const OperationMetrics = function () {}

export const observeCall: typeof Telemetry.observeCall = (_, __, ___, start) => start()

export const observeAttempt: typeof Telemetry.observeAttempt = (_, { clock }, request, send) =>
  Effect.withFiber((fiber) => send(request, fiber, monotonicMillis(clock), undefined))

export const recordWait: typeof Telemetry.recordWait = () => Effect.void

export const recordRepeat: typeof Telemetry.recordRepeat = () => {}

export const reportBudget: typeof Metrics.reportBudget = () => {}

export const reportBreaker: typeof Metrics.reportBreaker = () => Effect.void

export const inSpan: typeof Telemetry.inSpan = (effect) => effect
