/** Formats results as tables. The terminal shows all figures, and the documentation shows only ratios. */
import { contenders, type Row } from "./calls.ts"
import type { Results } from "./results.ts"
import type { Scale } from "./scale.ts"
import type { Start } from "./start.ts"
import type { Figure } from "./statistics.ts"
import type { Program, Size } from "../size/measure.ts"

const ours = "agentalk"

/** A Markdown table in the style of the formatter: the first column is left-aligned, the others are right-aligned. */
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((title, column) =>
    Math.max(3, ...[title, ...rows.map((row) => row[column] ?? "")].map(({ length }) => length))
  )
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`))
  return [line(head), line(rule), ...rows.map(line)].join("\n")
}

const fixed = (value: number): string => value.toFixed(2)

const spread = ({ high, low, median }: Figure): string => `${fixed(median)} (${fixed(low)} to ${fixed(high)})`

const number = (value: number): string => Math.round(value).toLocaleString("en")

const nameOf = (module: string): string => contenders[module] ?? module

const concurrencies = (rows: ReadonlyArray<Row>): ReadonlyArray<number> => [
  ...new Set(rows.map(({ concurrency }) => concurrency))
]

const rowOf = (rows: ReadonlyArray<Row>, contender: string, concurrency: number) =>
  rows.find((row) => row.contender === contender && row.concurrency === concurrency)

// --- the terminal -------------------------------------------------------------------------------------------------

export const callsReport = (rows: ReadonlyArray<Row>): string =>
  table(
    ["Contender", "At a time", "CPU over raw", "µs/call", "calls/s", "Peak MB"],
    rows.map(({ contender, concurrency, cpu, memory, rate, ratio }) => [
      nameOf(contender),
      String(concurrency),
      spread(ratio),
      cpu.toFixed(1),
      number(rate),
      number(memory)
    ])
  )

export const startReport = (programs: ReadonlyArray<Start>): string =>
  table(
    ["Program", "Time over bare Effect", "ms"],
    programs.map(({ milliseconds, program, ratio }) => [program, spread(ratio), number(milliseconds)])
  )

export const scaleReport = ({ concurrency, failing, inFlight, search }: Scale): string =>
  [
    table(
      ["At a time", "CPU over raw", "CPU over that at 32"],
      concurrency.map(({ at, overThirtyTwo, ratio }) => [String(at), spread(ratio), fixed(overThirtyTwo)])
    ),
    table(
      ["Contacts read", "CPU µs each", "Resident MB"],
      search.map(({ contacts, cpu, memory }) => [number(contacts), cpu.toFixed(2), number(memory)])
    ),
    `${number(inFlight.calls)} calls under way use ${number(inFlight.bytes)} bytes each, and raw calls ${number(inFlight.rawBytes)}.`,
    `If a tenth of all responses fail, a call costs ${spread(failing)} times a call without failures.`
  ].join("\n\n")

// --- the documentation --------------------------------------------------------------------------------------------

const callsTable = ({ rows }: Results["calls"]): string => {
  const at = concurrencies(rows)
  const mine = rowOf(rows, ours, 32)
  const modules = Object.keys(contenders).filter((module) => rowOf(rows, module, 32) !== undefined)
  const sorted = modules.toSorted((a, b) => costOf(rows, a) - costOf(rows, b))
  return table(
    [
      "CPU of a call over `undici.request`",
      ...at.map((each) => `${each} at a time`),
      "Middle half at 32",
      "Agentalk over it"
    ],
    sorted.map((module) => {
      const name = module.startsWith(ours) ? `**${nameOf(module)}**` : nameOf(module)
      const ratios = at.map((each) => fixed(rowOf(rows, module, each)?.ratio.median ?? NaN))
      const share = (mine?.ratio.median ?? NaN) / costOf(rows, module)
      return [name, ratios, middleHalf(rowOf(rows, module, 32)), module.startsWith(ours) ? "" : fixed(share)].flat()
    })
  )
}

const middleHalf = (measured: { readonly ratio: Figure } | undefined): string =>
  measured === undefined ? "" : `${fixed(measured.ratio.low)} to ${fixed(measured.ratio.high)}`

/** CPU divided by that of raw calls, with 32 calls at a time. */
export const costOf = (rows: ReadonlyArray<Row>, module: string): number => rowOf(rows, module, 32)?.ratio.median ?? NaN

const callsText = ({ calls, machine }: Results): string =>
  [
    `Node ${machine.node}, ${machine.cpus} cores, medians of ${calls.rounds} rounds after ${number(calls.warmUp)} calls each.`,
    callsTable(calls)
  ].join("\n\n")

const decodeText = ({ bytes, ratio }: Results["decode"]): string =>
  `Reading a page of 50 contacts (${number(bytes)} bytes) costs ${spread(ratio)} times \`JSON.parse\` of the same bytes.`

