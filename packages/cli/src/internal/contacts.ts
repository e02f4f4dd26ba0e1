/** The commands that make one call each. */
import type { Contact } from "@agentalk/core/Contact"
import { Contacts } from "@agentalk/core/Contacts"
import * as ContactsStream from "@agentalk/core/ContactsStream"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Json as JsonValue } from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Connection from "./connection.ts"
import { endIf, status, UsageFault } from "./failure.ts"
import { Json } from "./flags.ts"
import { contactJson, contactLines, contactTable, note, noteInterrupted, paint, print } from "./output.ts"

export const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))

const id = Argument.String("id").pipe(Argument.withDescription("The id of the contact, a UUID"))

const exampleId = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

const fieldFlags = {
  fields: text("field", "KEY=VALUE", "A custom field and its text; may be repeated").pipe(Flag.atLeast(0)),
  jsonFields: text("field-json", "KEY=JSON", "One that is no text: seats=5, vip=true").pipe(Flag.atLeast(0))
}

/** Splits `KEY=VALUE` at its first equals sign. */
export const parsePair = (flag: string, pair: string) => {
  const at = pair.indexOf("=")
  return at > 0
    ? Effect.succeed([pair.slice(0, at), pair.slice(at + 1)] as const)
    : Effect.fail(new UsageFault({ message: `--${flag}: Expected KEY=VALUE` }))
}

const parseJson = (pair: string) =>
  Effect.flatMap(parsePair("field-json", pair), ([key, text]) =>
    Effect.try({
      try: () => [key, JSON.parse(text) as JsonValue] as const,
      catch: () =>
        new UsageFault({
          message: "--field-json: Expected KEY=JSON, such as seats=5, vip=true or plan='\"pro\"'",
          advice: "Text needs no JSON: give it with --field KEY=VALUE."
        })
    })
  )

const parseFields = (flags: { readonly fields: ReadonlyArray<string>; readonly jsonFields: ReadonlyArray<string> }) =>
  Effect.gen(function* () {
    const texts = yield* Effect.forEach(flags.fields, (pair) => parsePair("field", pair))
    const values = yield* Effect.forEach(flags.jsonFields, parseJson)
    const entries: ReadonlyArray<readonly [string, JsonValue]> = [...texts, ...values]
    const fields = Object.fromEntries(entries)
    if (Object.keys(fields).length < entries.length) {
      return yield* new UsageFault({ message: "a field is given twice", advice: "Give every field one value." })
    }
    return entries.length === 0 ? undefined : fields
  })

const withContacts = Effect.provide(Connection.layer())

const done = (text: string) => `${paint("green", "✓")} ${text}`

const printContact = (text: string, contact: Option.Option<Contact>) =>
  print({ contact: Option.getOrNull(Option.map(contact, contactJson)) }, () => [
    done(text),
    ...Option.match(contact, { onNone: () => [], onSome: contactLines })
  ])

const upsert = Command.make(
  "upsert",
  {
    phone: text("phone", "PHONE", "The phone number, with its country code"),
    firstName: text("first-name", "NAME", "The first name").pipe(Flag.optional),
    lastName: text("last-name", "NAME", "The last name").pipe(Flag.optional),
    email: text("email", "E-MAIL", "The e-mail address").pipe(Flag.optional),
    tags: text("tag", "TAG", "A tag to assign; may be repeated").pipe(Flag.atLeast(0)),
    ...fieldFlags
  },
  ({ email, firstName, lastName, phone, tags, ...flags }) =>
    Effect.gen(function* () {
      const fields = yield* parseFields(flags)
      const contacts = yield* Contacts
      const { contact, isNew } = yield* contacts.upsert({
        phone,
        firstName: Option.getOrUndefined(firstName),
        lastName: Option.getOrUndefined(lastName),
        email: Option.getOrUndefined(email),
        tags: tags.length === 0 ? undefined : tags,
        fields
      })
      yield* print({ contact: contactJson(contact), isNew }, () => [
        done(isNew ? "created" : "updated"),
        ...contactLines(contact)
      ])
    }).pipe(withContacts)
).pipe(
  Command.withDescription(
    "Create a contact, or update the one with the same phone number.\n  What is left out stays as it is."
  ),
  Command.withExamples([
    {
      command: 'agentalk contacts upsert --phone "+1 202 555 0143" --first-name Jane --tag vip',
      description: "Create or update a contact"
    }
  ])
)

