/** A figure from several rounds: the median, and the bounds of the middle half of all values. */
export interface Figure {
  readonly median: number
  readonly low: number
  readonly high: number
}

const quantile = (sorted: ReadonlyArray<number>, q: number): number => {
  const place = (sorted.length - 1) * q
  const [below, above] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN]
  return below + (above - below) * (place % 1)
}

const round = (value: number): number => Number(value.toPrecision(4))

export const figureOf = (values: ReadonlyArray<number>): Figure => {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    median: round(quantile(sorted, 0.5)),
    low: round(quantile(sorted, 0.25)),
    high: round(quantile(sorted, 0.75))
  }
}
