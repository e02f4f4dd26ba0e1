/** The methods of a client, derived from the operations table. */
import * as Effect from "effect/Effect"
import type { ContactError } from "../../AgentalkError.ts"
import { type OperationDefinition, type Operation, operations } from "../../Operations.ts"
import { type Arguments, factsOf, operationNames, type ResultOf } from "../operation.ts"
import { makeEncoder } from "../wire/request.ts"
import { makeCheck } from "../wire/requestValidation.ts"
import { Call, type CallDefinition } from "./call.ts"
import type { ErrorOf } from "./errors.ts"
import { OperationMetrics } from "./metrics.ts"
import type { Settings } from "./settings.ts"
import { observeCall } from "./telemetry.ts"

/** The methods of a client, with the arguments, results and errors that the table declares. */
export type Methods = {
  readonly [K in Operation]: (...values: Arguments<K>) => Effect.Effect<ResultOf<K>, ErrorOf<K>>
}

/** Makes a call, with the whole input of the operation as its argument. */
type CallWithInput = (input: unknown) => Effect.Effect<unknown, ContactError>

const toDefinition = (operation: Operation): CallDefinition => {
  const definition: OperationDefinition = operations[operation]
  const { input, isDoneIfMissing = false, response } = definition
  const encode = makeEncoder({ ...definition, ...factsOf(operation) })
  return { operation, check: makeCheck(input), encode, response, isDoneIfMissing }
}

const makeCallWithInput = (settings: Settings, operation: Operation): CallWithInput => {
  const definition = toDefinition(operation)
  const metrics = new OperationMetrics(operation, settings.server)
  return (input) =>
    Effect.withFiber((fiber) => {
      const call = new Call(settings, definition, metrics, input, fiber)
      return observeCall(metrics, call, call.started, () => call.start())
    })
}

/** Makes a method that collects its arguments into the input of its operation. */
const withArguments = (names: ReadonlyArray<string>, call: CallWithInput) => {
  const [first = "", second = ""] = names
  switch (names.length) {
    case 1:
      return (value: unknown) => call({ [first]: value })
    case 2:
      return (value: unknown, other: unknown) => call({ [first]: value, [second]: other })
    default:
      return (...values: ReadonlyArray<unknown>) =>
        call(Object.fromEntries(names.map((name, index) => [name, values[index]])))
  }
}

/** Makes the methods of a client. */
export const makeMethods = (settings: Settings): Methods => {
  const entries = operationNames.map((operation) => {
    const call = makeCallWithInput(settings, operation)
    const { argumentNames } = factsOf(operation)
    return [operation, argumentNames === undefined ? call : withArguments(argumentNames, call)] as const
  })
  // The types of the methods differ, and a loop cannot preserve them.
  return Object.fromEntries(entries) as unknown as Methods
}
