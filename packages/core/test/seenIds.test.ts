import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { makeSeenIds } from "../src/internal/stream/seenIds.ts"

const uuid = (n: number, width = 12) => `5a4db0c5-0000-4000-8000-${n.toString(16).padStart(width, "0").padEnd(12, "0")}`

const random = (n: number) => Math.imul(n + 1, 0x9e3779b1) >>> 0

// Few different ones, so that they come again; some differ in one bit, or in their first or last digit.
const ids = Arbitrary.array(
  Arbitrary.schema(
    Schema.Literals([
      "",
      "1",
      "a contact",
      "00000000-0000-0000-0000-000000000000",
      "00000000-0000-0000-0000-000000000001",
      "80000000-0000-0000-0000-000000000000",
      "ffffffff-ffff-ffff-ffff-ffffffffffff",
      "ffffffff-ffff-ffff-ffff-fffffffffffe",
      "0fffffff-ffff-ffff-ffff-ffffffffffff",
      "abcdefab-cdef-abcd-efab-cdefabcdefab",
      // None of these is a UUID.
      "abcdefabxcdef-abcd-efab-cdefabcdefab",
      "abcdefab-cdef-abcd-efab-cdefabcdefag",
      "abcdefab-cdef-abcd-efab-cdefabcdefaé",
      "abcdefab-cdef-abcd-efab-cdefabcdefabc",
      "abcdefab-cdef-abcd-efab-cdefabcdefa"
    ])
  ),
  { maxLength: 40 }
)

describe("SeenIds", () => {
  it.effect.prop("tells what is new like a Set", [ids], ([found]) =>
    Effect.sync(() => {
      const seen = makeSeenIds()
      const model = new Set<string>()
      return found.every((id) => seen.add(id) === model.size < model.add(id).size)
    })
  )

  it("keeps what it has seen while it grows, whether ids count up, lie wide apart or are random", () => {
    for (const toId of [
      (n: number) => uuid(n),
      (n: number) => uuid(n, 6),
      (n: number) => `00000000-0000-0000-0000-${(n + 1).toString(16).padStart(12, "0")}`,
      (n: number) =>
        `${random(n).toString(16).padStart(8, "0")}-0000-7000-8000-${random(n).toString(16).padEnd(12, "0")}`
    ]) {
      const seen = makeSeenIds()
      for (let n = 0; n < 20_000; n++) assert.isTrue(seen.add(toId(n)), toId(n))
      for (let n = 0; n < 20_000; n++) assert.isFalse(seen.add(toId(n)), toId(n))
      assert.isTrue(seen.add(toId(20_000)))
    }
  })

  it.each([0, 1, 2, 3])("tells ids apart that differ in 32-bit word %d alone, whatever the others hold", (word) => {
    for (const others of [0, 0x80000001]) {
      const words = [others, others, others, others]
      const same = Array.from({ length: 2000 }, (_, n) => {
        const hex = words.with(word, n + 1).map((one) => one.toString(16).padStart(8, "0"))
        return hex.join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
      })
      const seen = makeSeenIds()
      assert.isTrue(same.every((id) => seen.add(id)))
      assert.isFalse(same.some((id) => seen.add(id)))
    }
  })

  it("takes no character but a hexadecimal digit for one", () => {
    const seen = makeSeenIds()
    for (const digit of ["0", "1", "f", "g", "/", ":", "@", "`", "\u0080", "é", "\u{1d7d9}"]) {
      assert.isTrue(seen.add(uuid(1).slice(0, 36 - digit.length) + digit), digit)
    }
  })

  it("takes upper and lower case for the same UUID, but not for the same other id", () => {
    const seen = makeSeenIds()
    assert.isTrue(seen.add("abcdefab-cdef-4bcd-8fab-cdefabcdefab"))
    assert.isFalse(seen.add("ABCDEFAB-CDEF-4BCD-8FAB-CDEFABCDEFAB"))
    assert.isTrue(seen.add("abc"))
    assert.isTrue(seen.add("ABC"))
  })

  it("takes from 16 to 43 bytes for a UUID, and nothing before the first", () => {
    const seen = makeSeenIds()
    assert.strictEqual(seen.byteLength(), 0)
    for (let n = 1; n <= 100_000; n++) {
      seen.add(uuid(n))
      if (n >= 64) {
        if (seen.byteLength() < 16 * n || seen.byteLength() > 43 * n) assert.fail(`${seen.byteLength()} bytes for ${n}`)
      }
    }
    const before = seen.byteLength()
    for (let n = 1; n <= 100_000; n++) seen.add(uuid(n))
    assert.strictEqual(seen.byteLength(), before)
  })
})
