/**
 * A set of contact ids that only grows, for a reader that must not give a contact twice.
 *
 * A UUID, in upper or lower case, takes 16 bytes of an open-addressing table that doubles at three quarters full: 21 to
 * 43 bytes each with the free slots, against 78 in a `Set` of strings. Any other id, and the nil UUID, goes
 * to a `Set`.
 */

const minSlots = 64

// The value of a hexadecimal digit by its character code; -1 for all others.
const digits = new Int8Array(128).fill(-1)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  digits[digit.charCodeAt(0)] = value
  digits[digit.toUpperCase().charCodeAt(0)] = value
}

// The four 32-bit words of the UUID that was read last.
const words = new Uint32Array(4)

/** Reads a UUID into `words`, and tells whether it was one. */
const readUuid = (text: string): boolean => {
  if (text.length !== 36) return false
  let word = 0
  let count = 0
  for (let at = 0; at < 36; at++) {
    const code = text.charCodeAt(at)
    if (at === 8 || at === 13 || at === 18 || at === 23) {
      if (code !== 45) return false
      continue
    }
    const value = code < 128 ? (digits[code] ?? -1) : -1
    if (value < 0) return false
    word = (word << 4) | value
    if (++count % 8 === 0) words[count / 8 - 1] = word
  }
  return true
}

// Ids that count up, or begin with a time, must spread as well as random ones.
const hash = (a: number, b: number, c: number, d: number): number => {
  let h = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(c ^ Math.imul(d, 0xc2b2ae35), 0x27d4eb2f)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) >>> 0
}

/** Puts an entry where it belongs, and tells whether it was not there. The nil UUID marks a free slot. */
const insert = (slots: Uint32Array, a: number, b: number, c: number, d: number): boolean => {
  const mask = slots.length / 4 - 1
  for (let slot = hash(a, b, c, d) & mask; ; slot = (slot + 1) & mask) {
    const at = slot * 4
    const w = slots[at]
    const x = slots[at + 1]
    const y = slots[at + 2]
    const z = slots[at + 3]
    if (w === a && x === b && y === c && z === d) return false
    if (w === 0 && x === 0 && y === 0 && z === 0) {
      slots[at] = a
      slots[at + 1] = b
      slots[at + 2] = c
      slots[at + 3] = d
      return true
    }
  }
}

const doubled = (slots: Uint32Array): Uint32Array<ArrayBuffer> => {
  const larger = new Uint32Array(slots.length * 2)
  for (let at = 0; at < slots.length; at += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = [slots[at], slots[at + 1], slots[at + 2], slots[at + 3]]
    if ((a | b | c | d) !== 0) insert(larger, a, b, c, d)
  }
  return larger
}

export interface SeenIds {
  /** Remembers an id, and tells whether it is new. */
  readonly add: (id: string) => boolean
  /** How many bytes the table takes. */
  readonly byteLength: () => number
}

export const makeSeenIds = (): SeenIds => {
  const others = new Set<string>()
  let slots = new Uint32Array(0)
  let count = 0
  return {
    add: (id) => {
      const isUuid = readUuid(id)
      const [a = 0, b = 0, c = 0, d = 0] = words
      if (!isUuid || (a | b | c | d) === 0) return others.size < others.add(id).size
      if (slots.length === 0) slots = new Uint32Array(minSlots * 4)
      else if ((count + 1) * 4 > (slots.length / 4) * 3) slots = doubled(slots)
      const isNew = insert(slots, a, b, c, d)
      if (isNew) count++
      return isNew
    },
    byteLength: () => slots.byteLength
  }
}