const scaleText = ({ concurrency, failing, inFlight, search }: Scale): string => {
  const [first, second] = search
  const last = search.at(-1)
  return [
    table(
      ["Calls at a time", "CPU over `undici.request`", "CPU over that at 32"],
      concurrency.map(({ at, overThirtyTwo, ratio }) => [number(at), fixed(ratio.median), fixed(overThirtyTwo)])
    ),
    table(
      ["Cost under load", "Ratio"],
      [
        ["CPU of a call if a tenth of all responses are 503, over a call without failures", fixed(failing.median)],
        [
          `Memory of one of ${number(inFlight.calls)} calls under way, over a raw call`,
          fixed(inFlight.bytes / inFlight.rawBytes)
        ],
        // The first sample is left out, because the code is still being compiled.
        [
          `CPU per contact of a search, the last ${number(first?.contacts ?? NaN)} over the second ${number(first?.contacts ?? NaN)}`,
          fixed((last?.cpu ?? NaN) / (second?.cpu ?? NaN))
        ],
        [
          `Resident memory after ${number(last?.contacts ?? NaN)} contacts, over ${number(first?.contacts ?? NaN)} contacts`,
          fixed((last?.memory ?? NaN) / (first?.memory ?? NaN))
        ]
      ]
    )
  ].join("\n\n")
}

const startText = ({ programs, runs }: Results["start"]): string =>
  [
    `Medians of ${runs} interleaved runs.`,
    table(
      ["From start to end of a process", "Time over bare Effect", "Middle half"],
      programs.map((each) => [each.program, fixed(each.ratio.median), middleHalf(each)])
    )
  ].join("\n\n")

const sizeTitles: Readonly<Record<Program, string>> = {
  tag: "code that uses `Contacts`, and nothing else",
  bareHttpApi: "a bare `HttpApiClient` with `fetch` and one schema",
  fetchClient: "`AgentalkClient` with `fetch`, and one call",
  everything: "core, node and import whole, with all that they import"
}

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(1)

export const sizeText = (size: Readonly<Record<Program, Size>>): string =>
  table(
    ["Program", "KB minified", "KB gzip", "Over a bare `HttpApiClient`"],
    (Object.keys(sizeTitles) as ReadonlyArray<Program>).map((program) => [
      sizeTitles[program],
      kilobytes(size[program].minified),
      kilobytes(size[program].gzip),
      fixed(size[program].gzip / size.bareHttpApi.gzip)
    ])
  )

/** Inserts the results between the markers of a page, and leaves the rest of the page unchanged. */
export const fill = (page: string, results: Results): string => {
  const texts = {
    calls: callsText(results),
    decode: decodeText(results.decode),
    scale: scaleText(results.scale),
    start: startText(results.start),
    size: sizeText(results.size)
  }
  return Object.entries(texts).reduce((filled, [name, text]) => {
    const place = new RegExp(`(<!-- bench: ${name} -->)[^]*?(<!-- end -->)`)
    if (!place.test(filled)) throw new Error(`The page has no place for ${name}`)
    return filled.replace(place, (_, begin: string, end: string) => `${begin}\n\n${text}\n\n${end}`)
  }, page)
}
