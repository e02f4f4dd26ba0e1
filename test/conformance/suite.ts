import { Conformance, type Contacts } from "@agentalk/core"
import { layer as withLayer } from "@effect/vitest"
import type { Layer } from "effect"

/** Runs the conformance checks of `Contacts` against one implementation. */
export const suite = (name: string, layer: Layer.Layer<Contacts, unknown>): void =>
  withLayer(layer, { excludeTestServices: true })(name, (it) => {
    it.effect.each([...Conformance.checks])("$name", ({ check }) => check)
  })
