import { assert, describe, it } from "@effect/vitest"
import { contractKeys, factsOf, operationNames, routerPath } from "../src/internal/operation.ts"
import { operations } from "../src/Operations.ts"
import {
  accepts,
  inputKeysOf,
  isReadOnly,
  listKeysOf,
  namesContact,
  objectKeysOf,
  optionalKeysOf,
  sampleOf,
  textKeysOf
} from "./OperationTable.ts"

describe("the input of an operation", () => {
  it.each(operationNames)("accepts its sample: %s", (operation) => {
    assert.isTrue(accepts(operation, sampleOf(operation)))
  })

  it("has keys for text, lists and objects", () => {
    assert.deepStrictEqual(textKeysOf("search"), ["name", "phone"])
    assert.deepStrictEqual(listKeysOf("addTags"), ["tags"])
    assert.deepStrictEqual(objectKeysOf("updateFields"), ["fields"])
    assert.deepStrictEqual(optionalKeysOf("search"), ["name", "phone", "limit", "offset"])
    assert.deepStrictEqual(optionalKeysOf("addTags"), [])
  })
})

describe("the facts of an operation", () => {
  it.each(operationNames)("agree with its line of the table: %s", (operation) => {
    const facts = factsOf(operation)
    const inputKeys = inputKeysOf(operation)
    const parameterKeys = facts.parameters.map(({ inputName }) => inputName)
    assert.strictEqual(facts.operation, operation)
    assert.strictEqual(facts.isReadOnly, isReadOnly(operation))
    assert.strictEqual(facts.namesContact, namesContact(operation))
    assert.deepStrictEqual(
      facts.parameters.map(({ wireName }) => `{${wireName}}`),
      operations[operation].path.match(/\{.*?\}/g) ?? []
    )
    assert.includeMembers([...inputKeys], parameterKeys)
    assert.deepStrictEqual(facts.argumentNames, parameterKeys.length === 0 ? undefined : inputKeys)
    assert.sameMembers([...parameterKeys, ...facts.payloadNames], [...inputKeys])
    for (const key of inputKeys) assert.isTrue(contractKeys.has(key), key)
  })

  it("have the parameters in the order of the path", () => {
    assert.deepStrictEqual(factsOf("removeTag"), {
      operation: "removeTag",
      isReadOnly: false,
      namesContact: true,
      parameters: [
        { wireName: "contact_id", inputName: "id" },
        { wireName: "tag_id_or_name", inputName: "tagIdOrName" }
      ],
      argumentNames: ["id", "tagIdOrName"],
      payloadNames: []
    })
  })

  it("have no argument names if the method takes the input itself", () => {
    assert.deepStrictEqual(factsOf("search"), {
      operation: "search",
      isReadOnly: true,
      namesContact: false,
      parameters: [],
      argumentNames: undefined,
      payloadNames: ["name", "phone", "limit", "offset"]
    })
  })
})

it("routerPath spells path parameters as Effect's router does", () => {
  assert.strictEqual(routerPath("removeTag"), "/api/contacts/:contact_id/tags/:tag_id_or_name")
})
