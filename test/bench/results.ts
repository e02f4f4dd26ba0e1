/** The results of the latest measurements. The tables and the chart in the documentation are made from this file. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Row } from "./calls.ts"
import type { Scale } from "./scale.ts"
import type { Start } from "./start.ts"
import type { Figure } from "./statistics.ts"
import type { Program, Size } from "../size/measure.ts"

export interface Results {
  /** The machine that ran the benchmark. */
  readonly machine: { readonly node: string; readonly cpus: number }
  readonly calls: { readonly rounds: number; readonly warmUp: number; readonly rows: ReadonlyArray<Row> }
  readonly decode: { readonly bytes: number; readonly ratio: Figure }
  readonly scale: Scale
  readonly start: { readonly runs: number; readonly programs: ReadonlyArray<Start> }
  readonly size: Readonly<Record<Program, Size>>
}

const file = join(import.meta.dirname, "results.json")

export const readResults = (): Results => JSON.parse(readFileSync(file, "utf8")) as Results

export const writeResults = (results: Results): void => writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
