import type { Contact, ContactId } from "@agentalk/core"
import { type Attribute, attributeNames, attributes } from "@agentalk/core/unstable"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { gunzipSync, gzipSync } from "node:zlib"
import * as ContactFile from "../src/ContactFile.ts"
import * as Cells from "../src/internal/cells.ts"

vi.setConfig({ testTimeout: 60_000 })

const bytes = (text: string | Uint8Array) => (typeof text === "string" ? Buffer.from(text) : text)

/** Decodes content in chunks of `size` bytes, so that chunks end at every position. */
const readRows = (
  content: string | Uint8Array,
  {
    format = "csv",
    padding = 5000,
    size = 65_536,
    ...options
  }: ContactFile.ReadOptions & {
    readonly padding?: number
    readonly size?: number
  } = {}
) => {
  // The decoder waits until it has enough bytes to detect text. Empty lines at the start provide them.
  const mark = Buffer.from("\ufeff")
  const plain = Buffer.from(bytes(content))
  const isMarked = plain.subarray(0, 3).equals(mark)
  const body = isMarked ? plain.subarray(3) : plain
  const blank = Buffer.alloc(padding, /\r(?!\n)/.test(body.toString("latin1")) ? "\r" : "\n")
  const first = Buffer.concat([isMarked ? mark : Buffer.alloc(0), blank])
  const others = Array.from({ length: Math.ceil(body.length / size) }, (_, index) =>
    body.subarray(index * size, (index + 1) * size)
  )
  const chunks = [first, ...others]
  return Stream.fromIterable(chunks).pipe(
    ContactFile.rows(format ?? "csv", options),
    Stream.map((row) => ({ ...row, line: row.line - padding })),
    Stream.runCollect
  )
}

const inputsOf = (rows: ReadonlyArray<ContactFile.Row>) =>
  rows.flatMap((row) => (row._tag === "Contact" ? [row.input] : []))

const refusedOf = (rows: ReadonlyArray<ContactFile.Row>) =>
  rows.flatMap((row) => (row._tag === "Refused" ? [[row.line, row.reason] as const] : []))

const placeOf = ({ _tag, line, row }: ContactFile.Row) => [_tag, row, line]

const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "agentalk-test-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

