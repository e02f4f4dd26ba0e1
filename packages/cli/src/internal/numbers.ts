/** Numbers and times for people. */

/** A whole number with thousands separators. */
export const formatNumber = (value: number): string => Math.round(value).toLocaleString("en")

/** A number and its noun: `1 row`, `2 rows`. */
export const count = (value: number, singular: string, plural = `${singular}s`): string =>
  `${formatNumber(value)} ${value === 1 ? singular : plural}`

const twoDigits = (value: number): string => String(value).padStart(2, "0")

/** A duration: `48s`, `3m20s`, `2h05m`. */
export const formatSeconds = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m${twoDigits(whole % 60)}s`
  return `${Math.floor(whole / 3600)}h${twoDigits(Math.floor((whole % 3600) / 60))}m`
}
