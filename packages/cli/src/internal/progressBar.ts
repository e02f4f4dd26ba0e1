/** The progress of an import on standard error: a bar on a terminal, otherwise a line every ten seconds. */
import type { Snapshot } from "@agentalk/import/Import"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { count, formatNumber, formatSeconds } from "./numbers.ts"
import { fit, paintError } from "./terminalText.ts"

/** The number of rows that are finished, those of earlier runs included. */
export const finishedRows = ({ counts }: Snapshot): number =>
  counts.created + counts.updated + counts.invalid + counts.failed

export interface Pace {
  /** The finished part of the file, from 0 to 1, if the size of the file is known. */
  readonly fraction: number | undefined
  readonly rowsPerSecond: number
  readonly secondsLeft: number | undefined
}

/** The finished part of the file. Rows that were only read ahead do not count. */
const fractionOf = (snapshot: Snapshot): number | undefined => {
  const { bytesRead, bytesTotal, phase, rowsRead } = snapshot
  if (bytesTotal === undefined) return undefined
  if (bytesTotal === 0) return 0
  const read = bytesRead / bytesTotal
  if (phase === "checking") return Math.min(1, read)
  return rowsRead === 0 ? 0 : Math.min(1, read * (finishedRows(snapshot) / rowsRead))
}

/** The pace of an import that has sent rows for some seconds. */
export const paceOf = (snapshot: Snapshot, seconds: number): Pace => {
  const finished = finishedRows(snapshot)
  const rowsPerSecond = seconds > 0 ? (finished - snapshot.earlier) / seconds : 0
  const fraction = fractionOf(snapshot)
  // An estimate from less than a second would change too much.
  const isEstimated = fraction !== undefined && fraction > 0 && rowsPerSecond > 0 && seconds >= 1
  return {
    fraction,
    rowsPerSecond,
    secondsLeft: isEstimated ? (finished / fraction - finished) / rowsPerSecond : undefined
  }
}

const countsOf = (snapshot: Snapshot): ReadonlyArray<string> => {
  if (snapshot.phase === "checking") return ["checking the file"]
  const { failed, invalid } = snapshot.counts
  return [
    count(finishedRows(snapshot), "row"),
    ...(invalid > 0 ? [`${formatNumber(invalid)} invalid`] : []),
    ...(failed > 0 ? [`${formatNumber(failed)} failed`] : [])
  ]
}

const rateOf = ({ phase }: Snapshot, { rowsPerSecond }: Pace): ReadonlyArray<string> =>
  phase === "checking" ? [] : [`${formatNumber(rowsPerSecond)}/s`]

const timeLeftOf = ({ secondsLeft }: Pace): ReadonlyArray<string> =>
  secondsLeft === undefined ? [] : [`${formatSeconds(secondsLeft)} left`]

const barWidth = 20

/** The bar, cut to the width of the terminal. */
export const formatBar = (snapshot: Snapshot, pace: Pace, width: number): string => {
  const { fraction } = pace
  const filled = fraction === undefined ? 0 : Math.floor(fraction * barWidth)
  const drawn =
    fraction === undefined
      ? ""
      : `${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${String(Math.floor(fraction * 100)).padStart(3)}%  `
  const rest = [...countsOf(snapshot), ...rateOf(snapshot, pace), ...timeLeftOf(pace)].join(" · ")
  const cut = fit(`${drawn}${rest}`, width - 1)
  return drawn === "" ? cut : paintError("cyan", cut.slice(0, barWidth)) + cut.slice(barWidth)
}

/** The line that replaces the bar if there is no terminal. */
export const formatLine = (snapshot: Snapshot, pace: Pace): string =>
  [
    ...countsOf(snapshot),
    ...(pace.fraction === undefined ? [] : [`${Math.floor(pace.fraction * 100)}%`]),
    ...rateOf(snapshot, pace),
    ...timeLeftOf(pace)
  ].join(", ")

const eraseLine = "\r\u001b[2K"

const defaultWidth = 80

/** Draws the progress until it is interrupted, and then erases the bar. */
export const drawProgress = (readSnapshot: () => Snapshot): Effect.Effect<never> =>
  Effect.suspend(() => {
    // Effect's `Terminal` does not report the width of standard error.
    const { stderr } = process
    let { phase } = readSnapshot()
    let started = performance.now()
    const draw = Effect.sync(() => {
      const snapshot = readSnapshot()
      if (snapshot.phase !== phase) started = performance.now()
      phase = snapshot.phase
      const pace = paceOf(snapshot, (performance.now() - started) / 1000)
      stderr.write(
        stderr.isTTY
          ? eraseLine + formatBar(snapshot, pace, stderr.columns || defaultWidth)
          : `${formatLine(snapshot, pace)}\n`
      )
    })
    return draw.pipe(
      Effect.delay(stderr.isTTY ? "100 millis" : "10 seconds"),
      Effect.repeat(Schedule.forever),
      Effect.andThen(Effect.never),
      Effect.ensuring(Effect.sync(() => void (stderr.isTTY && stderr.write(eraseLine))))
    )
  })