describe("CSV", () => {
  it.effect("reads attributes in any spelling, and every other column as a custom field", () =>
    Effect.gen(function* () {
      const rows = yield* readRows(
        'Phone,first_name,Last Name,E-Mail,tags,city,Plan Name\n+15551234567, Jane ,"O""Hara, jr",j@example.com,vip|x; y |,Lisbon,\n'
      )
      assert.deepStrictEqual(rows, [
        {
          _tag: "Contact",
          row: 1,
          line: 2,
          input: {
            phone: "+15551234567",
            firstName: "Jane",
            lastName: 'O"Hara, jr',
            email: "j@example.com",
            tags: ["vip", "x", "y"],
            fields: { city: "Lisbon" }
          }
        }
      ])
    })
  )

  it.effect("reads a byte order mark, semicolons, tabs, all line endings, and a last line without one", () =>
    Effect.gen(function* () {
      for (const content of [
        '\ufeffphone;city\r\n1234567;Pó\r\n7654321;"a;\r\nb"\r\n',
        'phone\tcity\n1234567\tPó\n7654321\t"a;\r\nb"',
        '\ufeffphone,city\r1234567,Pó\r7654321,"a;\r\nb"\r'
      ]) {
        for (const size of [1, 3, 65_536]) {
          const rows = yield* readRows(content, { size })
          assert.deepStrictEqual(inputsOf(rows), [
            { phone: "1234567", fields: { city: "Pó" } },
            { phone: "7654321", fields: { city: "a;\r\nb" } }
          ])
          assert.deepStrictEqual(
            rows.map(({ line }) => line),
            [2, 3]
          )
        }
      }
    })
  )

  it.effect("maps columns to attributes, to custom fields, or to nothing with map", () =>
    Effect.gen(function* () {
      const map = { Mobile: "phone", phone: "old phone", Notes: "", Town: "city" }
      const rows = yield* readRows("Mobile,phone,Notes,Town\n1234567,99,secret,Porto\n", { map })
      assert.deepStrictEqual(inputsOf(rows), [{ phone: "1234567", fields: { "old phone": "99", city: "Porto" } }])
    })
  )

  it.effect("matches names of map in any case, and prefers an exact match", () =>
    Effect.gen(function* () {
      const rows = yield* readRows("Mobile Phone,Name,name\n1234567,a,b\n", {
        map: { "MOBILE phone": "phone", name: "", NAME: "field:email" }
      })
      assert.deepStrictEqual(inputsOf(rows), [{ phone: "1234567", fields: { email: "a" } }])
    })
  )

  it.effect("reads the prefix of custom fields, escaped tags and guarded cells", () =>
    Effect.gen(function* () {
      const content = String.raw`phone,tags,field:tags,n,'=x
+1234567,a\|b;c\\|d\e,x,'-x,-5
'+1 234 567,,,'quoted',"{""a"":1}"
`
      assert.deepStrictEqual(inputsOf(yield* readRows(content)), [
        { phone: "+1234567", tags: ["a|b", "c\\", "d\\e"], fields: { tags: "x", n: "-x", "=x": "-5" } },
        { phone: "+1 234 567", fields: { n: "'quoted'", "=x": '{"a":1}' } }
      ])
      const typed = inputsOf(yield* readRows(content, { typed: true }))
      assert.deepStrictEqual(
        typed.map(({ fields }) => fields?.["=x"]),
        [-5, { a: 1 }]
      )
    })
  )

  it.effect("guards every cell that a spreadsheet would take for a formula, except numbers", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "out.csv")
      const extra = {}
      const names = ["=1+1", "+cmd", "-x", "@x", "\t=x", "\uff1dx", "-5", "'=x"]
      const contacts = names.map((firstName): Contact => ({
        id: "1" as ContactId,
        phone: "+15551234567",
        firstName,
        extra
      }))
      yield* ContactFile.write(Stream.fromIterable(contacts), path, { format: "csv" })
      const lines = (yield* Effect.promise(() => readFile(path, "utf8"))).trimEnd().split("\n").slice(1)
      assert.deepStrictEqual(
        lines.map((line) => line.split(",")[1]),
        ["'=1+1", "'+cmd", "'-x", "'@x", `"'\t=x"`, "'\uff1dx", "-5", "''=x"]
      )
      assert.match(lines[0] ?? "", /^\+15551234567,/)
    }).pipe(Effect.scoped)
  )

  it.effect("refuses invalid rows with their line and reason, and reads the rows after them", () =>
    Effect.gen(function* () {
      const content = Buffer.concat([
        bytes(
          'phone,name,city\n1234561,a,b\n1234562,too,many,cells\n1234563,5" disk,x\n\n,,\n1234564,"two\nlines",x\n'
        ),
        bytes('1234565,"x"y,z\n1234566,'),
        Buffer.from([0xff, 0xfe]),
        bytes(',z\n,no phone,z\n1234567,c,d\n1234568,"never closed,x\n1234569,e,f\n')
      ])
      for (const size of [1, 7, 65_536]) {
        const rows = yield* readRows(content, { size })
        assert.deepStrictEqual(
          inputsOf(rows).map(({ phone }) => phone),
          ["1234561", "1234564", "1234567", "1234569"]
        )
        assert.deepStrictEqual(refusedOf(rows), [
          [3, "it has 4 columns instead of 3"],
          [4, "a quote is inside a cell that does not begin with a quote"],
          [9, "a closing quote is followed by more text"],
          [10, "it is not UTF-8 text"],
          [11, "there is no phone number"],
          [13, "a quote is not closed"]
        ])
        assert.deepStrictEqual(
          rows.map(({ row }) => row),
          rows.map((_, index) => index + 1)
        )
      }
    })
  )

  it.effect("keeps at most a few rows of the maximum length in memory while a quote is open", () =>
    Effect.gen(function* () {
      const content = `phone,a\n1234561,"open\n${"x".repeat(200_000)}`
      let most = 0
      const chunks = Array.from({ length: 2000 }, (_, index) =>
        Buffer.from(content.slice(index * 101, (index + 1) * 101))
      )
      const concat = vi.spyOn(Buffer, "concat").mockImplementation((parts) => {
        most = Math.max(
          most,
          parts.reduce((sum, { length }) => sum + length, 0)
        )
        return Buffer.from(parts.flatMap((part) => [...part]))
      })
      const rows = yield* Stream.fromIterable(chunks).pipe(
        ContactFile.rows("csv", { maxRowBytes: 1000 }),
        Stream.runCollect,
        Effect.ensuring(Effect.sync(() => concat.mockRestore()))
      )
      assert.deepStrictEqual(
        rows.map(({ _tag, line }) => [_tag, line]),
        [
          ["Refused", 2],
          ["Refused", 3]
        ]
      )
      assert.isBelow(most, 6000)
    })
  )

  it.effect("refuses lines that are too long and quotes that are not closed, and reads the rows after them", () =>
    Effect.gen(function* () {
      const huge = "x".repeat(10_000)
      const content = `phone,a\n1234561,${huge}\n1234562,b\n1234563,"${huge}\n1234564,c\n${huge}`
      for (const size of [100, 65_536]) {
        const rows = yield* readRows(content, { size, maxRowBytes: 1000 })
        assert.deepStrictEqual(
          inputsOf(rows).map(({ phone }) => phone),
          ["1234562", "1234564"]
        )
        assert.deepStrictEqual(
          refusedOf(rows).map(([line]) => line),
          [2, 4, 6]
        )
      }
    })
  )

  it.effect("keeps a field called __proto__", () =>
    Effect.gen(function* () {
      const [input] = inputsOf(yield* readRows("phone,__proto__\n1234567,x\n"))
      assert.deepStrictEqual(Object.entries(input?.fields ?? {}), [["__proto__", "x"]])
    })
  )

  const faults: ReadonlyArray<readonly [name: string, content: string | Uint8Array, kind: string]> = [
    ["an empty file", "", "empty"],
    ["a file of blank lines", "\n\r\n\n", "empty"],
    ["a file that is only a byte order mark", "\ufeff", "empty"],
    [
      "a UTF-16 file",
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("phone\n1234567\n", "utf16le")]),
      "encoding"
    ],
    ["a header in Latin-1", Buffer.from("phone,pa\u00eds\n1234567,x\n", "latin1"), "encoding"],
    ["a binary file", Buffer.from([1, 2, 0, 3, 4]), "binary"],
    ["a compressed file without .gz in its name", gzipSync("phone\n1234567\n"), "binary"],
    ["a spreadsheet", Buffer.from("PK\u0003\u0004abc"), "binary"],
    ["a header without a phone", "name,city\nJane,Porto\n", "header"],
    ["a header with one name twice", "phone,city,city\n1,2,3\n", "header"],
    ["a header with two phones", "phone,Phone\n1,2\n", "header"],
    ["a header that never ends", `phone,${"x".repeat(5000)}`, "header"],
    ["a header with an open quote", 'phone,"city\n1234567,x\n', "header"]
  ]

  for (const [name, content, kind] of faults) {
    it.effect(`fails on ${name}`, () =>
      Effect.gen(function* () {
        for (const size of [1, 65_536]) {
          const fault = yield* Effect.flip(readRows(content, { size, maxRowBytes: 1000, padding: 0 }))
          assert.strictEqual(fault._tag, "FileFault")
          assert.strictEqual(fault.kind, kind)
          assert.notInclude(`${fault.message} ${fault.advice}`, "Jane")
        }
      })
    )
  }

  it.effect("fails if map names a column that does not exist", () =>
    Effect.gen(function* () {
      const fault = yield* Effect.flip(readRows("phone\n1234567\n", { map: { Mobile: "phone" } }))
      assert.strictEqual(fault.kind, "header")
    })
  )
})

