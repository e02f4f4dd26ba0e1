/** How far an import is, on standard error: a bar on a terminal, a line now and then elsewhere. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Snapshot } from "@agentalk/import/Import"
import { count, formatNumber, formatSeconds } from "./numbers.ts"
import { fit, paintError } from "./terminalText.ts"

/** The rows that are done with. */
export const rowsOf = ({ counts }: Snapshot): number => counts.created + counts.updated + counts.invalid + counts.failed

/** What a line of progress says. */
export interface Pace {
  /** How much of the file is done, from 0 to 1, where its size is known. */
  readonly fraction: number | undefined
  readonly rowsPerSecond: number
  readonly secondsLeft: number | undefined
}

/** How much of the file is done: what was read of it, less the rows that were read ahead. */
const fractionOf = (snapshot: Snapshot): number | undefined => {
  const { bytesRead, bytesTotal, phase, rowsRead } = snapshot
  if (bytesTotal === undefined) return undefined
  if (phase === "checking") return bytesTotal === 0 ? 0 : Math.min(1, bytesRead / bytesTotal)
  return bytesTotal === 0 || rowsRead === 0 ? 0 : Math.min(1, (bytesRead / bytesTotal) * (rowsOf(snapshot) / rowsRead))
}

/** The pace of a run that has been sending rows for so long. */
export const paceOf = (latest: Snapshot, seconds: number): Pace => {
  const done = rowsOf(latest)
  const rowsPerSecond = seconds > 0 ? (done - latest.earlier) / seconds : 0
  const fraction = fractionOf(latest)
  // A guess from less than a second of work would jump about.
  const isKnown = fraction !== undefined && fraction > 0 && rowsPerSecond > 0 && seconds >= 1
  return { fraction, rowsPerSecond, secondsLeft: isKnown ? (done / fraction - done) / rowsPerSecond : undefined }
}

const tally = (snapshot: Snapshot): ReadonlyArray<string> => {
  if (snapshot.phase === "checking") return ["reading the file once, to know it again"]
  const { failed, invalid } = snapshot.counts
  return [
    count(rowsOf(snapshot), "row"),
    ...(invalid > 0 ? [`${formatNumber(invalid)} invalid`] : []),
    ...(failed > 0 ? [`${formatNumber(failed)} failed`] : [])
  ]
}

const rateOf = ({ phase }: Snapshot, rowsPerSecond: number): ReadonlyArray<string> =>
  phase === "checking" ? [] : [`${formatNumber(rowsPerSecond)}/s`]

const barWidth = 20

/** The bar, as wide as the terminal at the most. */
export const bar = (snapshot: Snapshot, pace: Pace, width: number): string => {
  const { fraction, rowsPerSecond, secondsLeft } = pace
  const full = fraction === undefined ? 0 : Math.floor(fraction * barWidth)
  const drawn =
    fraction === undefined
      ? ""
      : `${"█".repeat(full)}${"░".repeat(barWidth - full)} ${String(Math.floor(fraction * 100)).padStart(3)}%  `
  const rest = [
    ...tally(snapshot),
    ...rateOf(snapshot, rowsPerSecond),
    ...(secondsLeft === undefined ? [] : [`${formatSeconds(secondsLeft)} left`])
  ].join(" · ")
  const cut = fit(`${drawn}${rest}`, width - 1)
  return drawn === "" ? cut : paintError("cyan", cut.slice(0, barWidth)) + cut.slice(barWidth)
}

/** The line that stands for the bar where there is no terminal. */
export const line = (snapshot: Snapshot, { fraction, rowsPerSecond, secondsLeft }: Pace): string =>
  [
    ...tally(snapshot),
    ...(fraction === undefined ? [] : [`${Math.floor(fraction * 100)}%`]),
    ...rateOf(snapshot, rowsPerSecond),
    ...(secondsLeft === undefined ? [] : [`${formatSeconds(secondsLeft)} left`])
  ].join(", ")

const erase = "\r\u001b[2K"

/** Draws how far an import is until it is interrupted, and leaves no trace of a bar. */
export const draw = (look: () => Snapshot): Effect.Effect<never> =>
  Effect.suspend(() => {
    const { stderr } = process
    let { phase } = look()
    let started = performance.now()
    const show = Effect.sync(() => {
      const snapshot = look()
      if (snapshot.phase !== phase) started = performance.now()
      phase = snapshot.phase
      const pace = paceOf(snapshot, (performance.now() - started) / 1000)
      stderr.write(stderr.isTTY ? erase + bar(snapshot, pace, stderr.columns || 80) : `${line(snapshot, pace)}\n`)
    })
    const every = stderr.isTTY ? "100 millis" : "10 seconds"
    return show.pipe(
      Effect.delay(every),
      Effect.repeat(Schedule.forever),
      Effect.andThen(Effect.never),
      Effect.ensuring(Effect.sync(() => void (stderr.isTTY && stderr.write(erase))))
    )
  })