/** Asks whether to go on; where there is no terminal to ask on, nothing goes on. */
const confirm = Effect.gen(function* () {
  if (!process.stdin.isTTY || !process.stdout.isTTY || (yield* Json)) {
    return yield* new UsageFault({
      message: "a contact is deleted for good, and there is no terminal to ask on",
      advice: "Run the command again with --yes."
    })
  }
  const isSure = yield* Prompt.run(Prompt.Confirm({ message: "Delete this contact for good?" }))
  return yield* Effect.andThen(isSure ? Effect.void : note("Nothing was deleted."), endIf(!isSure, status.refused))
})

const deletes = Command.make(
  "delete",
  {
    id,
    yes: Flag.Boolean("yes").pipe(
      Flag.withAlias("y"),
      Flag.withoutNegation,
      Flag.withDescription("Do not ask"),
      Flag.withDefault(false)
    )
  },
  ({ id, yes }) =>
    Effect.gen(function* () {
      const contacts = yield* Contacts
      if (!yes) yield* confirm
      yield* contacts.delete(id)
      yield* print({ deleted: id }, () => [done("deleted")])
    }).pipe(withContacts)
).pipe(
  Command.withDescription("Delete a contact for good"),
  Command.withExamples([
    {
      command: `agentalk contacts delete ${exampleId} --yes`,
      description: "Delete without asking"
    }
  ])
)

const setFields = Command.make("set-fields", { id, ...fieldFlags }, ({ id, ...flags }) =>
  Effect.gen(function* () {
    const fields = yield* parseFields(flags)
    if (fields === undefined) return yield* new UsageFault({ message: "set-fields needs --field or --field-json" })
    const contacts = yield* Contacts
    return yield* printContact("set", yield* contacts.updateFields(id, fields))
  }).pipe(withContacts)
).pipe(
  Command.withDescription("Set custom fields of a contact. Fields that are not named stay as they are."),
  Command.withExamples([
    {
      command: `agentalk contacts set-fields ${exampleId} \\\n    --field city=Lisbon --field plan=pro`,
      description: "Set two fields"
    },
    {
      command: `agentalk contacts set-fields ${exampleId} \\\n    --field-json seats=5`,
      description: "Set a number"
    }
  ])
)

const clearField = Command.make(
  "clear-field",
  {
    id,
    key: Argument.String("key").pipe(Argument.withDescription("The field: a built-in such as email, or a custom one"))
  },
  ({ id, key }) =>
    Effect.gen(function* () {
      const contacts = yield* Contacts
      yield* printContact("cleared", yield* contacts.clearField(id, key))
    }).pipe(withContacts)
).pipe(
  Command.withDescription("Clear one field of a contact"),
  Command.withExamples([
    {
      command: `agentalk contacts clear-field ${exampleId} email`,
      description: "Clear the e-mail address"
    }
  ])
)

const addTags = Command.make(
  "add-tags",
  {
    id,
    tags: Argument.String("tag").pipe(Argument.withDescription("A tag to add"), Argument.variadic({ min: 1 }))
  },
  ({ id, tags }) =>
    Effect.gen(function* () {
      const contacts = yield* Contacts
      yield* printContact("tagged", yield* contacts.addTags(id, tags))
    }).pipe(withContacts)
).pipe(
  Command.withDescription("Add tags to a contact. The tags that it has stay."),
  Command.withExamples([
    {
      command: `agentalk contacts add-tags ${exampleId} vip newsletter`,
      description: "Add two tags"
    }
  ])
)