describe("NDJSON", () => {
  it.effect("reads attributes, fields and other keys as custom fields, and ignores the id", () =>
    Effect.gen(function* () {
      const lines = [
        {
          id: "x",
          phone: 15551234567,
          first_name: "Jane",
          lastName: null,
          tags: ["vip", { name: "x", id: 1 }],
          fields: { a: 1 },
          b: [2]
        },
        { Phone: "1234567", tags: "x|y", email: "" }
      ]
      const content = `\ufeff${lines.map((line) => JSON.stringify(line)).join("\r\n")}\n\n`
      for (const size of [1, 65_536]) {
        const rows = yield* readRows(content, { format: "ndjson", size })
        assert.deepStrictEqual(inputsOf(rows), [
          { phone: "15551234567", firstName: "Jane", tags: ["vip", "x"], fields: { a: 1, b: [2] } },
          { phone: "1234567", tags: ["x", "y"] }
        ])
      }
    })
  )

  it.effect("refuses invalid lines with a reason, and reads the lines after them", () =>
    Effect.gen(function* () {
      const content = Buffer.concat([
        bytes('{"phone":"1234561"}\n{"phone":\n[1]\n"text"\n'),
        Buffer.from([0xc3, 0x28, 0x0a]),
        bytes(
          `{"phone":{}}\n{"phone":"1","tags":[1]}\n{"fields":1}\n${"x".repeat(2000)}\n{}\n{"phone":"1","tags":5}\n{"phone":"1234562","fields":null}`
        )
      ])
      for (const size of [1, 64, 65_536]) {
        const rows = yield* readRows(content, { format: "ndjson", size, maxRowBytes: 1000 })
        assert.deepStrictEqual(
          inputsOf(rows).map(({ phone }) => phone),
          ["1234561", "1234562"]
        )
        assert.deepStrictEqual(refusedOf(rows), [
          [2, "it is not JSON"],
          [3, "it is not a JSON object"],
          [4, "it is not a JSON object"],
          [5, "it is not UTF-8 text"],
          [6, "phone is not text"],
          [7, "tags contains a value that is not a name"],
          [8, "fields is not an object"],
          [9, "it is longer than 1,000 bytes"],
          [10, "there is no phone number"],
          [11, "tags is not a list"]
        ])
      }
    })
  )
})

