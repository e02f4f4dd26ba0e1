import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { documented, Exported } from "./Exported.ts"

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Parses the text format of Prometheus, and fails on an unknown line. */
const parse = (text: string) => {
  const types = new Map<string, string>()
  const helped: Array<string> = []
  const samples: Array<Sample> = []
  assert.match(text, /\n$/)
  for (const line of text.trimEnd().split("\n")) {
    const [, comment, name = "", rest = ""] = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line) ?? []
    if (comment === "HELP") helped.push(name)
    else if (comment === "TYPE") types.set(name, rest)
    else {
      const [, name = "", labels = "", value] =
        /^([a-zA-Z_]\w*)\{((?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*)\} ([\d.e+-]+)$/.exec(line) ?? []
      assert.isDefined(value, line)
      const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", text = ""]) => [label, text])
      samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value) })
    }
  }
  return { types, helped, samples }
}

const toPrometheus = (name: string) => name.replaceAll(".", "_")

layer(Exported.layer, { excludeTestServices: true })("the Prometheus export", (it) => {
  it.effect("contains the documented metrics with their types and labels", () =>
    Effect.gen(function* () {
      const { helped, samples, types } = parse((yield* Exported).prometheus)
      assert.deepStrictEqual(
        Object.fromEntries(types),
        Object.fromEntries(Object.entries(documented).map(([name, { type }]) => [toPrometheus(name), type]))
      )
      assert.sameMembers(helped, [...types.keys()])
      for (const [name, { attributes, type }] of Object.entries(documented)) {
        const suffixes = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        for (const suffix of suffixes) {
          const own = samples.filter((sample) => sample.name === `${toPrometheus(name)}${suffix}`)
          assert.isNotEmpty(own)
          const labels = [...attributes.map(toPrometheus), ...(suffix === "_bucket" ? ["le"] : [])]
          for (const sample of own) for (const label of Object.keys(sample.labels)) assert.include(labels, label)
        }
      }
    })
  )

  it.effect("contains cumulative buckets whose last count is the total", () =>
    Effect.gen(function* () {
      const { samples } = parse((yield* Exported).prometheus)
      const counts = samples.filter(({ name }) => name.endsWith("_count"))
      assert.isNotEmpty(counts)
      for (const { labels, name, value } of counts) {
        const buckets = samples.filter(
          (sample) =>
            sample.name === name.replace(/_count$/, "_bucket") &&
            JSON.stringify({ ...sample.labels, le: undefined }) === JSON.stringify(labels)
        )
        assert.strictEqual(buckets.at(-1)?.labels["le"], "+Inf")
        assert.strictEqual(buckets.at(-1)?.value, value)
        const values = buckets.map((bucket) => bucket.value)
        assert.deepStrictEqual(
          values,
          values.toSorted((a, b) => a - b)
        )
      }
    })
  )
})
