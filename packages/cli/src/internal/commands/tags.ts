/** `agentalk contacts add-tags` and `remove-tag`. */
import { Contacts } from "@agentalk/core/Contacts"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Connection from "../connection.ts"
import { exampleId, idArgument, printSuccess } from "../contactCommand.ts"

const tagsArgument = Argument.String("tag").pipe(
  Argument.withDescription("A tag to add"),
  Argument.variadic({ min: 1 })
)

const addTags = Command.make("add-tags", { id: idArgument, tags: tagsArgument }, ({ id, tags }) =>
  Effect.gen(function* () {
    const contacts = yield* Contacts
    yield* printSuccess("tags added", yield* contacts.addTags(id, tags))
  })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription("Add tags to a contact. Its other tags stay."),
  Command.withExamples([
    { command: `agentalk contacts add-tags ${exampleId} vip newsletter`, description: "Add two tags" }
  ])
)

const tagArgument = Argument.String("tag").pipe(Argument.withDescription("The name or the id of the tag"))

const removeTag = Command.make("remove-tag", { id: idArgument, tag: tagArgument }, ({ id, tag }) =>
  Effect.gen(function* () {
    const contacts = yield* Contacts
    yield* printSuccess("tag removed", yield* contacts.removeTag(id, tag))
  })
).pipe(
  Command.provide(Connection.layer),
  Command.withDescription("Remove one tag from a contact"),
  Command.withExamples([
    { command: `agentalk contacts remove-tag ${exampleId} newsletter`, description: "Remove the tag newsletter" }
  ])
)

export const tagCommands = [addTags, removeTag] as const
