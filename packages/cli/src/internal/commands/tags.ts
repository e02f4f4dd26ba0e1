/** `agentalk contacts add-tags` and `remove-tag`. */
import { Contacts } from "@agentalk/core/Contacts"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Connection from "../connection.ts"
import { exampleId, id, printContact } from "../contactCommand.ts"

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
    })
).pipe(
  Command.provide(Connection.layer),
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
    })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription("Take one tag away from a contact"),
  Command.withExamples([
    {
      command: `agentalk contacts remove-tag ${exampleId} newsletter`,
      description: "Take the tag newsletter away"
    }
  ])
)

/** The commands of this file. */
export const tagCommands = [addTags, removeTag] as const