// Text that could be misread as a formula, a separator, JSON or the name of a column.
const awkward = [
  ...Array.from("=+-@'\t\r\n\uff1d;|\\,\" ab1.é"),
  ..."field: tags email FirstName phone id extra fields \u{1f600} __proto__".split(" "),
  ...'true null -5 +15551234567 =1+1 {} [1] "x" 1e3 007 12345678901234567890'.split(" ")
]
const text = Arbitrary.map(Arbitrary.array(Arbitrary.schema(Schema.Literals(awkward)), { maxLength: 4 }), (parts) =>
  parts.join("")
)
const json = Arbitrary.flatMap(
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))),
  (kind) =>
    Arbitrary.map(text, (text): Schema.Json => [text, text, 12.5, { a: [text, null] }, null, text === ""][kind] ?? null)
)
const contact = Arbitrary.map(
  Arbitrary.all({
    names: Arbitrary.array(text, { maxLength: 4 }),
    tags: Arbitrary.array(text, { maxLength: 3 }),
    keys: Arbitrary.array(text, { maxLength: 3 }),
    values: Arbitrary.array(json, { minLength: 3, maxLength: 3 })
  }),
  ({ keys, names: [first = "", last = "", email = "", phone = ""], tags, values }): Contact => ({
    id: "5a4db0c5-0000-4000-8000-000000000001" as ContactId,
    phone: phone.trim() === "" ? "+15551234567" : phone.trim(),
    ...(first.trim() !== "" && { firstName: first }),
    ...(last.trim() !== "" && { lastName: last }),
    ...(email.trim() !== "" && { email: email.trim() }),
    ...(tags.length > 0 && { tags: tags.map((name) => ({ name })) }),
    ...(keys.some((key) => key !== "") && {
      fields: Object.fromEntries(keys.flatMap((key, index) => (key === "" ? [] : [[key, values[index] ?? null]])))
    }),
    extra: { createdAt: "2026-01-01" }
  })
)

/** The input of `upsert` if the file keeps all values of a contact. */
const wholeInput = ({ email, fields, firstName, lastName, phone = "", tags }: Contact) => ({
  phone,
  ...(firstName && { firstName }),
  ...(lastName && { lastName }),
  ...(email && { email }),
  ...(tags && { tags: tags.map(({ name }) => name) }),
  ...(fields && { fields })
})

/** The input of `upsert` if the file keeps what the documentation of `write` says about CSV. */
const csvInput = (contact: Contact, typed: boolean) => {
  const { fields = {}, firstName, lastName, tags = [], ...rest } = wholeInput(contact)
  const names = tags.map((tag) => tag.trim()).filter((tag) => tag !== "")
  const kept = typed
    ? Object.entries(fields)
    : Object.entries(fields).flatMap(([key, value]) => {
        const cell = typeof value === "string" ? value : JSON.stringify(value)
        return value === null || cell.trim() === "" ? [] : [[key, cell] as const]
      })
  return {
    ...rest,
    ...(firstName && { firstName: firstName.trim() }),
    ...(lastName && { lastName: lastName.trim() }),
    ...(names.length > 0 && { tags: names }),
    ...(kept.length > 0 && { fields: Object.fromEntries(kept) })
  }
}