const removeTag = Command.make(
  "remove-tag",
  { id, tag: Argument.String("tag").pipe(Argument.withDescription("The tag, by its name or its id")) },
  ({ id, tag }) =>
    Effect.gen(function* () {
      const contacts = yield* Contacts
      yield* printContact("tag removed", yield* contacts.removeTag(id, tag))
    }).pipe(withContacts)
).pipe(
  Command.withDescription("Take one tag away from a contact"),
  Command.withExamples([
    {
      command: `agentalk contacts remove-tag ${exampleId} newsletter`,
      description: "Take the tag newsletter away"
    }
  ])
)

/** What a search is for; the compiler and the API want one of the two. */
export const toQuery = (name: Option.Option<string>, phone: Option.Option<string>) =>
  Effect.gen(function* () {
    for (const [flag, text] of [
      ["name", name],
      ["phone", phone]
    ] as const) {
      if (Option.isSome(text) && text.value.trim() === "") {
        return yield* new UsageFault({ message: `--${flag} is blank`, advice: "The API cannot list all contacts." })
      }
    }
    if (Option.isSome(phone)) return { phone: phone.value, name: Option.getOrUndefined(name) }
    if (Option.isSome(name)) return { name: name.value }
    return yield* new UsageFault({
      message: "a search needs --name or --phone, or both",
      advice: "The API cannot list all contacts."
    })
  })

export const queryFlags = {
  name: text("name", "NAME", "A part of the first or last name").pipe(Flag.optional),
  phone: text("phone", "PHONE", "The phone number").pipe(Flag.optional)
}

/** Prints all pages as they come: a JSON line a contact, or one table. */
const printAll = (query: ContactsStream.Query, pageSize: number | undefined) =>
  Effect.gen(function* () {
    const isJson = yield* Json
    let count = 0
    yield* ContactsStream.pages(query, { pageSize }).pipe(
      Stream.runForEach(({ contacts }) => {
        const lines = isJson
          ? contacts.map((contact) => JSON.stringify(contactJson(contact)))
          : contactTable(contacts).slice(count === 0 ? 0 : 1)
        count += contacts.length
        return lines.length === 0 ? Effect.void : Console.log(lines.join("\n"))
      }),
      Effect.onInterrupt(() => noteInterrupted("the output is incomplete.", "Run the command again for all of it."))
    )
    yield* note(count === 0 ? "No contact matches." : `${count.toLocaleString("en")} found`)
  })

const search = Command.make(
  "search",
  {
    ...queryFlags,
    limit: Flag.Int("limit").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("The most contacts on a page (the API's default is 50)"),
      Flag.optional
    ),
    offset: Flag.Int("offset").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("How many contacts to skip"),
      Flag.optional
    ),
    all: Flag.Boolean("all").pipe(
      Flag.withoutNegation,
      Flag.withDescription("All pages, --limit contacts at a time"),
      Flag.withDefault(false)
    )
  },
  ({ all, limit, name, offset, phone }) =>
    Effect.gen(function* () {
      const query = yield* toQuery(name, phone)
      if (all) {
        yield* Option.isSome(offset)
          ? new UsageFault({ message: "--all and --offset exclude each other" })
          : printAll(query, Option.getOrUndefined(limit))
        return
      }
      const contacts = yield* Contacts
      const page = yield* contacts.search({
        ...query,
        limit: Option.getOrUndefined(limit),
        offset: Option.getOrUndefined(offset)
      })
      const total = Option.getOrNull(page.total)
      yield* print({ contacts: page.contacts.map(contactJson), total }, () =>
        page.contacts.length === 0
          ? ["No contact matches."]
          : [
              ...contactTable(page.contacts),
              paint("dim", `${page.contacts.length} ${total === null ? "" : `of ${total} `}shown`)
            ]
      )
    }).pipe(withContacts)
).pipe(
  Command.withDescription("Find contacts by a part of the name, by phone number, or both"),
  Command.withExamples([
    { command: "agentalk contacts search --name jane", description: "The first page of those named so" },
    { command: "agentalk contacts search --name jane --all --json", description: "All of them, one JSON line each" }
  ])
)

/** The commands of this file. */
export const commands = [upsert, search, deletes, setFields, clearField, addTags, removeTag] as const
