/** Numbers and times as people write them. */

/** A number with separators. */
export const formatNumber = (value: number): string => Math.round(value).toLocaleString("en")

/** A number of things, as a person writes it. */
export const count = (value: number, one: string, many = `${one}s`): string =>
  `${formatNumber(value)} ${value === 1 ? one : many}`

const two = (value: number): string => String(value).padStart(2, "0")

/** A time as a person reads it: `48s`, `3m20s`, `2h05m`. */
export const formatSeconds = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`
}