const valueOf = (name: Attribute) => (name === "tags" ? ["x", "y"] : name === "phone" ? "+15551234567" : `a ${name}`)
const cellOf = (name: Attribute) => [valueOf(name)].flat().join("|")
const phoneBeside = (name: Attribute) => (name === "phone" ? {} : { phone: "+15551234567" })

describe("attributes", () => {
  for (const name of attributeNames) {
    it.effect(`${name} is read by its column and by every spelling`, () =>
      Effect.gen(function* () {
        const { column, spellings } = attributes[name]
        for (const heading of new Set([column, ...spellings, column.toUpperCase(), column.replaceAll("_", " ")])) {
          const record = { ...phoneBeside(name), [heading]: cellOf(name) }
          const csv = `${Object.keys(record).join(",")}\n${Object.values(record).join(",")}\n`
          const rows = [
            ...(yield* readRows(csv)),
            ...(yield* readRows(JSON.stringify(record), { format: "ndjson" })),
            ...(yield* readRows(csv.replace(heading, "Custom"), { map: { custom: heading } }))
          ]
          for (const input of inputsOf(rows)) {
            assert.deepStrictEqual<object>(input, { ...phoneBeside(name), [name]: valueOf(name) })
          }
          assert.lengthOf(inputsOf(rows), 3, heading)
        }
      })
    )
  }

  it.effect("are all written to CSV and NDJSON, and read back", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const input = Object.fromEntries(attributeNames.map((name) => [name, valueOf(name)]))
      const contact = { ...input, tags: [{ name: "x" }, { name: "y" }], id: "1" as ContactId, extra: {} } as Contact
      for (const format of ["csv", "ndjson"] as const) {
        const path = join(folder, `contacts.${format}`)
        yield* ContactFile.write(Stream.make(contact), path, { format })
        assert.deepStrictEqual<ReadonlyArray<object>>(inputsOf(yield* Stream.runCollect(ContactFile.read(path))), [
          input
        ])
      }
      const csv = yield* Effect.promise(() => readFile(join(folder, "contacts.csv"), "utf8"))
      assert.strictEqual(csv.split("\n")[0], attributeNames.map((name) => attributes[name].column).join(","))
    }).pipe(Effect.scoped)
  )

  it.effect("are listed in the advice for a file without a header", () =>
    Effect.gen(function* () {
      const fault = yield* Effect.flip(readRows("name,city\nJane,Porto\n"))
      for (const name of attributeNames) assert.include(fault.advice, attributes[name].column)
    })
  )
})

describe("cells", () => {
  const parts = ["", ...awkward]
  const texts = parts.flatMap((one) => parts.map((two) => one + two))

  it("restore all text, also text that looks like a formula or JSON", () => {
    for (const text of texts) {
      assert.strictEqual(Cells.unguard(Cells.guard(text)), text)
      assert.strictEqual(Cells.fromTyped(Cells.toTyped(text)), text)
    }
    for (const value of [-5, 1e21, 0.1, true, null, {}, [1, "x"]]) {
      assert.deepStrictEqual(Cells.fromTyped(Cells.unguard(Cells.guard(Cells.toTyped(value)))), value)
    }
    assert.strictEqual(Cells.fromTyped("12345678901234567890"), "12345678901234567890")
  })

  it("restore all tags", () => {
    for (const [index, text] of texts.entries()) {
      const tags = [text, texts[(index * 7919) % texts.length] ?? ""]
        .map((tag) => tag.trim())
        .filter((tag) => tag !== "")
      assert.deepStrictEqual(Cells.splitTags(Cells.joinTags(tags)), tags)
    }
  })
})

