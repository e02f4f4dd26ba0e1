/** Derived from the operations table: types of methods, facts about operations, routes and the keys of the contract. */
import { Operation, type OperationDefinition, operations, pathParameters } from "../Operations.ts"
import { attributeNames, attributes } from "./attributes.ts"

type Operations = typeof operations

/** The names of all operations, in the order of the table. */
export const operationNames: ReadonlyArray<Operation> = Operation.literals

type PathParameter = keyof typeof pathParameters

type ParametersIn<Path> = Path extends `${string}{${infer Name extends PathParameter}}${infer Rest}`
  ? readonly [Name, ...ParametersIn<Rest>]
  : readonly []

/** The input of an operation, as a caller passes it. */
type Input<K extends Operation> = Operations[K]["input"]["Encoded"]

/** The result of an operation. */
export type ResultOf<K extends Operation> =
  Operations[K] extends OperationDefinition<infer _P, infer _I, infer A> ? A : never

type ValuesOf<Parameters, I> = Parameters extends readonly [infer Name extends PathParameter, ...infer Rest]
  ? [value: I[(typeof pathParameters)[Name] & keyof I], ...ValuesOf<Rest, I>]
  : []

type BodyOf<Parameters extends ReadonlyArray<unknown>, I> =
  Exclude<keyof I, (typeof pathParameters)[Parameters[number] & PathParameter]> extends infer Key extends keyof I
    ? [Key] extends [never]
      ? []
      : [body: I[Key]]
    : never

/** The arguments of an operation's method. */
export type Arguments<K extends Operation> =
  NamesContact<K> extends true
    ? [
        ...ValuesOf<ParametersIn<Operations[K]["path"]>, Input<K>>,
        ...BodyOf<ParametersIn<Operations[K]["path"]>, Input<K>>
      ]
    : [input: Input<K>]

/** Whether the path of an operation names a contact. */
export type NamesContact<K extends Operation> = Operations[K]["path"] extends `${string}{contact_id}${string}`
  ? true
  : false

const parameterPattern = /\{(\w+)\}/g

/** A path parameter: its name in the contract, and its name in the input. */
interface Parameter {
  readonly wireName: string
  readonly inputName: string
}

/** Facts that are derived from the table entry of an operation. */
export interface OperationFacts {
  readonly operation: Operation
  readonly isReadOnly: boolean
  readonly namesContact: boolean
  /** The path parameters, in the order of the path. */
  readonly parameters: ReadonlyArray<Parameter>
  /** The input key of each argument of the method; `undefined` if its only argument is the whole input. */
  readonly argumentNames: ReadonlyArray<string> | undefined
  /** The names of the input's values that go into the query or the body. */
  readonly payloadNames: ReadonlyArray<string>
}

const toFacts = (operation: Operation): OperationFacts => {
  const { input, method, path } = operations[operation]
  const parameters = Array.from(path.matchAll(parameterPattern), ([, wireName = ""]) => ({
    wireName,
    inputName: pathParameters[wireName as PathParameter]
  }))
  const inputNames = Object.keys(input.fields)
  return {
    operation,
    isReadOnly: method === "GET",
    namesContact: parameters.some(({ wireName }) => wireName === "contact_id"),
    parameters,
    argumentNames: parameters.length === 0 ? undefined : inputNames,
    payloadNames: inputNames.filter((name) => !parameters.some(({ inputName }) => inputName === name))
  }
}

const facts = Object.fromEntries(operationNames.map((name) => [name, toFacts(name)])) as Readonly<
  Record<Operation, OperationFacts>
>

/** Returns the facts about an operation. */
export const factsOf = (operation: Operation): OperationFacts => facts[operation]

/** A path in the spelling of Effect's router: `:contact_id` instead of `{contact_id}`. */
type RouterPath<Path> = Path extends `${infer Head}{${infer Name}}${infer Rest}`
  ? `${Head}:${Name}${RouterPath<Rest>}`
  : Path

/** Returns the path of an operation in the spelling of Effect's router. */
export const routerPath = <K extends Operation>(operation: K) =>
  operations[operation].path.replaceAll(parameterPattern, ":$1") as RouterPath<Operations[K]["path"]>

/** Request keys that the contract declares. They are not personal data, so they may appear in the paths of issues. */
export const contractKeys: ReadonlySet<string> = new Set([
  ...attributeNames.flatMap((name) => attributes[name].spellings),
  ...operationNames.flatMap((name) => Object.keys(operations[name].input.fields)),
  ...Object.keys(pathParameters),
  "body",
  "query"
])