describe("files", () => {
  it.effect.prop(
    "restores exported contacts: all values with NDJSON, the documented ones with CSV",
    { contacts: Arbitrary.array(contact, { minLength: 1, maxLength: 3 }), typed: Schema.Boolean },
    ({ contacts, typed }) =>
      Effect.gen(function* () {
        const folder = yield* temporary
        for (const format of ["csv", "ndjson"] as const) {
          const path = join(folder, `contacts.${format}`)
          yield* ContactFile.write(Stream.fromIterable(contacts), path, { format, typed })
          const rows = yield* Stream.runCollect(ContactFile.read(path, { typed }))
          const expected = contacts.map((contact) =>
            format === "csv" ? csvInput(contact, typed) : wholeInput(contact)
          )
          assert.deepStrictEqual(inputsOf(rows), expected, yield* Effect.promise(() => readFile(path, "utf8")))
        }
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 150 } }
  )

  const jane: Contact = {
    id: "5a4db0c5-0000-4000-8000-000000000001" as ContactId,
    phone: "+15551234567",
    firstName: 'J"ane',
    lastName: "Doe, jr",
    email: "j@example.com",
    tags: [{ name: "vip", id: "1" }, { name: "x" }],
    fields: { city: "a\nb" },
    extra: {}
  }
  const bo: Contact = { id: "2" as ContactId, phone: "1234567", fields: { seats: 5 }, extra: {} }

  for (const name of ["contacts.csv", "contacts.ndjson", "contacts.CSV.GZ", "contacts.jsonl.gz"]) {
    it.live(`reads back what it wrote to ${name}`, () =>
      Effect.gen(function* () {
        const folder = yield* temporary
        const path = join(folder, name)
        const format = Option.getOrThrow(ContactFile.formatOf(path))
        yield* ContactFile.write(Stream.make(jane, bo), path, { format })
        const rows = yield* Stream.runCollect(ContactFile.read(path))
        assert.deepStrictEqual(inputsOf(rows), [
          {
            phone: "+15551234567",
            firstName: 'J"ane',
            lastName: "Doe, jr",
            email: "j@example.com",
            tags: ["vip", "x"],
            fields: { city: "a\nb" }
          },
          { phone: "1234567", fields: { seats: format === "csv" ? "5" : 5 } }
        ])
        const raw = yield* Effect.promise(() => readFile(path))
        if (name.toLowerCase().endsWith(".gz")) assert.isAbove(gunzipSync(raw).length, 0)
        assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), [name])
      }).pipe(Effect.scoped)
    )
  }

  it.live("writes a file that only its owner can read, and keeps an existing file without overwrite", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "out.csv")
      yield* ContactFile.write(Stream.make(jane), path, { format: "csv", overwrite: false })
      assert.strictEqual((yield* Effect.promise(() => stat(path))).mode & 0o777, 0o600)
      const before = yield* Effect.promise(() => readFile(path, "utf8"))
      for (const format of ["csv", "ndjson"] as const) {
        let pulled = 0
        const contacts = Stream.tap(Stream.make(bo), () => Effect.sync(() => pulled++))
        const fault = yield* Effect.flip(ContactFile.write(contacts, path, { format, overwrite: false }))
        assert.strictEqual(fault.code, "EEXIST")
        assert.strictEqual(pulled, 0)
      }
      assert.strictEqual(yield* Effect.promise(() => readFile(path, "utf8")), before)
      // A killed run left a part that others can read.
      yield* Effect.promise(() => writeFile(`${path}.part`, "left", { mode: 0o644 }))
      yield* ContactFile.write(Stream.make(bo), path, { format: "csv" })
      assert.strictEqual((yield* Effect.promise(() => stat(path))).mode & 0o777, 0o600)
      yield* ContactFile.write(Stream.make(bo), "/dev/null", { format: "csv", overwrite: false })
      assert.isTrue((yield* Effect.promise(() => stat("/dev/null"))).isCharacterDevice())
    }).pipe(Effect.scoped)
  )

  it.live("leaves no partial file if the stream of contacts fails", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const contacts = Stream.concat(Stream.make(jane), Stream.fail("gone" as const))
      for (const format of ["csv", "ndjson"] as const) {
        const error = yield* Effect.flip(ContactFile.write(contacts, join(folder, "out"), { format }))
        assert.strictEqual(error, "gone")
      }
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), [])
      yield* Effect.promise(() => writeFile(join(folder, "out"), "before"))
      yield* Effect.flip(ContactFile.write(contacts, join(folder, "out"), { format: "ndjson" }))
      assert.strictEqual(yield* Effect.promise(() => readFile(join(folder, "out"), "utf8")), "before")
    }).pipe(Effect.scoped)
  )

  it.live("fails with the kind and the code of the problem, without the path", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const cut = join(folder, "jane.csv.gz")
      yield* Effect.promise(() => writeFile(cut, gzipSync("phone\n1234567\n").subarray(0, 20)))
      const plainText = join(folder, "plain.csv.gz")
      yield* Effect.promise(() => writeFile(plainText, "phone\n1234567\n"))
      const cases = [
        [cut, "compression", "Z_BUF_ERROR"],
        [plainText, "compression", "Z_DATA_ERROR"],
        [join(folder, "none.csv"), "system", "ENOENT"],
        [join(folder, "none.txt"), "header", undefined],
        [folder, "header", undefined]
      ] as const
      for (const [path, kind, code] of cases) {
        const fault = yield* Effect.flip(Stream.runDrain(ContactFile.read(path)))
        assert.strictEqual(fault.kind, kind, path)
        assert.strictEqual(fault.code, code, path)
        assert.notInclude(JSON.stringify(fault), folder)
      }
    }).pipe(Effect.scoped)
  )

  it.live("fails with the system's code if a path cannot be inspected", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, `${"x".repeat(300)}.csv`)
      const faults = [
        yield* Effect.flip(Stream.runDrain(ContactFile.read(path))),
        yield* Effect.flip(ContactFile.write(Stream.make(jane), path, { format: "csv", overwrite: false }))
      ]
      for (const { code, kind } of faults) assert.deepStrictEqual([kind, code], ["system", "ENAMETOOLONG"])
    }).pipe(Effect.scoped)
  )

  it.live("reads a line of 64 MiB in 16 MiB of memory", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "huge.csv")
      yield* Effect.promise(() =>
        writeFile(path, ["phone\n", ...Array.from({ length: 64 }, () => "x".repeat(1_048_576)), "\n1234567\n"])
      )
      assert.isAbove((yield* Effect.promise(() => stat(path))).size, 67_000_000)
      setFlagsFromString("--expose-gc")
      const collect = runInNewContext("gc") as () => void
      const held = () => {
        collect()
        const { external, heapUsed } = process.memoryUsage()
        return external + heapUsed
      }
      let least = Infinity
      let growth = 0
      let chunks = 0
      const rows = yield* ContactFile.read(path, {
        onBytes: () => {
          if (++chunks % 64 > 0) return
          const bytes = held()
          // Garbage of earlier tests may be freed during this test, so the lowest value counts.
          least = Math.min(least, bytes)
          growth = Math.max(growth, bytes - least)
        }
      }).pipe(Stream.runCollect)
      assert.deepStrictEqual(
        rows.map(({ _tag }) => _tag),
        ["Refused", "Contact"]
      )
      assert.isAbove(chunks, 512)
      // Buffers are freed some time after they are collected, so the limit is a quarter of the line.
      assert.isBelow(growth, 16 * 1_048_576)
    }).pipe(Effect.scoped)
  )

  it.effect("decodes hostile files to the same rows with chunks of any size", () =>
    Effect.gen(function* () {
      const alphabet = ['"', ",", "\n", "\r\n", "1234567", "x", ";", '""', "é", "\u0000", "{", "}", '"phone":']
      let seed = 7
      const random = (below: number) => {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
        return seed % below
      }
      for (let run = 0; run < 200; run++) {
        const body = Array.from({ length: random(60) }, () => alphabet[random(alphabet.length)] ?? "").join("")
        const raw = Buffer.from(run % 3 === 0 ? `phone,a\n${body}` : body)
        if (run % 5 === 0 && raw.length > 20) raw[20] = 0xff
        for (const format of ["csv", "ndjson"] as const) {
          const whole = yield* Effect.result(readRows(raw, { format, maxRowBytes: 64 }))
          const chunks = yield* Effect.result(readRows(raw, { format, maxRowBytes: 64, size: 5 }))
          assert.strictEqual(Result.isSuccess(whole), Result.isSuccess(chunks))
          if (Result.isSuccess(whole) && Result.isSuccess(chunks)) {
            // The reason of a row that is too long may depend on the size of the chunks. Its place must not.
            assert.deepStrictEqual(chunks.success.map(placeOf), whole.success.map(placeOf))
            assert.deepStrictEqual(inputsOf(chunks.success), inputsOf(whole.success))
          }
        }
      }
    })
  )
})
